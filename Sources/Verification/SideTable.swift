// What one side's catalogs say of a table that is to be compared: columns, keys, indexes, the relations its rows lie in.

internal import Model
internal import Postgres

struct SideTable: Sendable {
    struct Column: Sendable {
        let name: String
        /// Below its domains.
        let type: UInt32
        /// `"schema"."name"` of that, and of its array; nil where there is none.
        let typeName: String
        let arrayName: String?
        /// Values in order mean the same on every server: bytes, not a language.
        let isOrderedByBytes: Bool
        let isGenerated: Bool
        let isIdentityAlways: Bool
    }

    struct Index: Sendable {
        /// By name, without those it only includes.
        let columns: [String]
        /// The operator by which it finds a value, qualified, for each column.
        let operators: [String]
        let isUnique: Bool
        let isPrimary: Bool
        let isIdentity: Bool
    }

    /// What holds rows: the table itself, or a leaf partition.
    struct Leaf: Sendable {
        let name: QualifiedName
        let pages: Int
    }

    let oid: UInt32
    let kind: String
    /// By statistics.
    let rows: Int
    let columns: [Column]
    let indexes: [Index]
    let leaves: [Leaf]

    var isPartitioned: Bool { kind == "p" }
    var pages: Int { leaves.reduce(0) { $0 + $1.pages } }

    func column(_ name: String) -> Column? { columns.first { sameName($0.name, name) } }
}

extension SideTable {
    /// Nil when there is no such relation.
    static func read(_ name: QualifiedName, _ side: Side, on connection: Connection) throws -> SideTable? {
        let doing = "looking up \(name) on \(connection.label)"
        let found = try connection.query(
            """
            SELECT c.oid, c.relkind, (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0)::int8 FROM pg_class l
                WHERE l.oid = c.oid OR l.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf))
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema, name.name], doing: doing)
        guard found.rows == 1, let oid = UInt32(found.string(0, 0)) else { return nil }
        let kind = found.string(0, 1)
        guard ["r", "p", "m"].contains(kind) else { throw VerificationError.notATable(table: name, side: side) }
        return SideTable(
            oid: oid, kind: kind, rows: found.int(0, 2) ?? 0, columns: try columns(oid, connection, doing),
            indexes: try indexes(oid, connection, doing),
            leaves: try leaves(oid, name, isPartitioned: kind == "p", connection, doing))
    }

    private static func columns(_ oid: UInt32, _ connection: Connection, _ doing: String) throws -> [Column] {
        let rows = try connection.query(
            """
            WITH RECURSIVE below AS (
                SELECT a.attnum, a.atttypid AS type FROM pg_attribute a
                 WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT b.attnum, t.typbasetype FROM below b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
            SELECT a.attname, t.oid, n.nspname, t.typname, an.nspname, ar.typname,
                   t.typcollation = 0 OR coalesce(l.collname IN ('C', 'POSIX') AND l.collprovider = 'c', false)
                     OR (l.collname = 'default' AND d.datcollate IN ('C', 'POSIX') AND \(provider(connection)) = 'c'),
                   a.attgenerated <> '', a.attidentity = 'a'
              FROM below b
              JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attnum = b.attnum
              JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd' JOIN pg_namespace n ON n.oid = t.typnamespace
              LEFT JOIN pg_type ar ON ar.oid = t.typarray LEFT JOIN pg_namespace an ON an.oid = ar.typnamespace
              LEFT JOIN pg_collation l ON l.oid = a.attcollation
              JOIN pg_database d ON d.datname = current_database()
             ORDER BY a.attnum
            """, ["\(oid)"], doing: doing)
        return (0..<rows.rows).map { row in
            let array = rows.text(row, 5).map { QualifiedName(schema: rows.string(row, 4), name: $0).sql }
            return Column(
                name: rows.string(row, 0), type: UInt32(rows.string(row, 1)) ?? 0,
                typeName: QualifiedName(schema: rows.string(row, 2), name: rows.string(row, 3)).sql, arrayName: array,
                isOrderedByBytes: rows.bool(row, 6), isGenerated: rows.bool(row, 7), isIdentityAlways: rows.bool(row, 8)
            )
        }
    }

    private static func provider(_ connection: Connection) -> String {
        connection.serverMajor >= 15 ? "d.datlocprovider" : "'c'"
    }

    /// Valid btrees over plain columns of all rows. One that is not enforced at once counts as not unique.
    private static func indexes(_ oid: UInt32, _ connection: Connection, _ doing: String) throws -> [Index] {
        let rows = try connection.query(
            """
            SELECT i.indexrelid, i.indisunique AND i.indimmediate, i.indisprimary, i.indisreplident, a.attname,
                   on_.nspname, o.oprname
              FROM pg_index i
              JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
              CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS place(n)
              JOIN pg_opclass c ON c.oid = i.indclass[place.n]
              JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = c.opcintype
                            AND p.amoprighttype = c.opcintype AND p.amopstrategy = 3
              JOIN pg_operator o ON o.oid = p.amopopr JOIN pg_namespace on_ ON on_.oid = o.oprnamespace
              LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place.n] AND a.attnum > 0
             WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indisready AND i.indpred IS NULL AND i.indexprs IS NULL
             ORDER BY i.indexrelid, place.n
            """, ["\(oid)"], doing: doing)
        var indexes: [Index] = []
        var row = 0
        while row < rows.rows {
            let first = row
            var (columns, operators): ([String], [String]) = ([], [])
            while row < rows.rows, rows.string(row, 0) == rows.string(first, 0) {
                if let column = rows.text(row, 4) { columns.append(column) }
                operators.append("OPERATOR(\(quoted(rows.string(row, 5))).\(rows.string(row, 6)))")
                row += 1
            }
            guard columns.count == operators.count else { continue }
            indexes.append(
                Index(
                    columns: columns, operators: operators, isUnique: rows.bool(first, 1),
                    isPrimary: rows.bool(first, 2), isIdentity: rows.bool(first, 3)))
        }
        return indexes
    }

    private static func leaves(
        _ oid: UInt32, _ name: QualifiedName, isPartitioned: Bool, _ connection: Connection, _ doing: String
    ) throws -> [Leaf] {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname,
                   (pg_relation_size(c.oid) + current_setting('block_size')::int8 - 1)
                       / current_setting('block_size')::int8
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE CASE WHEN $2::bool
                        THEN c.oid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass) WHERE isleaf)
                        ELSE c.oid = $1::oid END
               AND c.relkind IN ('r', 'm', 'f')
             ORDER BY c.oid
            """, ["\(oid)", isPartitioned ? "t" : "f"], doing: doing)
        return (0..<rows.rows).map { row in
            Leaf(
                name: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                pages: rows.int(row, 2) ?? 0)
        }
    }
}
