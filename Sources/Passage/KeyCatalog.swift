// The keys of a side's tables: unique, valid, without NULL, over whole columns.

internal import Model
internal import Postgres

enum KeyCatalog {
    /// Of each table, its keys as sets of columns.
    static func read(_ connection: Connection) throws(PostgresError) -> [QualifiedName: Set<Set<String>>] {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname, i.indexrelid, a.attname
              FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) p
              JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[p]
             WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
               AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
               AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_attribute k
                    WHERE k.attrelid = c.oid AND NOT k.attnotnull
                      AND k.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]))
             ORDER BY 1, 2, 3
            """, doing: "reading keys on \(connection.label)")
        var columns: [QualifiedName: [String: Set<String>]] = [:]
        for row in 0..<rows.rows {
            let table = QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1))
            columns[table, default: [:]][rows.string(row, 2), default: []].insert(rows.string(row, 3))
        }
        return columns.mapValues { Set($0.values) }
    }
}
