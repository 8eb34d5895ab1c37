// Which tables are Data A. A literal name wins over a pattern; between equals, leaving out wins.
// It knows only names: catalogs decide which tables there are, and their reader leaves system schemas out.

package import Model

package struct TableSelection: Sendable {
    private let dataA: [TablePattern]
    private let exclude: [TablePattern]

    package init(dataA: [TablePattern], exclude: [TablePattern]) {
        self.dataA = dataA
        self.exclude = exclude
    }

    package func isDataA(_ name: QualifiedName) -> Bool {
        guard let wanted = rank(of: name, in: dataA) else { return false }
        return rank(of: name, in: exclude).map { wanted > $0 } ?? true
    }

    private enum Rank: Int, Comparable {
        case pattern, literal

        static func < (left: Rank, right: Rank) -> Bool { left.rawValue < right.rawValue }
    }

    private func rank(of name: QualifiedName, in patterns: [TablePattern]) -> Rank? {
        patterns.lazy.filter { $0.matches(name) }.map { $0.isLiteral ? Rank.literal : .pattern }.max()
    }
}
