// Up to where a batch is whole: every row that any later batch could still miss bears a timestamp at or after the mark.
// `now()` is the start of a transaction, so that is the start of the oldest one open on the read side, less a margin for
// clocks that are behind, and taken before the batch's snapshot. Whoever began later than that looks at a clock that shows
// later. A prepared transaction does not say when it began, nor does a session with `track_activities = off`: while there is
// one, the mark stays.

internal import Model
internal import Postgres

struct HighMark {
    /// Nil: as it was before, and before there was none.
    let value: String?
    /// What keeps it from being the present, when that is more than a minute ago.
    let heldBy: String?

    /// `own` is how the names of tandem's own sessions begin, which write no such rows.
    static func take(
        on source: Connection, _ stamp: RelationFacts.Stamp, margin: Double, previous: String?, own: String
    ) throws -> HighMark {
        let doing = "asking which transactions are open on \(source.label)"
        let open = try source.query(
            """
            SELECT pg_has_role('pg_read_all_stats', 'USAGE'), least(statement_timestamp(), o.xact_start),
                   CASE WHEN o.xact_start < statement_timestamp() - interval '1 minute' THEN
                     'pid ' || o.pid || ' (' || coalesce(nullif(o.application_name, ''), '?') || '), open for '
                     || date_trunc('second', statement_timestamp() - o.xact_start) END,
                   (SELECT min(s.pid) FROM pg_stat_activity s WHERE s.datname = current_database() AND s.state = 'disabled')
              FROM (SELECT) AS one LEFT JOIN (
                   SELECT * FROM pg_stat_activity a
                    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
                      AND a.backend_type NOT IN ('autovacuum worker', 'walsender')
                      AND NOT (a.usename = current_user AND starts_with(a.application_name, $1))
                    ORDER BY a.xact_start LIMIT 1) AS o ON true
            """, [own], doing: doing)
        guard open.bool(0, 0) else {
            throw DataBError.impossible(
                "tandem's role cannot see since when the transactions of others are open on \(source.label)",
                hint: "GRANT pg_read_all_stats TO \(visiblyQuoted(source.role));")
        }
        if let silent = open.text(0, 3) {
            return HighMark(
                value: previous,
                heldBy: "pid \(silent), which does not tell since when it is open (track_activities = off)")
        }
        // After the others: one that is prepared meanwhile is seen here, one that has committed is in the snapshot.
        let prepared = try source.query(
            """
            SELECT quote_literal(gid), date_trunc('second', clock_timestamp() - prepared) FROM pg_prepared_xacts
             WHERE database = current_database() ORDER BY prepared LIMIT 1
            """, doing: doing)
        if prepared.rows > 0 {
            return HighMark(
                value: previous,
                heldBy: withoutControls("prepared transaction \(prepared.string(0, 0)), for \(prepared.string(0, 1))"))
        }
        let moved = try source.query(
            "SELECT greatest(coalesce($2::\(type(stamp)), m), m) FROM (\(mark(stamp))) AS x(m)",
            [open.string(0, 1), previous, "\(margin)"], doing: doing)
        return HighMark(value: moved.text(0, 0), heldBy: open.text(0, 2).map { withoutControls($0) })
    }

    static func type(_ stamp: RelationFacts.Stamp) -> String {
        switch stamp {
        case .zoned: "timestamptz"
        case .local: "timestamp"
        case .date: "date"
        }
    }

    /// Without a zone nobody says by which clock it was written: the earliest of those that the server's settings name. An
    /// hour that comes twice in autumn begins before it ends.
    private static func mark(_ stamp: RelationFacts.Stamp) -> String {
        let since = "($1::timestamptz - $3::float8 * interval '1 second')"
        guard stamp != .zoned else { return "SELECT \(since)" }
        return """
            SELECT min(h + least(interval '0', later - h - interval '1 hour'))\(stamp == .date ? "::date" : "") FROM (
                SELECT \(since) AT TIME ZONE z AS h, (\(since) + interval '1 hour') AT TIME ZONE z AS later FROM (
                    SELECT 'UTC' AS z
                    UNION SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'
                    UNION SELECT substr(c, 10) FROM pg_db_role_setting, unnest(setconfig) AS c
                     WHERE lower(c) LIKE 'timezone=%' AND setdatabase IN
                           (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS zones) AS local
            """
    }
}
