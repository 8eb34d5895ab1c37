// Reads the target's tables from its catalogs: every question one named function.

internal import Model
internal import Postgres

package struct TargetCatalog {
    let connection: Connection

    /// A relation as far as it matters to whom it belongs.
    struct Place {
        /// The partitioned table at the top, of a partition.
        let root: QualifiedName?
        /// Which rows a partition takes; the same text for the same bounds. Empty for anything else.
        let bounds: String
    }

    func relation(_ name: QualifiedName) throws(PostgresError) -> Place? {
        let rows = try connection.query(
            planned: """
                SELECT root.nspname, root.relname, \(Self.bounds)
                  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  LEFT JOIN LATERAL (
                       SELECT rn.nspname, r.relname FROM pg_catalog.pg_class r
                         JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
                        WHERE c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid)) root ON true
                 WHERE n.nspname = $1 AND c.relname = $2
                """, [name.schema, name.name], doing: "looking up \(name) on \(connection.label)")
        guard rows.rows == 1 else { return nil }
        let root = rows.text(0, 0).map { QualifiedName(schema: $0, name: rows.string(0, 1)) }
        return Place(root: root, bounds: rows.string(0, 2))
    }

    /// The rows that partition `c` takes, as an expression. Where a hash decides, the number of a table is part of it.
    package static let bounds = #"""
        coalesce(pg_catalog.regexp_replace(pg_catalog.pg_get_partition_constraintdef(c.oid),
            'satisfies_hash_partition\(''\d+''::(pg_catalog\.)?oid', 'satisfies_hash_partition(', 'g'), '')
        """#

    func table(_ name: QualifiedName, number: Int) throws(PostgresError) -> TargetTable? {
        let found = try connection.query(
            planned: """
                SELECT c.oid, c.relkind,
                       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY (below.oids) AND t.tgenabled IN ('R', 'A')
                               AND NOT t.tgisinternal AND t.tgtype & 1 = 1 AND t.tgtype & 66 <> 0),
                       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY (below.oids) AND t.tgenabled IN ('R', 'A')
                               AND NOT t.tgisinternal),
                       EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('R', 'A')
                               AND r.ev_type <> '1'),
                       (SELECT min(x.oid::regclass::text) FROM pg_class x
                         WHERE x.oid = ANY (below.oids) AND x.relpersistence = 'u'),
                       (SELECT string_agg(DISTINCT quote_ident(o.rolname), ', ')
                          FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
                          JOIN pg_roles o ON o.oid IN (c.relowner, f.proowner) AND NOT o.rolsuper
                          JOIN pg_roles me ON me.rolname = current_user AND me.rolsuper
                         WHERE t.tgrelid = ANY (below.oids) AND t.tgenabled IN ('R', 'A') AND NOT t.tgisinternal),
                       c.relispartition
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  CROSS JOIN LATERAL (
                       SELECT array_agg(p.relid::oid) || c.oid AS oids FROM pg_partition_tree(c.oid) p) below
                 WHERE n.nspname = $1 AND c.relname = $2
                """, [name.schema, name.name], doing: "looking up \(name) on \(connection.label)")
        guard found.rows == 1 else { return nil }
        let oid = found.string(0, 0)
        return TargetTable(
            number: number, name: name, kind: found.string(0, 1), isPartition: found.bool(0, 7),
            columns: try columns(oid, name),
            indexes: try indexes(oid, name), mayChangeRows: found.bool(0, 2) || found.bool(0, 4),
            firesTriggers: found.bool(0, 3), appliesRules: found.bool(0, 4), unlogged: found.text(0, 5),
            strangersWithTriggers: found.text(0, 6))
    }

    private func columns(_ oid: String, _ name: QualifiedName) throws(PostgresError) -> [TargetTable.Column] {
        let rows = try connection.query(
            planned: """
                SELECT a.attname, a.atttypid, a.atttypmod, format_type(b.oid, -1), a.attgenerated <> '',
                       a.attidentity = 'a', a.attnotnull AND NOT EXISTS (
                           SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
                              AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum]), b.oid, input.before, input.after, b.oid <> a.atttypid
                  FROM pg_attribute a
                  CROSS JOIN LATERAL (
                       WITH RECURSIVE below AS (
                           SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
                           UNION ALL
                           SELECT t.oid, t.typtype, t.typbasetype FROM below
                             JOIN pg_type t ON t.oid = below.typbasetype WHERE below.typtype = 'd')
                       SELECT oid FROM below WHERE typtype <> 'd') b
                  \(Self.input)
                 WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
                 ORDER BY a.attnum
                """, [oid], doing: "reading the columns of \(name) on \(connection.label)")
        return (0..<rows.rows).map { row in
            TargetTable.Column(
                name: rows.string(row, 0), type: UInt32(rows.string(row, 1)) ?? 0,
                modifier: Int32(rows.string(row, 2)) ?? -1, baseType: UInt32(rows.string(row, 7)) ?? 0,
                castType: rows.string(row, 3), input: Self.input(rows, row), isGenerated: rows.bool(row, 4),
                isIdentityAlways: rows.bool(row, 5), isNotNull: rows.bool(row, 6), isDomain: rows.bool(row, 10))
        }
    }

    /// B-tree and hash indexes, each with its key columns and the operator by which it finds equal values; and those of
    /// temporal keys, which are GiST, and find what their types' B-tree operator calls equal.
    private func indexes(_ oid: String, _ name: QualifiedName) throws(PostgresError) -> [TargetTable.Index] {
        let rows = try connection.query(
            planned: """
                SELECT i.indexrelid, i.indisunique, i.indisprimary, i.indimmediate,
                       i.indpred IS NULL AND i.indexprs IS NULL,
                       a.attname, 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')', x.relname,
                       l.collisdeterministic IS FALSE OR c.opcintype >= 16384 OR m.amname = 'gist', i.indnkeyatts
                  FROM pg_index i
                  JOIN pg_class x ON x.oid = i.indexrelid
                  JOIN pg_am m ON m.oid = x.relam AND (m.amname IN ('btree', 'hash') OR m.amname = 'gist' AND i.indisunique)
                  CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k(place)
                  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.place]
                  LEFT JOIN pg_collation l ON l.oid = i.indcollation[k.place]
                  JOIN pg_opclass c ON c.oid = i.indclass[k.place]
                  JOIN pg_opclass e ON CASE m.amname WHEN 'gist' THEN e.opcintype = c.opcintype AND e.opcdefault
                       AND e.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree') ELSE e.oid = c.oid END
                  JOIN pg_amop p ON p.amopfamily = e.opcfamily AND p.amoplefttype = e.opcintype
                       AND p.amoprighttype = e.opcintype
                       AND p.amopstrategy = CASE m.amname WHEN 'hash' THEN 1 ELSE 3 END
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
                parts.append(
                    .init(column: rows.string(row, 5), equals: rows.string(row, 6), isLoose: rows.bool(row, 8)))
                row += 1
            }
            guard parts.count == rows.int(first, 9) else { continue }
            indexes.append(
                TargetTable.Index(
                    name: rows.string(first, 7), parts: parts, isUnique: rows.bool(first, 1),
                    isPrimary: rows.bool(first, 2),
                    isImmediate: rows.bool(first, 3), isPlain: rows.bool(first, 4)))
        }
        return indexes
    }

    private static func input(_ rows: Result, _ row: Int) -> TargetTable.TextInput? {
        guard let before = rows.text(row, 8), let after = rows.text(row, 9) else { return nil }
        return TargetTable.TextInput(before: before, after: after)
    }

    /// How type `b` is read from text. Where casting text would not call its input function, that is called by name, or,
    /// when it cannot be because its result is polymorphic, by way of an array of one element. For arrays neither works.
    private static let input = #"""
        CROSS JOIN LATERAL (
             SELECT format_type(b.oid, -1) AS name, t.typtype = 'b' AS is_plain, t.typcategory = 'A' AS is_array,
                    quote_ident(n.nspname) || '.' || quote_ident(p.proname) AS function,
                    CASE WHEN p.pronargs > 1 THEN ', ' || CASE WHEN t.typelem <> 0 THEN t.typelem ELSE t.oid END END
                        || CASE WHEN p.pronargs > 2 THEN ', -1' ELSE '' END AS more,
                    EXISTS (SELECT FROM pg_cast k WHERE k.castsource = 'text'::regtype AND k.casttarget = t.oid
                            AND k.castmethod <> 'i' AND t.oid NOT IN ('varchar'::regtype, 'bpchar'::regtype)) AS has_cast
               FROM pg_type t JOIN pg_proc p ON p.oid = t.typinput JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE t.oid = b.oid) made
        CROSS JOIN LATERAL (
             SELECT '' AS before, '::' || made.name AS after WHERE NOT has_cast
             UNION ALL
             SELECT function || '(pg_catalog.textout(', ')' || coalesce(more, '') || ')'
              WHERE has_cast AND is_plain AND NOT is_array
             UNION ALL
             SELECT $$(('{"' || pg_catalog.replace(pg_catalog.replace($$,
                    $$, '\', '\\'), '"', '\"') || '"}')::$$ || made.name || '[])[1]' WHERE has_cast AND NOT is_plain
             UNION ALL
             SELECT NULL, NULL WHERE has_cast AND is_plain AND is_array) input
        """#

    /// The function that writes a type as text, and not whatever cast to text there is.
    func outputFunction(_ type: UInt32) throws(PostgresError) -> String {
        try connection.query(
            planned: """
                SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname)
                  FROM pg_type t JOIN pg_proc p ON p.oid = t.typoutput JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE t.oid = $1::oid
                """, ["\(type)"], doing: "reading a type on \(connection.label)"
        ).string(0, 0)
    }

    /// How a type is written in SQL, with its length: for telling an operator what to add.
    func typeText(_ type: UInt32, _ modifier: Int32) throws(PostgresError) -> String {
        try connection.query(
            planned: "SELECT format_type($1::oid, $2::int4)", ["\(type)", "\(modifier)"], doing: "naming a type"
        ).string(0, 0)
    }
}
