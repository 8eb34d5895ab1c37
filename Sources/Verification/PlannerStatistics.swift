// What the planner knows of a side's tables.

package import Model
package import Postgres

package enum PlannerStatistics {
    /// Tables with rows that were never analysed.
    package static func missing(on connection: Connection) throws(PostgresError) -> [QualifiedName] {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
               AND pg_relation_size(c.oid) > 0 AND c.relnatts > 0
               AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
             ORDER BY 1, 2
            """, doing: "looking for statistics on \(connection.label)")
        return (0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) }
    }
}
