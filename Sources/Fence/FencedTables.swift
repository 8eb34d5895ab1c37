// Which relations of a side are fenced: each table of Data A and everything below it, because a statement that names a partition
// fires only that partition's own triggers. And whether each has its trigger, as it must be.

package import Model
package import Postgres
internal import State

package struct FencedTable: Sendable, Equatable {
    let oid: String
    package let name: QualifiedName
    /// There is a trigger of that name.
    let hasTrigger: Bool
    /// It is the right one: of our function, before every kind of statement, for every session.
    let isRight: Bool
    let isEnabled: Bool

    package var isCovered: Bool { hasTrigger && isRight && isEnabled }

    /// As the text of an array of their numbers.
    package static func numbers(_ tables: [FencedTable]) -> String {
        "{" + tables.map(\.oid).joined(separator: ",") + "}"
    }
}

package struct FencedTables {
    let connection: Connection
    let names: FenceNames

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        names = FenceNames(stream)
    }

    /// Tables of these names, and what is below them. A name that is not there is passed over: new may have fewer. From catalogs
    /// alone, which lock nothing: a TRUNCATE that waits for the fence has its table.
    package func read(_ tables: [QualifiedName]) throws(PostgresError) -> [FencedTable] {
        let rows = try connection.query(
            """
            WITH RECURSIVE wanted AS (
                SELECT c.oid FROM unnest($1::text[], $2::text[]) w(schema, name)
                  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name),
            all_of_them AS (
                SELECT oid FROM wanted
                UNION SELECT i.inhrelid FROM all_of_them a JOIN pg_catalog.pg_inherits i ON i.inhparent = a.oid
                        JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid AND p.relispartition)
            SELECT c.oid, n.nspname, c.relname, t.oid IS NOT NULL,
                   coalesce(t.tgtype = 62 AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgconstraint = 0
                            AND t.tgfoid = pg_catalog.to_regprocedure($4)::oid, false),
                   coalesce(t.tgenabled = 'A', false)
              FROM all_of_them a JOIN pg_catalog.pg_class c ON c.oid = a.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND t.tgname = $3 AND NOT t.tgisinternal
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' ORDER BY 2, 3
            """,
            [
                arrayText(tables.map(\.schema)), arrayText(tables.map(\.name)), names.trigger,
                names.functionSQL + "()",
            ], doing: "looking for the fence's triggers on \(connection.label)")
        return (0..<rows.rows).map { row in
            FencedTable(
                oid: rows.string(row, 0), name: QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2)),
                hasTrigger: rows.bool(row, 3), isRight: rows.bool(row, 4), isEnabled: rows.bool(row, 5))
        }
    }

    /// Every table that has our trigger, carried or not any more.
    func fenced() throws(PostgresError) -> [(oid: String, name: QualifiedName)] {
        let rows = try connection.query(
            """
            SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE t.tgname = $1 AND NOT t.tgisinternal AND t.tgfoid = pg_catalog.to_regprocedure($2)::oid ORDER BY 2, 3
            """, [names.trigger, names.functionSQL + "()"],
            doing: "looking for the fence's triggers on \(connection.label)")
        return (0..<rows.rows).map {
            (rows.string($0, 0), QualifiedName(schema: rows.string($0, 1), name: rows.string($0, 2)))
        }
    }
}
