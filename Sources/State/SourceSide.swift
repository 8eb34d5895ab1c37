// Everything tandem asks of and does to the side a stream reads from. Each question is a named function; the SQL is
// qualified, names travel as parameters or quoted.

package import Model
package import Postgres

package struct Binding: Sendable, Equatable {
    package let systemIdentifier: String
    package let timeline: Int
    package let start: LSN

    package init(systemIdentifier: String, timeline: Int, start: LSN) {
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
        self.start = start
    }
}

package struct SlotState: Sendable {
    package let plugin: String
    package let database: String
    package let isActive: Bool
    package let activePID: Int?
    package let restart: LSN?
    package let confirmed: LSN?
    /// reserved, extended, unreserved, lost
    package let walStatus: String?
    package let isInvalid: Bool
    package let walHeld: UInt64?
}

package struct SourceTable: Sendable, Equatable {
    package let name: QualifiedName
    package let isPartitioned: Bool
    /// Its writes are not in the log, so they cannot be carried.
    package let isUnlogged: Bool
    /// What of it has no identity, and so would refuse updates once published: itself, or some of its partitions.
    package var withoutIdentity: [UnidentifiedRelation] = []
    /// Generated columns of its replica identity, or of that of its partitions, that cannot be published.
    package var unpublishedIdentity: [UnpublishedIdentity] = []
}

package struct UnidentifiedRelation: Sendable, Equatable {
    package let name: QualifiedName
    /// REPLICA IDENTITY NOTHING: somebody has said that it is only inserted into.
    package let isDeclared: Bool
    /// Rows of it have been updated or deleted, by the statistics.
    package let hasChanges: Bool

    /// Publishing it would break something that works today.
    package var isHarmed: Bool { !isDeclared || hasChanges }
}

package struct UnpublishedIdentity: Sendable, Equatable {
    package let table: QualifiedName
    package let column: String
    /// A virtual column below REPLICA IDENTITY FULL: its updates would fail on old. Otherwise rows come without this part of
    /// their key.
    package let breaksUpdates: Bool
}

