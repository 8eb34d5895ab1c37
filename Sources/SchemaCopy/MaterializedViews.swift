// Materialized views: which old has filled, in the order in which they read each other (through other views, too), and
// filling them on new. Their rows are computed there and are not copied.

internal import Model
internal import Postgres

enum MaterializedViews {
    static func populated(on connection: Connection) throws(PostgresError) -> [QualifiedName] {
        let rows = try connection.query(
            """
            WITH RECURSIVE reads AS (
                SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation
                  FROM pg_catalog.pg_rewrite r
                  JOIN pg_catalog.pg_depend d
                    ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                   AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class
                  JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('v', 'm')
                 WHERE r.ev_type = '1'
            ), depth AS (
                SELECT oid AS view, 0 AS level FROM pg_catalog.pg_class WHERE relkind IN ('v', 'm')
                UNION
                SELECT reads.view, depth.level + 1 FROM depth JOIN reads ON reads.relation = depth.view
            )
            SELECT n.nspname, c.relname
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname <> 'tandem'
             ORDER BY (SELECT max(level) FROM depth WHERE view = c.oid), 1, 2
            """, doing: "listing materialized views on \(connection.label)")
        return (0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) }
    }

    static func empty(on connection: Connection) throws(PostgresError) -> Set<QualifiedName> {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'm' AND NOT c.relispopulated
            """, doing: "listing materialized views on \(connection.label)")
        return Set((0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) })
    }

    /// With statistics, which a refresh does not gather.
    static func refresh(_ name: QualifiedName, on connection: Connection) throws(PostgresError) {
        try connection.script(
            "REFRESH MATERIALIZED VIEW \(name.sql); ANALYZE \(name.sql)",
            doing: "filling materialized view \(name) on \(connection.label)")
    }
}
