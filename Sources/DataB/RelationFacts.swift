// What one side's catalogs say of a table of Data B: each question a named function.

internal import Model
internal import Postgres

struct RelationFacts {
    enum Stamp: String {
        case zoned = "1184"
        case local = "1114"
        case date = "1082"
    }

    struct Column {
        let name: String
        /// With its length, as SQL.
        let type: String
        /// Nil for types that tell no time.
        let stamp: Stamp?
        /// An index finds its values in order.
        let isIndexed: Bool
        let isIdentityAlways: Bool
    }

    /// As in `pg_class.relkind`.
    let kind: String
    let isPopulated: Bool
    let isUnlogged: Bool
    let columns: [Column]

    var isView: Bool { kind == "m" }
    var isTable: Bool { kind == "r" || kind == "p" }

    /// How statements name it, children left out.
    func sql(_ name: QualifiedName) -> String { kind == "r" ? "ONLY " + name.sql : name.sql }

    func column(_ name: String) -> Column? { columns.first { sameName($0.name, name) } }

    /// Nil when there is no such relation.
    static func read(_ name: QualifiedName, on connection: Connection) throws(PostgresError) -> RelationFacts? {
        let rows = try connection.query(
            """
            SELECT c.relkind, c.relispopulated, c.relpersistence = 'u', a.attname, format_type(a.atttypid, a.atttypmod),
                   a.atttypid, a.attidentity = 'a',
                   EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
                            WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
                              AND i.indkey[0] = a.attnum)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
             ORDER BY a.attnum
            """, [name.schema, name.name], doing: "looking up \(name) on \(connection.label)")
        guard rows.rows > 0 else { return nil }
        let columns = (0..<rows.rows).filter { !rows.isNull($0, 3) }.map { row in
            Column(
                name: rows.string(row, 3), type: rows.string(row, 4), stamp: Stamp(rawValue: rows.string(row, 5)),
                isIndexed: rows.bool(row, 7), isIdentityAlways: rows.bool(row, 6))
        }
        return RelationFacts(
            kind: rows.string(0, 0), isPopulated: rows.bool(0, 1), isUnlogged: rows.bool(0, 2), columns: columns)
    }

    /// What a view reads in the end, through other views: tables, and materialized views, each with its kind.
    static func sources(
        of view: QualifiedName, on connection: Connection
    ) throws(PostgresError) -> [(name: QualifiedName, kind: String)] {
        let rows = try connection.query(
            """
            WITH RECURSIVE reads AS (
                SELECT r.ev_class AS view, d.refobjid AS relation FROM pg_rewrite r
                  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
                 WHERE r.ev_type = '1'
            ), below AS (
                SELECT reads.relation FROM reads JOIN pg_class c ON c.oid = reads.view
                  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
                UNION
                SELECT reads.relation FROM below JOIN pg_class c ON c.oid = below.relation AND c.relkind = 'v'
                  JOIN reads ON reads.view = below.relation)
            SELECT DISTINCT n.nspname, c.relname, c.relkind FROM below JOIN pg_class c ON c.oid = below.relation
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             ORDER BY 1, 2
            """, [view.schema, view.name], doing: "looking up what \(view) reads on \(connection.label)")
        return (0..<rows.rows).map {
            (QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)), rows.string($0, 2))
        }
    }

    /// A unique index over columns alone, which lets a view be refreshed beside its readers.
    static func hasPlainUniqueIndex(_ name: QualifiedName, on connection: Connection) throws(PostgresError) -> Bool {
        try connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                             JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid
                              AND i.indpred IS NULL AND i.indexprs IS NULL)
            """, [name.schema, name.name], doing: "looking up \(name) on \(connection.label)"
        ).bool(0, 0)
    }
}
