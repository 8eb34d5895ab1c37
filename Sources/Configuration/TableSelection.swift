// What each table is: Data A, Data B, excluded, undecided, or nothing that the configuration speaks of. A literal name wins
// over a pattern; between equals leaving out wins, and what is undecided is never carried.
// It knows only names: catalogs decide which tables there are, and their reader leaves system schemas out.

package import Model

package enum TableClass: String, Sendable, CaseIterable {
    case dataA = "data_a"
    case dataB = "data_b"
    case excluded = "exclude"
    case undecided
    case unnamed
}

package struct TableSelection: Sendable {
    private struct Entry {
        let kind: TableClass
        let pattern: TablePattern
    }

    private var literals: [QualifiedName: Entry] = [:]
    private var patterns: [Entry] = []

    package init(
        dataA: [TablePattern], dataB: [TablePattern] = [], exclude: [TablePattern], undecided: [TablePattern] = []
    ) {
        // Between equals the first one wins.
        let lists = [
            (TableClass.undecided, undecided), (.excluded, exclude), (.dataB, dataB), (.dataA, dataA),
        ]
        for (kind, list) in lists {
            for pattern in list {
                let entry = Entry(kind: kind, pattern: pattern)
                guard let name = pattern.literalName else {
                    patterns.append(entry)
                    continue
                }
                if literals[name] == nil { literals[name] = entry }
            }
        }
    }

    package init(_ configuration: Configuration) {
        self.init(
            dataA: configuration.dataA, dataB: configuration.dataB.map(\.pattern), exclude: configuration.exclude,
            undecided: configuration.undecided)
    }

    package func isDataA(_ name: QualifiedName) -> Bool { verdict(on: name).kind == .dataA }

    /// What it is, and the pattern that says so.
    package func verdict(on name: QualifiedName) -> (kind: TableClass, by: TablePattern?) {
        guard let entry = literals[name] ?? patterns.first(where: { $0.pattern.matches(name) }) else {
            return (.unnamed, nil)
        }
        return (entry.kind, entry.pattern)
    }
}
