// Reads the facts of all tables at once. It changes nothing, and waits for nobody's lock longer than a few seconds.

internal import Model
package import Postgres

package struct FactsReader {
    private let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package func read() throws(PostgresError) -> [TableFacts] {
        let doing = "looking at the tables on \(connection.label)"
        try connection.script("BEGIN READ ONLY; SET LOCAL lock_timeout = '5s'", doing: doing)
        defer { _ = try? connection.script("ROLLBACK", doing: doing) }
        let stamps = try timestamps(doing)
        let rows = try connection.query(Self.tables, doing: doing)
        return (0..<rows.rows).map { row in
            let name = QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2))
            let kind: TableFacts.Kind =
                switch rows.string(row, 3) {
                case "p": .partitioned
                case "m": .materializedView
                default: .table
                }
            var facts = TableFacts(name, kind)
            facts.isUnlogged = rows.bool(row, 4)
            facts.extension = rows.text(row, 5)
            facts.rows = rows.int(row, 6)
            facts.bytes = rows.int(row, 7) ?? 0
            facts.identity = rows.text(row, 8)
            facts.inserts = rows.int(row, 9) ?? 0
            facts.updates = rows.int(row, 10) ?? 0
            facts.deletes = rows.int(row, 11) ?? 0
            facts.indexScans = rows.int(row, 12) ?? 0
            facts.wholeScans = rows.int(row, 13) ?? 0
            facts.days = rows.text(row, 14).flatMap { Double($0) }
            facts.refersTo = rows.int(row, 15) ?? 0
            facts.referredToBy = rows.int(row, 16) ?? 0
            facts.timestamps = stamps[rows.string(row, 0)] ?? []
            facts.writers = Self.names(rows.text(row, 17))
            facts.readers = Self.names(rows.text(row, 18))
            facts.owner = rows.text(row, 19) ?? ""
            return facts
        }
    }

    private static func names(_ list: String?) -> [String] { list?.split(separator: "\u{1}").map(String.init) ?? [] }

    /// Partitions count for the table at the top.
    private static let tables = """
        WITH own AS (
            SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND NOT c.relispartition
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem') AND n.nspname NOT LIKE 'pg\\_toast%'
        ), leaf AS (
            SELECT c.oid AS root, c.oid AS oid FROM own c WHERE c.relkind <> 'p'
            UNION ALL
            SELECT c.oid, t.relid::oid FROM own c CROSS JOIN LATERAL pg_partition_tree(c.oid) t
             WHERE c.relkind = 'p' AND t.isleaf AND t.level > 0
        ), sums AS (
            SELECT l.root, sum(greatest(c.reltuples, 0))::int8 AS rows, bool_and(c.reltuples < 0 OR c.relpages = 0) AS blind,
                   sum(pg_total_relation_size(c.oid))::int8 AS bytes, sum(pg_stat_get_live_tuples(c.oid))::int8 AS live,
                   sum(pg_stat_get_tuples_inserted(c.oid))::int8 AS ins, sum(pg_stat_get_tuples_updated(c.oid))::int8 AS upd,
                   sum(pg_stat_get_tuples_deleted(c.oid))::int8 AS del, sum(pg_stat_get_numscans(c.oid))::int8 AS seq,
                   sum((SELECT sum(pg_stat_get_numscans(i.indexrelid)) FROM pg_index i WHERE i.indrelid = c.oid))::int8 AS idx
              FROM leaf l JOIN pg_class c ON c.oid = l.oid GROUP BY l.root
        ), refers AS (
            SELECT conrelid AS oid, count(*) AS count FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 GROUP BY 1
        ), referred AS (
            SELECT confrelid AS oid, count(*) AS count FROM pg_constraint
             WHERE contype = 'f' AND conparentid = 0 AND conrelid <> confrelid GROUP BY 1
        ), access AS (
            SELECT c.oid, string_agg(DISTINCT r.rolname, E'\\x01') FILTER (
                       WHERE x.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')) AS writers,
                   string_agg(DISTINCT r.rolname, E'\\x01') FILTER (WHERE x.privilege_type = 'SELECT') AS readers
              FROM own c CROSS JOIN LATERAL aclexplode(c.relacl) x JOIN pg_roles r ON r.oid = x.grantee
             WHERE x.grantee <> c.relowner GROUP BY c.oid
        )
        SELECT c.oid, c.nspname, c.relname, c.relkind, c.relpersistence = 'u', e.extname,
               CASE WHEN s.blind THEN nullif(s.live, 0) ELSE s.rows END, s.bytes,
               CASE WHEN c.relreplident = 'f' THEN 'the whole row' WHEN c.relreplident <> 'n' THEN
                   (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
                      FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                     WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND k.place <= i.indnkeyatts
                       AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)) END,
               s.ins, s.upd, s.del, s.idx, s.seq,
               (SELECT extract(epoch FROM clock_timestamp() - d.stats_reset) / 86400 FROM pg_stat_database d
                 WHERE d.datname = current_database()),
               coalesce(refers.count, 0), coalesce(referred.count, 0), g.writers, g.readers,
               (SELECT rolname FROM pg_roles r WHERE r.oid = c.relowner)
          FROM own c LEFT JOIN sums s ON s.root = c.oid
          LEFT JOIN refers ON refers.oid = c.oid LEFT JOIN referred ON referred.oid = c.oid
          LEFT JOIN access g ON g.oid = c.oid
          LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
          LEFT JOIN pg_extension e ON e.oid = d.refobjid
        """

    private func timestamps(_ doing: String) throws(PostgresError) -> [String: [TableFacts.Timestamp]] {
        let sql = """
            SELECT c.oid, a.attname,
                   EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum),
                   coalesce(pg_get_expr(d.adbin, d.adrelid) ~* '(now|timestamp|clock_timestamp)', false),
                   EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 16 <> 0
                              AND strpos(lower(p.prosrc), lower(a.attname)) > 0)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype)
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
             ORDER BY c.oid, a.attnum
            """
        let rows = try connection.query(sql, doing: doing)
        var found: [String: [TableFacts.Timestamp]] = [:]
        for row in 0..<rows.rows {
            found[rows.string(row, 0), default: []].append(
                TableFacts.Timestamp(
                    column: rows.string(row, 1), isIndexed: rows.bool(row, 2), hasDefault: rows.bool(row, 3),
                    isMaintained: rows.bool(row, 4)))
        }
        return found
    }

    /// Databases of this server that hold something, but for the templates.
    package func databases() throws(PostgresError) -> [String] {
        let rows = try connection.query(
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname",
            doing: "listing the databases of \(connection.label)")
        return (0..<rows.rows).map { rows.string($0, 0) }
    }
}
