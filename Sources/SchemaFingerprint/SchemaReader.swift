// Reads a side's schema from its catalogs, each kind of object in one statement for all tables together. It must say the
// same of the same schema on every version, whatever the names, and change nothing.

package import Model
package import Postgres

package struct SchemaReader {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    /// What is there of the tables that `isCarried` says yes to (a partition belongs to the table at the top), the types
    /// that their columns have, and all sequences. One snapshot of the catalogs: definitions are those of one moment.
    package func describe(_ isCarried: (QualifiedName) -> Bool) throws(PostgresError) -> SchemaDescription {
        let doing = "describing the schema on \(connection.label)"
        // Some definitions are only told under a lock that others' ALTER TABLE holds.
        try connection.script(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '2s'", doing: doing)
        do {
            let description = try describeInside(isCarried)
            try connection.script("COMMIT", doing: doing)
            return description
        } catch {
            if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
            throw error
        }
    }

    private func describeInside(_ isCarried: (QualifiedName) -> Bool) throws(PostgresError) -> SchemaDescription {
        var description = SchemaDescription()
        let carried = try tables(isCarried, into: &description)
        let list = "{\(carried.map { "\($0)" }.joined(separator: ","))}"
        let types = try columns(list, into: &description)
        try constraints(list, into: &description)
        try uniqueIndexes(list, into: &description)
        try triggers(list, into: &description)
        try rules(list, into: &description)
        try sequences(into: &description)
        try TypeReader(connection).describe(types, into: &description)
        return description
    }

    private func ask(_ sql: String, _ parameters: [String?], _ what: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "reading \(what) on \(connection.label)")
    }

    private static func name(_ rows: Result, _ row: Int, _ column: Int = 0) -> QualifiedName {
        QualifiedName(schema: rows.string(row, column), name: rows.string(row, column + 1))
    }

    // MARK: tables

    private func tables(
        _ isCarried: (QualifiedName) -> Bool, into description: inout SchemaDescription
    ) throws(PostgresError) -> [UInt32] {
        let sql = """
            SELECT n.nspname, c.relname, rn.nspname, r.relname, c.oid,
                   CASE c.relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid)
                        WHEN 'f' THEN 'foreign' ELSE NULL END,
                   CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
                   CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index ' || coalesce(
                        (SELECT ic.relname FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
                          WHERE i.indrelid = c.oid AND i.indisreplident), 'that is gone') END,
                   CASE WHEN c.relforcerowsecurity AND c.relrowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'on' END,
                   CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
                   (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i
                     WHERE i.inhrelid = c.oid),
                   nullif((SELECT count(*) FROM pg_trigger t
                            WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled = 'D'), 0)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_class r ON r.oid = CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END
              JOIN pg_namespace rn ON rn.oid = r.relnamespace
             WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem') AND n.nspname NOT LIKE 'pg\\_toast%'
            """
        let rows = try ask(sql, [], "tables")
        var carried: [UInt32] = []
        for row in 0..<rows.rows where isCarried(Self.name(rows, row, 2)) {
            if let oid = UInt32(rows.string(row, 4)) { carried.append(oid) }
            description.add(
                SchemaObject(.table, Self.name(rows, row)),
                [
                    "kind": rows.text(row, 5), "persistence": rows.text(row, 6), "replica identity": rows.text(row, 7),
                    "row security": rows.text(row, 8), "bounds": rows.text(row, 9), "below": rows.text(row, 10),
                    "foreign key triggers disabled": rows.text(row, 11),
                ])
        }
        return carried
    }

    /// The types its columns have.
    private func columns(
        _ tables: String, into description: inout SchemaDescription
    ) throws(PostgresError) -> Set<UInt32> {
        // PostgreSQL 18 has NOT NULL constraints that were not checked for the rows there are.
        let unchecked =
            connection.serverMajor >= 18
            ? """
            EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
                       AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum])
            """ : "false"
        let sql = """
            SELECT n.nspname, c.relname, a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod),
                   CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
                   CASE WHEN a.attnotnull THEN CASE WHEN \(unchecked) THEN 'not checked' ELSE 'yes' END END,
                   CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                   CASE a.attgenerated WHEN 's' THEN 'stored ' WHEN 'v' THEN 'virtual ' END
                        || pg_get_expr(d.adbin, d.adrelid),
                   CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END
              FROM unnest($1::oid[]) AS w(oid)
              JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              JOIN pg_type t ON t.oid = a.atttypid
              LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            """
        let rows = try ask(sql, [tables], "columns")
        var types: Set<UInt32> = []
        for row in 0..<rows.rows {
            if let type = UInt32(rows.string(row, 3)) { types.insert(type) }
            description.add(
                SchemaObject(.column, Self.name(rows, row), rows.string(row, 2)),
                [
                    "type": rows.text(row, 4), "collation": rows.text(row, 5), "not null": rows.text(row, 6),
                    "default": rows.text(row, 7), "generated": rows.text(row, 8), "identity": rows.text(row, 9),
                ])
        }
        return types
    }

    // MARK: keys and other constraints

    private func constraints(_ tables: String, into description: inout SchemaDescription) throws(PostgresError) {
        // What a partition has from the table above it is said there. NOT NULL is said of the column.
        let sql = """
            SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
              FROM unnest($1::oid[]) AS w(oid)
              JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_constraint k ON k.conrelid = c.oid
             WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0
            """
        let rows = try ask(sql, [tables], "constraints")
        for row in 0..<rows.rows {
            description.add(
                SchemaObject(.constraint, Self.name(rows, row), rows.string(row, 2)), ["definition": rows.text(row, 3)])
        }
    }

    /// Those that no constraint speaks of; others say nothing about what rows there may be.
    private func uniqueIndexes(_ tables: String, into description: inout SchemaDescription) throws(PostgresError) {
        let sql = """
            SELECT n.nspname, c.relname, ic.relname, pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'no' END
              FROM unnest($1::oid[]) AS w(oid)
              JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class ic ON ic.oid = i.indexrelid
             WHERE i.indisunique AND NOT ic.relispartition
               AND NOT EXISTS (SELECT FROM pg_constraint k
                                WHERE k.conrelid = c.oid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
            """
        let rows = try ask(sql, [tables], "unique indexes")
        for row in 0..<rows.rows {
            description.add(
                SchemaObject(.index, Self.name(rows, row), rows.string(row, 2)),
                ["definition": rows.text(row, 3), "valid": rows.text(row, 4)])
        }
    }

    // MARK: what runs when rows are written

    private func triggers(_ tables: String, into description: inout SchemaDescription) throws(PostgresError) {
        // A partition's copy of a trigger is named only where it is switched otherwise than the one above it.
        let sql = """
            SELECT n.nspname, c.relname, t.tgname, CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) END,
                   t.tgenabled, md5(p.prosrc)
              FROM unnest($1::oid[]) AS w(oid)
              JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_trigger t ON t.tgrelid = c.oid JOIN pg_proc p ON p.oid = t.tgfoid
              LEFT JOIN pg_trigger above ON above.oid = t.tgparentid
              LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
             WHERE (NOT t.tgisinternal OR t.tgparentid <> 0) AND coalesce(k.contype = 't', true)
               AND (t.tgparentid = 0 OR t.tgenabled IS DISTINCT FROM above.tgenabled)
               AND p.pronamespace IS DISTINCT FROM pg_catalog.to_regnamespace('tandem')::oid
            """
        let rows = try ask(sql, [tables], "triggers")
        for row in 0..<rows.rows {
            add(.trigger, rows, row, runs: rows.text(row, 5), into: &description)
        }
    }

    private func rules(_ tables: String, into description: inout SchemaDescription) throws(PostgresError) {
        let sql = """
            SELECT n.nspname, c.relname, r.rulename, pg_get_ruledef(r.oid), r.ev_enabled
              FROM unnest($1::oid[]) AS w(oid)
              JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_rewrite r ON r.ev_class = c.oid
            """
        let rows = try ask(sql, [tables], "rules")
        for row in 0..<rows.rows { add(.rule, rows, row, runs: nil, into: &description) }
    }

    /// For what fires in replication, too, what it does belongs to it.
    private func add(
        _ kind: SchemaObject.Kind, _ rows: Result, _ row: Int, runs: String?, into description: inout SchemaDescription
    ) {
        let object = SchemaObject(kind, Self.name(rows, row), rows.string(row, 2))
        let definition = rows.text(row, 3)
        let body = runs.map { ", function with md5 \($0)" } ?? ""
        switch rows.string(row, 4) {
        case "A":
            description.add(object, [SchemaDifference.inReplication: "always: \(definition ?? "as above")\(body)"])
        case "R": description.add(object, [SchemaDifference.inReplication: "only: \(definition ?? "as above")\(body)"])
        case "D": description.add(object, ["definition": definition, "enabled": "no"])
        default: description.add(object, ["definition": definition])
        }
    }

    // MARK: sequences

    private func sequences(into description: inout SchemaDescription) throws(PostgresError) {
        let sql = """
            SELECT n.nspname, c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
                   s.seqcache, CASE WHEN s.seqcycle THEN 'yes' END, CASE c.relpersistence WHEN 'u' THEN 'unlogged' END
              FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relpersistence <> 't' AND n.nspname <> 'tandem'
            """
        let rows = try ask(sql, [], "sequences")
        for row in 0..<rows.rows {
            description.add(
                SchemaObject(.sequence, Self.name(rows, row)),
                [
                    "type": rows.text(row, 2), "start": rows.text(row, 3), "increment": rows.text(row, 4),
                    "minimum": rows.text(row, 5), "maximum": rows.text(row, 6), "cache": rows.text(row, 7),
                    "cycle": rows.text(row, 8), "persistence": rows.text(row, 9),
                ])
        }
    }
}
