// The standbys that commits on one side wait for: how many it takes, how many are there, and how many have it all. What changes
// charge is committed so that they have it; where too few are there that commit would wait, and so would everybody's. A stream of
// the pair itself is none, even where the setting takes it for one: it halts before the commit that it would have to confirm. Reads
// only.

internal import Model
internal import Postgres

struct SynchronousStandbys: Equatable {
    let side: Side
    /// As it is set.
    let names: String
    let needed: Int
    /// Nil when tandem's role may not see who is there.
    let there: Int?

    /// Nil where commits wait for nobody.
    init?(of side: Side, on connection: Connection, _ stream: StreamName) throws(PostgresError) {
        let row = try Self.ask(connection, stream, through: .zero)
        guard !row.string(0, 0).isEmpty else { return nil }
        self.side = side
        names = row.string(0, 0)
        needed = row.int(0, 1) ?? 1
        there = row.bool(0, 2) ? row.int(0, 3) : nil
    }

    /// Whoever is not to be seen is not missed.
    var areMissing: Bool { there.map { $0 < needed } ?? false }

    var setting: String { "synchronous_standby_names = \(withoutControls(names))" }

    var inWords: String {
        "commits on \(side.rawValue) wait for \(needed == 1 ? "1 standby" : "\(needed) standbys")"
            + (there.map { ", and \($0 == 1 ? "1 is" : "\($0) are") there besides tandem" } ?? "") + " (\(setting))"
    }

    /// Whether as many as it takes have everything up to there on disk. False when they cannot be seen.
    static func have(_ end: LSN, on connection: Connection, _ stream: StreamName) throws(PostgresError) -> Bool {
        let row = try ask(connection, stream, through: end)
        return row.string(0, 0).isEmpty || row.bool(0, 2) && row.int(0, 4) ?? 0 >= row.int(0, 1) ?? 1
    }

    /// What is committed and seen there is not behind it.
    static func flushed(on connection: Connection) throws(PostgresError) -> LSN {
        let row = try connection.query(
            "SELECT pg_catalog.pg_current_wal_flush_lsn()", doing: "reading the position of \(connection.label)")
        return LSN(row.string(0, 0)) ?? .zero
    }

    /// `ANY 2 (a, b)`, `FIRST 2 (a, b)`, `2 (a, b)`; a list without a number waits for one.
    private static func ask(
        _ connection: Connection, _ stream: StreamName, through end: LSN
    ) throws(PostgresError) -> Result {
        try connection.query(
            """
            SELECT s.names, coalesce((pg_catalog.regexp_match(s.names,
                       '^[[:space:]]*(?:(?:first|any)[[:space:]]+)?([0-9]+)[[:space:]]*[(]', 'i'))[1]::int, 1),
                   pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),
                   pg_catalog.count(r.sync_state), pg_catalog.count(r.sync_state) FILTER (WHERE r.flush_lsn >= $1)
              FROM (SELECT pg_catalog.btrim(pg_catalog.current_setting('synchronous_standby_names')) AS names) s
              LEFT JOIN pg_catalog.pg_stat_replication r
                     ON r.sync_state IN ('sync', 'quorum') AND pg_catalog.strpos(r.application_name, $2) <> 1
             GROUP BY s.names
            """, [end.description, stream.pairKey + "_"], doing: "looking who commits on \(connection.label) wait for")
    }
}
