// Moves a pair from step to step as the commands do at their very end: writes the next epoch, first on the side that gives
// truth up. What must hold before is the test's own affair: writers stand still.

extension Scenario {
    /// Of the slot, publication and origin of the stream back.
    package var reverseName: String { "tandem_t_\(name)_reverse" }

    /// `from` is the side on which the stream that applies from now on reads; its present end is where that one starts.
    package func move(
        toStep step: Int, truth: String, strategy: String = "pause", from: Database? = nil,
        position given: String? = nil
    ) throws {
        let (giver, taker) = truth == "new" ? (old, new) : (new, old)
        var position = "NULL, NULL, NULL, NULL"
        if let from {
            position =
                try from.value(
                    """
                    SELECT pg_catalog.concat_ws(', ', '''\(from.cluster.name == new.cluster.name ? "new" : "old")''',
                        pg_catalog.quote_literal(\(given.map { "'\($0)'" } ?? "pg_catalog.pg_current_wal_insert_lsn()")),
                        pg_catalog.quote_literal(system_identifier::text), timeline_id)
                      FROM pg_catalog.pg_control_system(), pg_catalog.pg_control_checkpoint()
                    """) ?? position
        }
        let since = try giver.value("SELECT pg_catalog.clock_timestamp()") ?? ""
        for side in [giver, taker] {
            try side.sql(
                """
                UPDATE tandem.epoch SET epoch = epoch + 1, step = \(step), strategy = '\(strategy)', truth = '\(truth)',
                       (position_side, position_end, position_system, position_timeline)
                           = (SELECT a::text, b::pg_lsn, c::text, d::int4 FROM (VALUES (\(position))) v (a, b, c, d)),
                       since = '\(since)', by = 'test'
                 WHERE pair = 'tandem_t_\(name)'
                """)
        }
    }

    /// A command that stands still at a place, by its failpoint, until it is told to go on.
    package func stopped(at place: String, _ arguments: [String]) throws -> Replicator {
        let usual = try PostgresInstallation.tandemEnvironment
        let command = try start(
            program: TandemBinary.path, arguments,
            environment: usual.merging(["TANDEM_FAILPOINT": "\(place)/stop"]) { $1 })
        let stood = poll(within: .seconds(60), every: .milliseconds(20)) { command.isStopped ? true : nil }
        guard stood != nil else {
            throw HarnessFailure(.timeLimit, "\(arguments) does not come to \(place): \(command.tail)")
        }
        return command
    }

    /// Until both streams do what is expected of them, by what they say of themselves.
    package func waitForRoles(forward: String, reverse: String, within limit: Duration = .seconds(60)) throws {
        for (source, side, stream, role) in [(old, new, slotName, forward), (new, old, reverseName, reverse)] {
            let query =
                role == "off"
                ? "SELECT CASE count(*) WHEN 0 THEN 'off' END FROM pg_replication_slots WHERE slot_name = '\(stream)'"
                : """
                SELECT (status::json ->> 'role') || ' ' || (status::json ->> 'state') FROM tandem.stream_status
                 WHERE stream = '\(stream)' AND at > pg_catalog.clock_timestamp() - interval '3 s'
                """
            do {
                try (role == "off" ? source : side).wait(
                    for: query, toBe: role == "off" ? role : "\(role) streaming", within: limit)
            } catch let failure as HarnessFailure {
                throw HarnessFailure(.timeLimit, "\(failure)\n\(lastStarted?.tail ?? "")")
            }
        }
    }
}
