// Rows' values, for an operator who asks to see them. Nothing else shows any.

package import Model
internal import Postgres

extension PairComparison {
    /// Of each difference the rows of either side as text; columns in the order compared.
    package func values(of differences: [RowDifference], in table: QualifiedName) throws -> [PerSide<[String]>] {
        let compared = try look(up: table, onNew: table)
        let keys = differences.map(\.settlingKey)
        let rows = try desks.both { side, connection in
            let statements = ReadStatements(table: compared, side: side)
            let statement = statements.values(keys)
            let rows = try connection.query(
                statement.sql, statement.parameters, doing: "reading values of \(table) on \(connection.label)")
            var found: [[String]: Set<String>] = [:]
            for row in 0..<rows.rows {
                let key = (1..<rows.columns).map { rows.string(row, $0) }
                found[key, default: []].insert(rows.string(row, 0))
            }
            return found
        }
        return keys.map { PerSide<[String]>(old: (rows.old[$0] ?? []).sorted(), new: (rows.new[$0] ?? []).sorted()) }
    }
}
