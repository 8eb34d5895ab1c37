// How rows of a table are found by their key on both sides, to take out and read again those that have changed while the
// others were read: by equal values, as an index finds them, and on the source by the very text that was noted. Only for
// types that compare by an operator of PostgreSQL's own; a table with any other key is copied in one snapshot.

internal import Batching
internal import Model
internal import State

package struct CopyKey: Sendable {
    private struct Part {
        let ofSource: TargetTable.Column
        let ofTarget: TargetTable.Column
    }

    /// In the order of their names, as they are noted.
    package let columns: [String]
    private let parts: [Part]
    /// Of the key's texts; no column of the table begins like that.
    private let prefix: String

    private static let equals = "OPERATOR(pg_catalog.=)"

    init?(_ leaf: SourceLeaf, _ source: TargetTable?, _ mapping: TableMapping) {
        let names = leaf.key.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        guard let source, Self.hasPlainIndex(source, names) else { return nil }
        var parts: [Part] = []
        for name in names {
            guard let place = mapping.shape.columns.firstIndex(where: { sameName($0.name, name) }),
                mapping.plan.carried.contains(place), let own = source.column(name), own.input != nil,
                mapping.column(place).target.input != nil
            else { return nil }
            parts.append(Part(ofSource: own, ofTarget: mapping.column(place).target))
        }
        columns = names
        self.parts = parts
        var prefix = "key"
        while leaf.columns.contains(where: { $0.name.hasPrefix(prefix) }) { prefix += "_" }
        self.prefix = prefix
    }

    private static func hasPlainIndex(_ table: TargetTable, _ names: [String]) -> Bool {
        let wanted = Set(names.map { Array($0.utf8) })
        return table.indexes.contains { index in
            index.isPlain && index.isUnique && Set(index.parts.map { Array($0.column.utf8) }) == wanted
                && index.parts.allSatisfy { $0.equals == equals }
        }
    }

    /// A row `d` of the table on new has the key noted in `n.key`.
    package var matchesOnTarget: String {
        parts.indices.map { index in
            let column = parts[index].ofTarget
            return "\(Self.own("d", column)) \(Self.equals) \(Self.read("n.key[\(index + 1)]", column))"
        }.joined(separator: " AND ")
    }

    func given(_ values: [[String]]) -> String {
        let lists = values.enumerated().map { index, texts in
            "unnest(\(literal(arrayText(texts)))::pg_catalog.text[]) AS \(name(index))"
        }
        return "(SELECT \(lists.joined(separator: ", "))) AS u"
    }

    var matchesOnSource: String {
        parts.indices.map { index in
            let column = parts[index].ofSource
            let given = "u.\(name(index))"
            return "\(Self.own("t", column)) \(Self.equals) \(Self.read(given, column))"
                // The very bytes, whatever the column's collation takes for equal.
                + " AND pg_catalog.format('%s', t.\(quoted(column.name))) COLLATE pg_catalog.\"C\" = \(given)"
        }.joined(separator: " AND ")
    }

    private func name(_ index: Int) -> String { quoted("\(prefix)\(index)") }

    private static func own(_ alias: String, _ column: TargetTable.Column) -> String {
        "\(alias).\(quoted(column.name))" + (column.isDomain ? "::" + column.castType : "")
    }

    private static func read(_ text: String, _ column: TargetTable.Column) -> String {
        guard let input = column.input else { return text }
        return input.before + text + input.after
    }
}
