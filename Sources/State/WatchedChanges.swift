// What a stream that only watches has seen, on the side it would write to: changes by table, and whose they were. Written
// with the watch's progress, in one transaction, so that nothing is counted twice.

package import Model
package import Postgres

package struct WatchedTable: Sendable, Equatable {
    package let table: QualifiedName
    /// Of transactions without a replication origin.
    package let byApplications: Int
    /// Of transactions that other replication brought.
    package let byReplication: Int
    package let truncated: Bool
    package let last: LSN

    package init(table: QualifiedName, byApplications: Int, byReplication: Int, truncated: Bool, last: LSN) {
        self.table = table
        self.byApplications = byApplications
        self.byReplication = byReplication
        self.truncated = truncated
        self.last = last
    }
}

extension TargetSide {
    private var hasWatched: Bool {
        get throws(PostgresError) {
            try ask("SELECT pg_catalog.to_regclass('tandem.watched') IS NOT NULL", to: "looking for what was watched")
                .bool(0, 0)
        }
    }

    /// A stream that was bound before there was such a thing has no table for it.
    package func installWatched() throws(PostgresError) {
        guard try !hasWatched else { return }
        try connection.script(Schema.watched, doing: "making a table in schema tandem on \(connection.label)")
    }

    package func watched() throws(PostgresError) -> [WatchedTable] {
        guard try hasWatched else { return [] }
        let rows = try ask(
            """
            SELECT schema_name, table_name, by_applications, by_replication, truncated, last_lsn FROM tandem.watched
             WHERE stream = $1 ORDER BY 1, 2
            """, [stream.description], to: "reading what was watched")
        return (0..<rows.rows).map { row in
            WatchedTable(
                table: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                byApplications: rows.int(row, 2) ?? 0, byReplication: rows.int(row, 3) ?? 0,
                truncated: rows.bool(row, 4), last: LSN(rows.string(row, 5)) ?? .zero)
        }
    }

    /// Where the last change ended that was watched and not applied; nil when there was none.
    package func lastWatched() throws(PostgresError) -> LSN? {
        guard try hasWatched else { return nil }
        return LSN(
            try ask(
                "SELECT max(last_lsn) FROM tandem.watched WHERE stream = $1", [stream.description],
                to: "reading what was watched"
            ).string(0, 0))
    }

    /// Everything a watch has to say, in one transaction that moves the stream's progress to `end`.
    package func recordWatched(
        _ tables: [WatchedTable], beat: WatchedBeat?, marks: [Sentinel: WatchedBeat] = [:], through end: LSN,
        committedAt microseconds: Int64?
    ) throws(PostgresError) {
        let doing = "recording what was watched"
        try connection.script("BEGIN", doing: doing)
        let moved = try ask(
            """
            UPDATE tandem.stream SET applied_lsn = $1::pg_lsn WHERE stream = $3
            RETURNING pg_catalog.pg_replication_origin_xact_setup($1::pg_lsn, CASE WHEN $2::int8 IS NULL
                THEN pg_catalog.clock_timestamp()
                ELSE '2000-01-01 00:00:00+00'::timestamptz + ($2::int8 * '1 microsecond'::interval) END)
            """, [end.description, microseconds.map { "\($0)" }, stream.description], to: doing)
        guard moved.rows == 1 else {
            throw PostgresError(.unexpected, "\(stream.target) has lost its record of \(stream)", doing: doing)
        }
        for table in tables { try add(table) }
        if let beat { try bring(beat, stream.description, doing) }
        for (sentinel, beat) in marks.sorted(by: { $0.key.number < $1.key.number }) {
            try bring(beat, Sentinel.key(sentinel.kind, of: stream), doing)
        }
        try connection.script("COMMIT", doing: doing)
    }

    private func bring(_ beat: WatchedBeat, _ key: String, _ doing: String) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.heartbeat (stream, beat, at, lsn) VALUES ($1, $2, $3, $4)
            ON CONFLICT (stream) DO UPDATE SET beat = excluded.beat, at = excluded.at, lsn = excluded.lsn
            """, [key, "\(beat.number)", beat.at, beat.lsn], to: doing)
    }

    private func add(_ table: WatchedTable) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.watched AS w (stream, schema_name, table_name, by_applications, by_replication, truncated,
                                             last_lsn)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (stream, schema_name, table_name) DO UPDATE SET
                by_applications = w.by_applications + excluded.by_applications,
                by_replication = w.by_replication + excluded.by_replication,
                truncated = w.truncated OR excluded.truncated, last_lsn = excluded.last_lsn, last_at = DEFAULT
            """,
            [
                stream.description, table.table.schema, table.table.name, "\(table.byApplications)",
                "\(table.byReplication)", table.truncated ? "t" : "f", table.last.description,
            ], to: "recording what was watched")
    }

    package func forgetWatched() throws(PostgresError) {
        guard try hasWatched else { return }
        try ask("DELETE FROM tandem.watched WHERE stream = $1", [stream.description], to: "clearing state")
    }
}

/// A heartbeat of the source as the stream brought it, in text.
package struct WatchedBeat: Sendable, Equatable {
    package let number: Int
    package let at: String
    package let lsn: String

    package init(number: Int, at: String, lsn: String) {
        self.number = number
        self.at = at
        self.lsn = lsn
    }
}

extension Schema {
    /// On the side a stream writes to.
    static let watched = """

        CREATE TABLE IF NOT EXISTS tandem.watched (
            stream pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            table_name pg_catalog.text NOT NULL,
            by_applications pg_catalog.int8 NOT NULL,
            by_replication pg_catalog.int8 NOT NULL,
            truncated pg_catalog.bool NOT NULL,
            last_lsn pg_catalog.pg_lsn NOT NULL,
            last_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            PRIMARY KEY (stream, schema_name, table_name));
        """
}
