// The same statements for rows that are not a whole table, and for a place they wait in before they are laid over it; and the
// unique keys by which that is done.

package import Model
package import Postgres

extension CopyStatements {
    /// Rows of `relation`, all or those that meet the condition; only the first ones, if `ending` says so.
    package func read(from relation: String, where condition: String?, _ ending: String = "") -> CopyQuery {
        CopyQuery(
            rows: rows, from: relation, where: condition, ending: ending, isBinary: isBinary,
            wide: ending.isEmpty && hasAside ? wide : nil)
    }

    /// COPY … FROM STDIN into another table, which has these columns.
    package func write(into place: String) -> String { "COPY \(place)\(columns) FROM STDIN (FORMAT \(format))" }
}

package enum UniqueKeys {
    /// Sets of columns that tell rows apart, the primary key first: never NULL (where `mayBeNull` does not say that it does not
    /// matter), checked at once, compared by PostgreSQL's own operators so that equal means the same value. Nil when there is
    /// no such relation.
    package static func of(
        _ name: QualifiedName, on connection: Connection, mayBeNull: Bool = false
    ) throws(PostgresError) -> [[String]]? {
        guard let table = try TargetCatalog(connection: connection).table(name, number: 0) else { return nil }
        return table.indexes.filter { index in
            index.isUnique && index.isPlain && index.isImmediate
                && index.parts.allSatisfy { part in
                    part.equals == "OPERATOR(pg_catalog.=)" && !part.isLoose
                        && (mayBeNull || table.column(part.column)?.isNotNull == true)
                }
        }.map { $0.parts.map(\.column) }
    }
}
