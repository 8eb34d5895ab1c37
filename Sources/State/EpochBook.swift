// Where a pair stands, as one side keeps it: the epoch, what is being tried, what was waived. The same on both sides, so in
// one place. The side that gives truth up is written first; `EpochStanding` says what two books mean together.

package import Model
package import Postgres
package import Protocol

/// A transition that has begun and is not done: to another step, or, once that is committed, to the very step of the row.
package struct Intent: Sendable, Equatable {
    package let from: Step
    package let to: Step
    package let since: String
    package let by: String
    /// Seconds since writers or clients began to be held for it; nil when they were not.
    package let held: Double?

    package init(from: Step, to: Step, since: String, by: String, held: Double? = nil) {
        (self.from, self.to, self.since, self.by, self.held) = (from, to, since, by, held)
    }
}

package struct EpochBook {
    let connection: Connection
    let pair: String

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        pair = stream.pairKey
    }

    @discardableResult
    func ask(_ sql: String, _ parameters: [String?], _ doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "\(doing) on \(connection.label)")
    }

    package func install() throws(PostgresError) {
        if try hasTable, try isComplete { return }
        do {
            try connection.script(
                "BEGIN; " + Schema.epoch + " COMMIT;", doing: "making schema tandem on \(connection.label)")
        } catch {
            throw error.needing(Privilege.create(on: connection))
        }
    }

    /// With everything that this version keeps in it.
    private var isComplete: Bool {
        get throws(PostgresError) {
            try ask(
                """
                SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute
                                WHERE attrelid = 'tandem.epoch'::regclass AND attname = 'going_held' AND NOT attisdropped)
                """, [], "looking for what is kept of steps"
            ).bool(0, 0)
        }
    }

    var hasTable: Bool {
        get throws(PostgresError) { try SchemaOwner.has("epoch", on: connection) }
    }

    /// Nil where the pair has no row. One that a later version wrote, which this one cannot understand, is an error.
    package func read() throws -> Epoch? {
        guard try hasTable else { return nil }
        let row = try ask(
            """
            SELECT epoch, step, strategy, truth, position_side, position_end, position_system, position_timeline,
                   pg_catalog.to_char(since, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), by, system_old, system_new
              FROM tandem.epoch WHERE pair = $1
            """, [pair], "reading where the pair stands")
        guard row.rows == 1 else { return nil }
        guard let step = row.int(0, 1).flatMap({ Step(rawValue: $0) }), let truth = Side(rawValue: row.string(0, 3)),
            let strategy = Strategy(rawValue: row.string(0, 2)), StepTable(strategy)[step] != nil
        else {
            throw StateError.unsafe(
                "tandem.epoch on \(connection.label) has a state that this version does not know",
                hint: "was it written by a later version of tandem? Use that one")
        }
        var position: ChargePosition?
        if let side = row.text(0, 4).flatMap({ Side(rawValue: $0) }), let end = row.text(0, 5).flatMap({ LSN($0) }) {
            position = ChargePosition(
                side: side, end: end, systemIdentifier: row.string(0, 6), timeline: row.int(0, 7) ?? 0)
        }
        return Epoch(
            number: row.int(0, 0) ?? 0, step: step, strategy: strategy, truth: truth, position: position,
            systems: SystemPair(old: row.text(0, 10), new: row.text(0, 11)), since: row.string(0, 8),
            by: row.string(0, 9))
    }

    /// In whatever transaction is open: the next epoch on the side that gives truth up, with the time of this server. What is
    /// being tried stays written, until whoever tries it says that it is over. Throws when this side is not at the epoch before. What it comes to is returned.
    package func record(next epoch: Epoch) throws -> Epoch {
        let row = try ask(
            """
            INSERT INTO tandem.epoch AS e (pair, epoch, step, strategy, truth, position_side, position_end, position_system,
                                           position_timeline, system_old, system_new, since, by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, pg_catalog.clock_timestamp(), $12)
            ON CONFLICT (pair) DO UPDATE SET epoch = excluded.epoch, step = excluded.step, strategy = excluded.strategy,
                truth = excluded.truth, position_side = excluded.position_side, position_end = excluded.position_end,
                position_system = excluded.position_system, position_timeline = excluded.position_timeline,
                system_old = excluded.system_old, system_new = excluded.system_new, since = excluded.since, by = excluded.by
             WHERE e.epoch = excluded.epoch - 1
            RETURNING true
            """, parameters(epoch) + [epoch.by], "recording where the pair stands")
        guard row.rows == 1, let written = try read() else {
            throw StateError.refused(
                "the pair is not where it was on \(connection.label): somebody else has moved it", hint: "`tandem step`"
            )
        }
        return written
    }

    /// By itself, and durable before it returns, a standby's own copy aside. `going` says of which transition, when more is to be
    /// done for it.
    package func commit(next epoch: Epoch, going: Transition? = nil) throws -> Epoch {
        try connection.script(
            "BEGIN; SET LOCAL synchronous_commit = local",
            doing: "recording where the pair stands on \(connection.label)")
        var isDone = false
        defer { if !isDone { _ = try? connection.script("ROLLBACK", doing: "giving up") } }
        let written = try record(next: epoch)
        if let going { try set(intent: going, by: epoch.by) }
        try connection.script("COMMIT", doing: "recording where the pair stands on \(connection.label)")
        isDone = true
        return written
    }

    /// What the other side has committed, here as well. Nothing happens where this side has it, or a later one.
    package func take(_ epoch: Epoch) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.epoch AS e (pair, epoch, step, strategy, truth, position_side, position_end, position_system,
                                           position_timeline, system_old, system_new, since, by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13::timestamptz, $12)
            ON CONFLICT (pair) DO UPDATE SET epoch = excluded.epoch, step = excluded.step, strategy = excluded.strategy,
                truth = excluded.truth, position_side = excluded.position_side, position_end = excluded.position_end,
                position_system = excluded.position_system, position_timeline = excluded.position_timeline,
                system_old = excluded.system_old, system_new = excluded.system_new, since = excluded.since, by = excluded.by
             WHERE e.epoch < excluded.epoch
            """, parameters(epoch) + [epoch.by, epoch.since], "copying where the pair stands")
    }

    private func parameters(_ epoch: Epoch) -> [String?] {
        [
            pair, "\(epoch.number)", "\(epoch.step.rawValue)", epoch.strategy.rawValue, epoch.truth.rawValue,
            epoch.position?.side.rawValue, epoch.position?.end.description, epoch.position?.systemIdentifier,
            epoch.position.map { "\($0.timeline)" }, epoch.systems.old, epoch.systems.new,
        ]
    }

    // MARK: what is being tried

    package func intent() throws(PostgresError) -> Intent? {
        guard try hasTable else { return nil }
        let row = try ask(
            """
            SELECT going_from, going_to, pg_catalog.to_char(going_since, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), going_by,
                   extract(epoch FROM pg_catalog.clock_timestamp()
                                      - (pg_catalog.to_jsonb(e) ->> 'going_held')::timestamptz)
              FROM tandem.epoch e
             WHERE pair = $1 AND going_to IS NOT NULL
            """, [pair], "reading what is being tried")
        guard row.rows == 1, let from = row.int(0, 0).flatMap({ Step(rawValue: $0) }),
            let to = row.int(0, 1).flatMap({ Step(rawValue: $0) })
        else { return nil }
        return Intent(
            from: from, to: to, since: row.string(0, 2), by: row.string(0, 3),
            held: row.text(0, 4).flatMap { Double($0) })
    }

    /// Nothing happens where the pair has no row.
    package func set(intent going: Transition?, by: String) throws(PostgresError) {
        guard try hasTable else { return }
        try ask(
            """
            UPDATE tandem.epoch SET going_from = $2::int4, going_to = $3::int4, going_by = $4,
                   going_held = CASE WHEN $3::int4 IS NULL THEN NULL ELSE going_held END,
                   going_since = CASE WHEN $3::int4 IS NULL THEN NULL ELSE pg_catalog.clock_timestamp() END
             WHERE pair = $1
            """,
            [pair, going.map { "\($0.from.rawValue)" }, going.map { "\($0.to.rawValue)" }, going == nil ? nil : by],
            "recording what is being tried")
    }

    /// From here on somebody may be held, and whoever finds this written by one who is gone has to let them go.
    package func setHeld() throws(PostgresError) {
        try ask(
            "UPDATE tandem.epoch SET going_held = pg_catalog.clock_timestamp() WHERE pair = $1", [pair],
            "recording that writers are held")
    }

    /// Nobody is held any more; what is being tried stays written.
    package func clearHeld() throws(PostgresError) {
        try ask("UPDATE tandem.epoch SET going_held = NULL WHERE pair = $1", [pair], "recording that nobody is held")
    }

    /// Which server this is; nil where tandem's role may not ask.
    package func system() throws(PostgresError) -> String? {
        do throws(PostgresError) {
            return try ask(
                "SELECT system_identifier FROM pg_catalog.pg_control_system()", [], "reading the system identifier"
            )
            .text(0, 0)
        } catch {
            guard error.sqlState == "42501" else { throw error }
            return nil
        }
    }

    // MARK: one operator

    /// Held by the session: whoever has it moves the pair, everybody else is told.
    package func tryLock() throws(PostgresError) -> Bool {
        try ask(
            "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 7463))", [pair],
            "taking the lock of the pair"
        ).bool(0, 0)
    }

    package func unlock() throws(PostgresError) {
        try ask(
            "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 7463))", [pair],
            "giving the lock of the pair back")
    }

    /// For one who has not been heard of for so long that he is as good as gone: without the lock he does nothing more.
    package func dislodge() throws(PostgresError) {
        guard let pid = try holder() else { return }
        try ask(
            "SELECT pg_catalog.pg_terminate_backend($1::int4)", ["\(pid)"], "ending the session of who moved the pair")
    }

    package func holder() throws(PostgresError) -> Int? {
        try LockHolder.pid(pair, 7463, on: connection, "looking for who moves the pair")
    }

    // MARK: removal

    package func forget() throws(PostgresError) {
        guard try hasTable else { return }
        try ask("DELETE FROM tandem.epoch WHERE pair = $1", [pair], "clearing state")
    }
}
