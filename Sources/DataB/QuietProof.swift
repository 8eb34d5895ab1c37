// Whether anybody still writes tables of Data B on the side that counts. No single sign is enough: a lock shows who writes
// now, but not who wrote a second ago; counters and newest timestamps show who wrote, but stay still under a writer that
// has not committed. So all three, over a while. Whoever is seen is named.

internal import Model
internal import Postgres
internal import State

struct QuietProof {
    struct Table {
        let name: QualifiedName
        let stamp: String?
    }

    struct Reading: Equatable {
        var counters = ""
        var newest: String?
    }

    private let source: Connection
    private let tables: [Table]

    init(_ source: Connection, _ tables: [Table]) throws {
        (self.source, self.tables) = (source, tables)
        let counts = try source.query(
            "SELECT current_setting('track_counts')", doing: "looking whether \(source.label) counts writes")
        guard counts.string(0, 0) == "on" else {
            throw DataBError.refused(
                "\(source.label) does not count what is written (track_counts = off)",
                hint: "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();")
        }
    }

    /// Counters, files (TRUNCATE and rewriting count nothing), newest timestamps.
    func read() throws(PostgresError) -> [QualifiedName: Reading] {
        var readings: [QualifiedName: Reading] = [:]
        for table in tables {
            let counted = try source.query(
                """
                SELECT string_agg(concat_ws('/', pg_stat_get_tuples_inserted(t.oid), pg_stat_get_tuples_updated(t.oid),
                         pg_stat_get_tuples_deleted(t.oid), pg_relation_filenode(t.oid)), ' ' ORDER BY t.oid)
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (
                       SELECT c.oid UNION SELECT p.relid::oid FROM pg_partition_tree(c.oid) p) AS t
                 WHERE n.nspname = $1 AND c.relname = $2
                """, [table.name.schema, table.name.name], doing: "reading what was written to \(table.name)")
            var reading = Reading(counters: counted.string(0, 0), newest: nil)
            if let stamp = table.stamp {
                reading.newest = try source.query(
                    "SELECT max(\(quoted(stamp))) FROM \(table.name.sql)",
                    doing: "reading the newest row of \(table.name)"
                ).text(0, 0)
            }
            readings[table.name] = reading
        }
        return readings
    }

    /// Tables that nobody writes at this moment can be locked at once; of the others, who does.
    func probe() throws -> [String] {
        var found: [String] = []
        for table in tables {
            do throws(PostgresError) {
                try source.script(
                    "BEGIN; LOCK TABLE \(table.name.sql) IN SHARE MODE NOWAIT; COMMIT",
                    doing: "locking \(table.name) on \(source.label)")
            } catch {
                if !source.isBroken {
                    try source.script("ROLLBACK", doing: "giving up on \(source.label)")
                }
                guard error.sqlState == "55P03" else {
                    throw error.needing(
                        "GRANT UPDATE ON \(table.name.pasteable) TO \(visiblyQuoted(source.role)); PostgreSQL asks for"
                            + " it where SHARE is locked, and nothing is written")
                }
                let who = try writers([table])
                found.append(contentsOf: who.isEmpty ? ["somebody holds a lock on \(table.name)"] : who)
            }
        }
        return found
    }

    /// Who holds a lock that only writers, or those who alter the table, take.
    func writers() throws(PostgresError) -> [String] { try writers(tables) }

    private func writers(_ tables: [Table]) throws(PostgresError) -> [String] {
        let names = arrayText(tables.map { "\($0.name.schema)\u{1}\($0.name.name)" })
        let rows = try source.query(
            """
            SELECT DISTINCT coalesce(
                     'pid ' || l.pid || ' (' || coalesce(nullif(a.application_name, ''), a.backend_type, '?') || ', role '
                       || coalesce(a.usename, '?') || coalesce(', open for ' || date_trunc('second', clock_timestamp() - a.xact_start), '')
                       || ')',
                     'prepared transaction ' || quote_literal(p.gid), 'somebody'),
                   n.nspname, c.relname, l.mode
              FROM pg_locks l
              JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_class r ON r.oid = pg_partition_root(c.oid)::oid
              LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
              LEFT JOIN pg_stat_activity a ON a.pid = l.pid
              LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
               AND x.virtualtransaction = l.virtualtransaction
              LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
             WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock')
               AND (n.nspname || E'\\x01' || c.relname = ANY ($1::text[])
                    OR rn.nspname || E'\\x01' || r.relname = ANY ($1::text[]))
             ORDER BY 1, 2, 3
            """, [names], doing: "looking who writes Data B on \(source.label)")
        return (0..<rows.rows).map { row in
            let table = QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2))
            return "\(withoutControls(rows.string(row, 0))) on \(table), \(rows.string(row, 3))"
        }
    }
}
