// The tables of Data A as one side knows them: partitioned tables and what is below them, each with its number there.

internal import Apply
internal import Model
internal import Postgres

struct CarriedTable {
    let oid: UInt32
    let name: QualifiedName
    let kind: String
    /// Which rows a partition takes; the same text for the same bounds. Empty for anything else.
    let bounds: String
    /// The table at the top, of a partition.
    let root: QualifiedName?

    var isPartitioned: Bool { kind == "p" }
}

struct CarriedTables {
    let tables: [CarriedTable]
    let byName: [QualifiedName: CarriedTable]

    /// With `throughRoots`, names are those of roots, and what is below them belongs to them.
    init(on connection: Connection, named names: Set<QualifiedName>, throughRoots: Bool) throws(PostgresError) {
        let rows = try connection.query(
            """
            SELECT c.oid, n.nspname, c.relname, c.relkind, rn.nspname, r.relname, \(TargetCatalog.bounds)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_class r ON c.relispartition AND r.oid = pg_partition_root(c.oid)::oid
              LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem') AND n.nspname NOT LIKE 'pg\\_toast%'
             ORDER BY 2, 3
            """, doing: "listing tables of \(connection.label)"
        ).all
        tables = rows.compactMap { row in
            let name = row.name(1)
            let root = row.text(4).map { QualifiedName(schema: $0, name: row[5]) }
            guard names.contains(throughRoots ? root ?? name : name) else { return nil }
            return CarriedTable(oid: UInt32(row.first) ?? 0, name: name, kind: row[3], bounds: row[6], root: root)
        }
        byName = Dictionary(tables.map { ($0.name, $0) }) { first, _ in first }
    }

    /// As the text of an array, for `unnest($1::oid[])`.
    var numbers: String { "{" + tables.map { "\($0.oid)" }.joined(separator: ",") + "}" }
}
