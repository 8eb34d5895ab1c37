// Everything tandem asks of and does to its own objects on the side a stream writes to: binding, origin, status, tables
// set aside, differences. The data itself is the applier's.

package import Model
package import Postgres

package struct SetAsideTable: Sendable, Hashable {
    package let name: QualifiedName
    package let since: LSN
    package let changes: Int
}

package struct DifferenceCount: Sendable {
    package let table: QualifiedName
    package let kind: String
    package let found: Int
    package let repaired: Int
    package let last: LSN
}

package struct TargetSide {
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

    @discardableResult
    private func askOrigin(_ sql: String, _ parameters: [String?], to doing: String) throws(PostgresError) -> Result {
        do { return try ask(sql, parameters, to: doing) } catch {
            throw error.needing(Privilege.origins(on: connection))
        }
    }

    package func install() throws(PostgresError) {
        _ = try hasSchema
        do {
            try connection.script(
                "BEGIN; " + Schema.target + " COMMIT;", doing: "making schema tandem on \(connection.label)")
        } catch {
            throw error.needing(Privilege.create(on: connection))
        }
    }

    package var hasSchema: Bool {
        get throws(PostgresError) {
            try SchemaOwner.has("stream", on: connection)
        }
    }

    // MARK: binding and origin

    package func binding() throws(PostgresError) -> Binding? {
        guard try hasSchema else { return nil }
        return Binding.read(
            try ask(
                "SELECT system_identifier, timeline, start_lsn FROM tandem.stream WHERE stream = $1",
                [stream.description], to: "reading the stream's binding"))
    }

    /// Binding and origin in one transaction, and what is to be copied: there is never one without the others.
    package func bind(_ binding: Binding, copying plan: CopyPlan? = nil) throws(PostgresError) {
        try onceOriginsAreFree { () throws(PostgresError) in try bindAtOnce(binding, plan) }
    }

    private func bindAtOnce(_ binding: Binding, _ plan: CopyPlan?) throws(PostgresError) {
        let name = stream.description
        try connection.script("BEGIN", doing: "binding \(name)")
        if let plan { try record(plan) }
        try ask(
            """
            INSERT INTO tandem.stream (stream, system_identifier, timeline, start_lsn, applied_lsn)
            VALUES ($1, $2, $3, $4, $4)
            ON CONFLICT (stream) DO UPDATE SET system_identifier = excluded.system_identifier,
                timeline = excluded.timeline, start_lsn = excluded.start_lsn, applied_lsn = excluded.applied_lsn,
                created_at = DEFAULT
            """,
            [name, binding.systemIdentifier, "\(binding.timeline)", binding.start.description], to: "binding \(name)")
        // What the stream that goes the other way has still to read is known as ours by these names.
        if try !isDecodedByOpposite { try dropOrigins() }
        try makeOrigin(name)
        try askOrigin(
            "SELECT pg_catalog.pg_replication_origin_advance($1, $2)", [name, binding.start.description],
            to: "placing origin \(name) at its start")
        try connection.script("COMMIT", doing: "binding \(name)")
    }

    package func followTimeline(_ timeline: Int) throws(PostgresError) {
        try ask(
            "UPDATE tandem.stream SET timeline = $2 WHERE stream = $1",
            [stream.description, "\(timeline)"], to: "recording the source's timeline")
    }

    package var hasOrigin: Bool {
        get throws(PostgresError) {
            try ask(
                "SELECT FROM pg_catalog.pg_replication_origin WHERE roname = $1",
                [stream.description], to: "looking for origin \(stream)"
            ).rows > 0
        }
    }

    /// How far new has come; nil when it has no record of it. A row tells, written by the transaction that applied; the
    /// origin only marks what is ours, because from 16 on a rolled-back transaction moves it as well. `durable` makes the
    /// server flush everything the origin has committed first, and so what the row tells.
    package func progress(durable: Bool) throws(PostgresError) -> LSN? {
        guard try hasSchema else { return nil }
        let row = try askOrigin(
            """
            SELECT s.applied_lsn, pg_catalog.pg_replication_origin_progress(o.roname, $2),
                   (SELECT pg_catalog.pg_replication_origin_progress(l.roname, $2)
                      FROM pg_catalog.pg_replication_origin l WHERE l.roname = $3)
              FROM tandem.stream s JOIN pg_catalog.pg_replication_origin o ON o.roname = s.stream
             WHERE s.stream = $1
            """, [stream.description, durable ? "t" : "f", laneOrigin], to: "reading the progress of \(stream)")
        return row.rows == 0 ? nil : LSN(row.string(0, 0))
    }

    /// This session's commits move the origin from now on; only one session can.
    package func attachOrigin() throws(PostgresError) { try attach(stream.description) }

    /// The second connection that applies marks what is ours with an origin of its own.
    private var laneOrigin: String { "\(stream)_2" }

    package var hasLaneOrigin: Bool {
        get throws(PostgresError) {
            try ask(
                "SELECT FROM pg_catalog.pg_replication_origin WHERE roname = $1", [laneOrigin],
                to: "looking for origin \(laneOrigin)"
            ).rows > 0
        }
    }

    package func attachLaneOrigin() throws(PostgresError) {
        try makeOrigin(laneOrigin)
        try attach(laneOrigin)
    }

    /// Rows that are copied are marked with an origin of their own where the stream that goes the other way decodes them.
    private var copyOrigin: String { "\(stream)_copy" }

    package var isDecodedByOpposite: Bool {
        get throws(PostgresError) {
            try ask(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = $1)",
                [stream.opposite.description], to: "looking for slot \(stream.opposite)"
            ).bool(0, 0)
        }
    }

    /// False when another session has it.
    package func tryCopyOrigin() throws(PostgresError) -> Bool {
        try makeOrigin(copyOrigin)
        do throws(PostgresError) { try attach(copyOrigin) } catch {
            guard error.sqlState == "55006" else { throw error }
            return false
        }
        return true
    }

    /// What a repair writes is marked as ours, too, and does not move the stream's own origins.
    private var repairOrigin: String { "\(stream)_repair" }

    package func attachRepairOrigin() throws(PostgresError) {
        try makeOrigin(repairOrigin)
        try attach(repairOrigin)
    }

    /// Twins are repaired on either side of a stream that watches.
    package func attachTwinOrigin() throws(PostgresError) {
        try makeOrigin("\(stream)_twins")
        try attach("\(stream)_twins")
    }

    private func makeOrigin(_ name: String) throws(PostgresError) {
        try askOrigin(
            """
            SELECT pg_catalog.pg_replication_origin_create($1)
             WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_origin WHERE roname = $1)
            """, [name], to: "creating origin \(name)")
    }

    private func attach(_ origin: String) throws(PostgresError) {
        try askOrigin(
            "SELECT pg_catalog.pg_replication_origin_session_setup($1)", [origin], to: "attaching to origin \(origin)")
    }

    /// The heartbeat as it arrived here. Where the stream that goes the other way publishes it, it must not be taken for
    /// somebody's deletion: so it goes as what it came as.
    package func forgetHeartbeat() throws(PostgresError) {
        guard try hasSchema, try hasOrigin else { return }
        try onceOriginsAreFree { () throws(PostgresError) in try attachOrigin() }
        try ask(
            "DELETE FROM tandem.heartbeat WHERE stream = ANY ($1::text[])", [arrayText(Sentinel.keys(of: stream))],
            to: "clearing the heartbeat")
        try askOrigin(
            "SELECT pg_catalog.pg_replication_origin_session_reset()", [], to: "letting go of origin \(stream)")
    }

    /// Progress brought to where the stream is to start from, beyond what it has applied.
    package func start(from position: LSN) throws(PostgresError) {
        try onceOriginsAreFree { () throws(PostgresError) in
            let doing = "starting \(stream) from \(position)"
            try connection.script("BEGIN", doing: doing)
            try ask(
                "UPDATE tandem.stream SET applied_lsn = $2 WHERE stream = $1 AND applied_lsn < $2",
                [stream.description, position.description], to: doing)
            try askOrigin(
                "SELECT pg_catalog.pg_replication_origin_advance($1, $2)", [stream.description, position.description],
                to: doing)
            try connection.script("COMMIT", doing: doing)
        }
    }

    package func dropOrigin() throws(PostgresError) {
        try onceOriginsAreFree { () throws(PostgresError) in try dropOrigins() }
    }

    /// The session of a runner that was killed may be on its way out, and hold an origin as long.
    private func onceOriginsAreFree(_ act: () throws(PostgresError) -> Void) throws(PostgresError) {
        for _ in 1..<30 {
            do { return try act() } catch {
                guard error.sqlState == "55006" else { throw error }
                try connection.script(
                    "ROLLBACK; SELECT pg_catalog.pg_sleep(0.25)", doing: "waiting for a session that has an origin")
            }
        }
        try act()
    }

    /// With that under which the stream back has repaired twins on this side, while it only watched.
    private func dropOrigins() throws(PostgresError) {
        let names = stream.origins + ["\(stream.opposite)_twins"]
        try askOrigin(
            """
            SELECT pg_catalog.pg_replication_origin_drop(roname) FROM pg_catalog.pg_replication_origin
             WHERE roname = ANY ($1::text[])
            """, ["{" + names.joined(separator: ",") + "}"], to: "dropping origin \(stream)")
    }

    // MARK: one runner

    /// Held by the session: whoever has it runs the stream, everybody else stands by.
    package func tryRunnerLock() throws(PostgresError) -> Bool {
        try ask(
            "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 7461))", [stream.description],
            to: "taking the runner's lock"
        ).bool(0, 0)
    }

    package func runnerPID() throws(PostgresError) -> Int? {
        try LockHolder.pid(stream.description, 7461, on: connection, "looking for the runner")
    }

    // MARK: status

    package func write(status: String) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.stream_status (stream, at, status) VALUES ($1, pg_catalog.clock_timestamp(), $2)
            ON CONFLICT (stream) DO UPDATE SET at = excluded.at, status = excluded.status
            """, [stream.description, status], to: "writing the stream's status")
    }

    /// The status text and how many seconds ago it was written.
    package func readStatus() throws(PostgresError) -> (text: String, age: Double)? {
        let row = try ask(
            """
            SELECT status, extract(epoch FROM pg_catalog.clock_timestamp() - at) FROM tandem.stream_status
             WHERE stream = $1
            """, [stream.description], to: "reading the stream's status")
        guard row.rows == 1 else { return nil }
        return (row.string(0, 0), Double(row.string(0, 1)) ?? 0)
    }

    package func lastBeat() throws(PostgresError) -> SourceSide.Beat? {
        SourceSide.Beat.read(try ask(SourceSide.Beat.query, [stream.description], to: "reading the heartbeat"))
    }

    // MARK: set aside

    package func setAside() throws(PostgresError) -> [SetAsideTable] {
        let rows = try ask(
            """
            SELECT schema_name, table_name, since, changes FROM tandem.set_aside
             WHERE stream = $1 ORDER BY 1, 2
            """, [stream.description], to: "reading which tables are set aside")
        return (0..<rows.rows).map { row in
            SetAsideTable(
                name: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                since: LSN(rows.string(row, 2)) ?? .zero, changes: rows.int(row, 3) ?? 0)
        }
    }

    package func setAside(_ table: QualifiedName, since: LSN) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.set_aside (stream, schema_name, table_name, since) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING
            """, [stream.description, table.schema, table.name, since.description], to: "setting \(table) aside")
    }

    // MARK: differences

    package func differences() throws(PostgresError) -> [DifferenceCount] {
        let rows = try ask(
            """
            SELECT schema_name, table_name, kind, found, repaired, last_lsn FROM tandem.difference
             WHERE stream = $1 ORDER BY 1, 2, 3
            """, [stream.description], to: "reading the differences found")
        return (0..<rows.rows).map { row in
            DifferenceCount(
                table: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                kind: rows.string(row, 2), found: rows.int(row, 3) ?? 0, repaired: rows.int(row, 4) ?? 0,
                last: LSN(rows.string(row, 5)) ?? .zero)
        }
    }

    // MARK: removal

    package func forget() throws(PostgresError) {
        guard try hasSchema else { return }
        let copying = try hasCopyTables ? ["copy", "copied_table", "copied_range", "touched"] : []
        for table in ["stream", "stream_status", "set_aside", "difference"] + copying {
            try ask(
                "DELETE FROM tandem.\(table) WHERE stream = $1", [stream.description],
                to: "clearing state")
        }
        try ask(
            "DELETE FROM tandem.heartbeat WHERE stream = ANY ($1::text[])", [arrayText(Sentinel.keys(of: stream))],
            to: "clearing state")
        try DataBState(connection, stream).forget()
        try SeenSchema(connection, stream).forget()
        try EvidenceMarks(connection, stream).forget()
        try VerificationRecords(connection, stream).forget()
        try CanaryRecords(connection, stream).forget()
        try forgetWatched()
        try forgetTwins()
        try CensusRecords(connection, stream).forget()
        try SequenceRanges(connection, stream).forget()
        try forgetRestoredSource()
    }

    /// A side restored from a copy of the source brought the source's own things along.
    private func forgetRestoredSource() throws(PostgresError) {
        let there = try ask("SELECT pg_catalog.to_regclass('tandem.source') IS NOT NULL", to: "clearing state")
        guard there.bool(0, 0) else { return }
        try ask("DELETE FROM tandem.source WHERE stream = $1", [stream.description], to: "clearing state")
        try connection.script(
            "SET client_min_messages = error; DROP PUBLICATION IF EXISTS \(quoted(stream.description))",
            doing: "dropping publication \(stream) on \(connection.label)")
    }

    /// After a binding that failed half-way.
    package func abandon() throws(PostgresError) {
        try connection.script("ROLLBACK", doing: "giving up on \(connection.label)")
        try dropSchemaIfUnused()
    }

    package func dropSchemaIfUnused() throws(PostgresError) { try SchemaRemoval.run(on: connection) }
}
