// What the catalogs of either side say about objects: the name by which one is the same on both sides, which table one
// belongs to, which tables are parts of which. Questions only; nothing is changed.

internal import Model
internal import Postgres

/// The same words mean the same object on both servers: `table constraint`, `a_key on public.t`.
struct ObjectIdentity: Hashable, Sendable, CustomStringConvertible {
    let type: String
    let name: String

    var description: String { withoutControls("\(type) \(name)") }
}

struct ObjectFacts: Sendable {
    let identity: ObjectIdentity
    /// The table it belongs to, or it is itself.
    let table: UInt32?
    /// The table a foreign key points to.
    let otherTable: UInt32?
    var isValidated = true
    var isPrimaryKey = false
}

struct ObjectCatalog {
    let connection: Connection

    private func ask(_ sql: String, _ parameters: [String?] = [], to doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "\(doing) on \(connection.label)")
    }

    private static func oid(_ text: String?) -> UInt32? { text.flatMap { UInt32($0) } }

    /// What the archive's entries are on old.
    func facts(of references: [ObjectReference]) throws(PostgresError) -> [ObjectReference: ObjectFacts] {
        let sql = """
            SELECT w.c, w.o, i.type, i.identity,
                   coalesce(x.indrelid, k.conrelid, s.stxrelid, t.tgrelid, p.polrelid, r.ev_class, d.adrelid, c.oid),
                   nullif(k.confrelid, 0), coalesce(k.convalidated, true), coalesce(k.contype = 'p', false)
              FROM (SELECT pg_catalog.unnest($1::pg_catalog.oid[]) AS c, pg_catalog.unnest($2::pg_catalog.oid[]) AS o) w
             CROSS JOIN LATERAL pg_catalog.pg_identify_object(w.c, w.o, 0) i
              LEFT JOIN pg_catalog.pg_class c ON w.c = 'pg_catalog.pg_class'::regclass AND c.oid = w.o
              LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
              LEFT JOIN pg_catalog.pg_constraint k
                ON w.c = 'pg_catalog.pg_constraint'::regclass AND k.oid = w.o AND k.conrelid <> 0
              LEFT JOIN pg_catalog.pg_statistic_ext s
                ON w.c = 'pg_catalog.pg_statistic_ext'::regclass AND s.oid = w.o
              LEFT JOIN pg_catalog.pg_trigger t ON w.c = 'pg_catalog.pg_trigger'::regclass AND t.oid = w.o
              LEFT JOIN pg_catalog.pg_policy p ON w.c = 'pg_catalog.pg_policy'::regclass AND p.oid = w.o
              LEFT JOIN pg_catalog.pg_rewrite r ON w.c = 'pg_catalog.pg_rewrite'::regclass AND r.oid = w.o
              LEFT JOIN pg_catalog.pg_attrdef d ON w.c = 'pg_catalog.pg_attrdef'::regclass AND d.oid = w.o
            """
        let lists = [references.map { "\($0.catalog)" }, references.map { "\($0.oid)" }]
        let rows = try ask(sql, lists.map { "{\($0.joined(separator: ","))}" }, to: "identifying objects")
        var facts: [ObjectReference: ObjectFacts] = [:]
        for row in 0..<rows.rows {
            guard let catalog = Self.oid(rows.text(row, 0)), let oid = Self.oid(rows.text(row, 1)),
                let name = rows.text(row, 3)
            else { continue }
            facts[ObjectReference(catalog: catalog, oid: oid)] = ObjectFacts(
                identity: ObjectIdentity(type: rows.string(row, 2), name: name), table: Self.oid(rows.text(row, 4)),
                otherTable: Self.oid(rows.text(row, 5)), isValidated: rows.bool(row, 6), isPrimaryKey: rows.bool(row, 7)
            )
        }
        return facts
    }

    /// Everything that is there and did not come with the server. A type that was only announced does not count.
    func identities() throws(PostgresError) -> Set<ObjectIdentity> {
        let catalogs = [
            "pg_class", "pg_proc", "pg_constraint", "pg_trigger", "pg_policy", "pg_rewrite", "pg_namespace",
            "pg_extension",
            "pg_operator", "pg_opclass", "pg_opfamily", "pg_conversion", "pg_collation", "pg_cast", "pg_language",
            "pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template", "pg_foreign_data_wrapper",
            "pg_foreign_server", "pg_event_trigger", "pg_statistic_ext", "pg_attrdef",
            "pg_transform",
            "pg_am",
        ]
        let all = catalogs.map {
            "SELECT 'pg_catalog.\($0)'::regclass::oid AS c, oid AS o FROM pg_catalog.\($0)"
                + ($0 == "pg_namespace" ? "" : " WHERE oid >= 16384")
                + ($0 == "pg_class" ? " AND relkind <> 't' AND relpersistence <> 't'" : "")
        }
        let types =
            "SELECT 'pg_catalog.pg_type'::regclass::oid, oid FROM pg_catalog.pg_type WHERE oid >= 16384 AND typisdefined"
        // The catalog itself is not for everybody: options of mappings hold passwords.
        let mappings =
            "SELECT 'pg_catalog.pg_user_mapping'::regclass::oid, umid FROM pg_catalog.pg_user_mappings WHERE umid >= 16384"
        let sql = """
            SELECT i.type, i.identity
              FROM (\((all + [types, mappings]).joined(separator: " UNION ALL "))) w
             CROSS JOIN LATERAL pg_catalog.pg_identify_object(w.c, w.o, 0) i
             WHERE i.identity IS NOT NULL
            """
        let rows = try ask(sql, to: "listing objects")
        return Set((0..<rows.rows).map { ObjectIdentity(type: rows.string($0, 0), name: rows.string($0, 1)) })
    }

    struct Table: Sendable {
        let oid: UInt32
        let name: QualifiedName
        /// r, p, v, m, f, S, …
        let kind: String
        /// Of a partition: the table at the top.
        let root: UInt32
        /// As pg_get_partkeydef says it.
        let partitionKey: String?
        let hasPrimaryKey: Bool
    }

    /// Every relation that a name may meet, by oid.
    func tables() throws(PostgresError) -> [UInt32: Table] {
        let sql = """
            SELECT c.oid, n.nspname, c.relname, c.relkind,
                   CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::oid ELSE c.oid END,
                   CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
                   EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
              FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem') AND n.nspname NOT LIKE 'pg\\_toast%'
            """
        let rows = try ask(sql, to: "listing tables")
        var tables: [UInt32: Table] = [:]
        for row in 0..<rows.rows {
            guard let oid = Self.oid(rows.text(row, 0)) else { continue }
            tables[oid] = Table(
                oid: oid, name: QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2)),
                kind: rows.string(row, 3), root: Self.oid(rows.text(row, 4)) ?? oid, partitionKey: rows.text(row, 5),
                hasPrimaryKey: rows.bool(row, 6))
        }
        return tables
    }
}