package struct SourceSide {
    package let connection: Connection
    package let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        self.stream = stream
    }

    @discardableResult
    func ask(_ sql: String, _ parameters: [String?] = [], to doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: doing + " on \(connection.label)")
    }

    package func install() throws(PostgresError) {
        _ = try hasSchema
        do {
            try connection.script(
                "BEGIN; " + Schema.source + " COMMIT;", doing: "making schema tandem on \(connection.label)")
        } catch {
            throw error.needing(Privilege.create(on: connection))
        }
    }

    package var hasSchema: Bool {
        get throws(PostgresError) {
            try SchemaOwner.has("source", on: connection)
        }
    }

    package func currentPosition() throws(PostgresError) -> LSN {
        let sql = """
            SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                        ELSE pg_catalog.pg_current_wal_insert_lsn() END
            """
        return LSN(try ask(sql, to: "reading the current position").string(0, 0)) ?? .zero
    }

    /// Of the log that is written now. Everybody may ask for the name of a file.
    package func timeline() throws(PostgresError) -> Int {
        let row = try ask(
            "SELECT pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)",
            to: "reading the timeline")
        return Int(row.string(0, 0), radix: 16) ?? 0
    }

    package func walLevel() throws(PostgresError) -> String {
        try ask("SELECT pg_catalog.current_setting('wal_level')", to: "reading wal_level").string(0, 0)
    }

    // MARK: binding

    package func binding() throws(PostgresError) -> Binding? {
        guard try hasSchema else { return nil }
        return Binding.read(
            try ask(
                "SELECT system_identifier, timeline, start_lsn FROM tandem.source WHERE stream = $1",
                [stream.description], to: "reading what was prepared"))
    }

    package func bind(_ binding: Binding) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.source (stream, system_identifier, timeline, start_lsn, publication, published)
            SELECT $1, $2, $3, $4, p.oid,
                   (SELECT pg_catalog.array_agg(r.prrelid) FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid)
              FROM (SELECT) one LEFT JOIN pg_catalog.pg_publication p ON p.pubname = $1
            ON CONFLICT (stream) DO UPDATE SET system_identifier = excluded.system_identifier,
                timeline = excluded.timeline, start_lsn = excluded.start_lsn, publication = excluded.publication,
                published = excluded.published, created_at = DEFAULT
            """,
            [stream.description, binding.systemIdentifier, "\(binding.timeline)", binding.start.description],
            to: "recording what was prepared")
    }

    /// Held by the session of whoever prepares, as long as the snapshot is to be used.
    package func tryPreparationLock() throws(PostgresError) -> Bool {
        try ask(
            "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 7462))", [stream.description],
            to: "taking the preparation's lock"
        ).bool(0, 0)
    }

    package func preparationPID() throws(PostgresError) -> Int? {
        try LockHolder.pid(stream.description, 7462, on: connection, "looking for who prepares")
    }

    // MARK: tables

    /// Ordinary and partitioned tables, leaf partitions left out: they belong to their root.
    package func tables() throws(PostgresError) -> [SourceTable] {
        let sql = """
            SELECT n.nspname, c.relname, c.relkind = 'p', c.relpersistence = 'u'
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND NOT c.relispartition
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
               AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
             ORDER BY 1, 2
            """
        let rows = try ask(sql, [], to: "listing tables")
        let unidentified = try unidentified()
        let unpublished = try unpublishedIdentities()
        return (0..<rows.rows).map { row in
            let name = QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1))
            return SourceTable(
                name: name, isPartitioned: rows.bool(row, 2), isUnlogged: rows.bool(row, 3),
                withoutIdentity: unidentified[name] ?? [], unpublishedIdentity: unpublished[name] ?? [])
        }
    }

    /// What has rows of no own that the log would tell of: views of both kinds and foreign tables.
    package func derivedRelations() throws(PostgresError) -> [QualifiedName] {
        let rows = try ask(
            """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('m', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
            """, to: "listing views and foreign tables")
        return (0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) }
    }

    /// None when there is no such table.
    package func columns(of table: QualifiedName) throws(PostgresError) -> [String] {
        let rows = try ask(
            """
            SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [table.schema, table.name], to: "reading columns of \(table)")
        return (0..<rows.rows).map { rows.string($0, 0) }
    }

    // MARK: slot

    package func slot() throws(PostgresError) -> SlotState? {
        // Columns came with versions: conflicting in 16, invalidation_reason in 17.
        let invalid =
            connection.serverMajor >= 17
            ? "s.invalidation_reason IS NOT NULL"
            : connection.serverMajor == 16 ? "coalesce(s.conflicting, false)" : "false"
        let sql = """
            SELECT s.plugin, s.database, s.active, s.active_pid, s.restart_lsn, s.confirmed_flush_lsn, s.wal_status,
                   \(invalid),
                   CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL
                        ELSE pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn) END
              FROM pg_catalog.pg_replication_slots s
             WHERE s.slot_name = $1 AND s.slot_type = 'logical'
            """
        let row = try ask(sql, [stream.description], to: "reading slot \(stream)")
        guard row.rows == 1 else { return nil }
        return SlotState(
            plugin: row.string(0, 0), database: row.string(0, 1), isActive: row.bool(0, 2), activePID: row.int(0, 3),
            restart: LSN(row.string(0, 4)), confirmed: LSN(row.string(0, 5)), walStatus: row.text(0, 6),
            isInvalid: row.bool(0, 7) || row.text(0, 6) == "lost", walHeld: row.text(0, 8).flatMap { UInt64($0) })
    }

    package func dropSlot() throws(PostgresError) {
        try ask(
            """
            SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
             WHERE slot_name = $1
            """, [stream.description], to: "dropping slot \(stream)")
    }

    /// Who keeps a new slot from becoming consistent: transactions that were open when it was asked for.
    package func openTransactions() throws(PostgresError) -> [String] {
        let sql = """
            SELECT 'pid ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), a.backend_type, '?') || ', '
                   || coalesce(a.usename, '?') || ', open for '
                   || extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::int8 || ' s)'
              FROM pg_catalog.pg_stat_activity a
             WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
            UNION ALL
            SELECT 'prepared transaction ' || p.gid || ' (' || p.owner || ', since ' || p.prepared || ')'
              FROM pg_catalog.pg_prepared_xacts p
             LIMIT 5
            """
        let rows = try ask(sql, [], to: "looking for open transactions")
        return (0..<rows.rows).map { withoutControls(rows.string($0, 0)) }
    }

    // MARK: heartbeat

    package struct Beat: Sendable {
        package let number: Int
        package let at: Double
        package let lsn: LSN
    }

    /// Writes the next beat; its number.
    package func beat() throws(PostgresError) -> Int {
        let sql = """
            INSERT INTO tandem.heartbeat AS h (stream, beat, at, lsn)
            VALUES ($1, 1, pg_catalog.clock_timestamp(), pg_catalog.pg_current_wal_lsn())
            ON CONFLICT (stream) DO UPDATE SET beat = h.beat + 1, at = excluded.at, lsn = excluded.lsn
            RETURNING beat
            """
        return try ask(sql, [stream.description], to: "writing the heartbeat").int(0, 0) ?? 0
    }

    package func lastBeat() throws(PostgresError) -> Beat? {
        Beat.read(try ask(Beat.query, [stream.description], to: "reading the heartbeat"))
    }

    /// Wall clock of this server, seconds since 1970.
    package func now() throws(PostgresError) -> Double {
        let sql = "SELECT extract(epoch FROM pg_catalog.clock_timestamp())"
        return Double(try ask(sql, [], to: "reading the clock").string(0, 0)) ?? 0
    }

    package func setting(_ name: String) throws(PostgresError) -> String {
        try ask("SELECT pg_catalog.current_setting($1)", [name], to: "reading \(name)").string(0, 0)
    }

    // MARK: removal

    /// Nothing claims to have been prepared any more.
    package func forgetBinding() throws(PostgresError) {
        guard try hasSchema else { return }
        try ask("DELETE FROM tandem.source WHERE stream = $1", [stream.description], to: "clearing state")
    }

    package func forget() throws(PostgresError) {
        guard try hasSchema else { return }
        try ask(
            "DELETE FROM tandem.source WHERE stream = $1", [stream.description], to: "clearing state")
        try ask(
            "DELETE FROM tandem.heartbeat WHERE stream = ANY ($1::text[])", [arrayText(Sentinel.keys(of: stream))],
            to: "clearing the heartbeat")
        try DataBState(connection, stream).forget()
        try SeenSchema(connection, stream).forget()
        try EvidenceMarks(connection, stream).forget()
    }

    /// Drops schema tandem when no stream of any migration is left in it.
    package func dropSchemaIfUnused() throws(PostgresError) {
        try SchemaRemoval.run(on: connection)
    }
}

extension Binding {
    static func read(_ row: Result) -> Binding? {
        guard row.rows == 1, let start = LSN(row.string(0, 2)) else { return nil }
        return Binding(systemIdentifier: row.string(0, 0), timeline: row.int(0, 1) ?? 0, start: start)
    }
}

extension SourceSide.Beat {
    static let query = """
        SELECT beat, extract(epoch FROM at), lsn FROM tandem.heartbeat WHERE stream = $1
        """

    static func read(_ row: Result) -> SourceSide.Beat? {
        guard row.rows == 1 else { return nil }
        return SourceSide.Beat(
            number: row.int(0, 0) ?? 0, at: Double(row.string(0, 1)) ?? 0, lsn: LSN(row.string(0, 2)) ?? .zero)
    }
}
