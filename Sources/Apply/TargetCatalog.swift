// Reads the target's tables from its catalogs: every question one named function.

internal import Model
internal import Postgres

struct TargetCatalog {
    let connection: Connection

    func table(_ name: QualifiedName, number: Int) throws(PostgresError) -> TargetTable? {
        let found = try connection.query(
            """
            SELECT c.oid, c.relkind,
                   EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled IN ('R', 'A')
                           AND NOT t.tgisinternal AND t.tgtype & 1 = 1 AND t.tgtype & 66 <> 0),
                   (SELECT string_agg(DISTINCT quote_ident(o.rolname), ', ')
                      FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
                      JOIN pg_roles o ON o.oid IN (c.relowner, f.proowner) AND NOT o.rolsuper
                      JOIN pg_roles me ON me.rolname = current_user AND me.rolsuper
                     WHERE t.tgrelid = c.oid AND t.tgenabled IN ('R', 'A') AND NOT t.tgisinternal)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema, name.name], doing: "looking up \(name) on \(connection.label)")
        guard found.rows == 1 else { return nil }
        let oid = found.string(0, 0)
        return TargetTable(
            number: number, name: name, kind: found.string(0, 1), columns: try columns(oid, name),
            indexes: try indexes(oid, name), mayChangeRows: found.bool(0, 2),
            strangersWithTriggers: found.text(0, 3))
    }

    private func columns(_ oid: String, _ name: QualifiedName) throws(PostgresError) -> [TargetTable.Column] {
        let rows = try connection.query(
            """
            SELECT a.attname, a.atttypid, a.atttypmod,
                   CASE WHEN EXISTS (SELECT FROM pg_cast k WHERE k.castsource = 'text'::regtype AND k.casttarget = b.oid
                                     AND k.castmethod = 'f' AND k.oid >= 16384)
                        THEN 'varchar::' ELSE '' END || format_type(b.oid, -1), a.attgenerated <> '',
                   a.attidentity = 'a', a.attnotnull, b.oid <> a.atttypid
              FROM pg_attribute a
              CROSS JOIN LATERAL (
                   WITH RECURSIVE below AS (
                       SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
                       UNION ALL
                       SELECT t.oid, t.typtype, t.typbasetype FROM below
                         JOIN pg_type t ON t.oid = below.typbasetype WHERE below.typtype = 'd')
                   SELECT oid FROM below WHERE typtype <> 'd') b
             WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attnum
            """, [oid], doing: "reading the columns of \(name) on \(connection.label)")
        return (0..<rows.rows).map { row in
            TargetTable.Column(
                name: rows.string(row, 0), type: UInt32(rows.string(row, 1)) ?? 0,
                modifier: Int32(rows.string(row, 2)) ?? -1, castType: rows.string(row, 3),
                isGenerated: rows.bool(row, 4), isIdentityAlways: rows.bool(row, 5), isNotNull: rows.bool(row, 6),
                isDomain: rows.bool(row, 7))
        }
    }

    /// B-tree and hash indexes, each with its key columns and the operator by which it finds equal values.
    private func indexes(_ oid: String, _ name: QualifiedName) throws(PostgresError) -> [TargetTable.Index] {
        let rows = try connection.query(
            """
            SELECT i.indexrelid, i.indisunique, i.indisprimary, i.indimmediate,
                   i.indpred IS NULL AND i.indexprs IS NULL,
                   a.attname, 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')', x.relname
              FROM pg_index i
              JOIN pg_class x ON x.oid = i.indexrelid
              JOIN pg_am m ON m.oid = x.relam AND m.amname IN ('btree', 'hash')
              CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k(place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.place]
              JOIN pg_opclass c ON c.oid = i.indclass[k.place]
              JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = c.opcintype
                   AND p.amoprighttype = c.opcintype
                   AND p.amopstrategy = CASE m.amname WHEN 'btree' THEN 3 ELSE 1 END
              JOIN pg_operator o ON o.oid = p.amopopr
              JOIN pg_namespace n ON n.oid = o.oprnamespace
             WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indislive
             ORDER BY i.indisprimary DESC, i.indisunique DESC, i.indexrelid, k.place
            """, [oid], doing: "reading the indexes of \(name) on \(connection.label)")
        var indexes: [TargetTable.Index] = []
        var row = 0
        while row < rows.rows {
            let first = row
            var parts: [TargetTable.Index.Part] = []
            while row < rows.rows, rows.string(row, 0) == rows.string(first, 0) {
                parts.append(.init(column: rows.string(row, 5), equals: rows.string(row, 6)))
                row += 1
            }
            indexes.append(
                TargetTable.Index(
                    name: rows.string(first, 7), parts: parts, isUnique: rows.bool(first, 1),
                    isPrimary: rows.bool(first, 2),
                    isImmediate: rows.bool(first, 3), isPlain: rows.bool(first, 4)))
        }
        return indexes
    }

    /// How a type is written in SQL, with its length: for telling an operator what to add.
    func typeText(_ type: UInt32, _ modifier: Int32) throws(PostgresError) -> String {
        try connection.query(
            "SELECT format_type($1::oid, $2::int4)", ["\(type)", "\(modifier)"], doing: "naming a type"
        ).string(0, 0)
    }
}
