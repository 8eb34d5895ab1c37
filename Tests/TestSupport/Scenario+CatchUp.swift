// The barrier after a workload: what was written on the source is on the target, and the source has been told so.

extension Scenario {
    package enum Direction: Sendable {
        case forward, reverse
    }

    /// Inserts a fresh marker on the source, if it has the marker table, and waits until the target shows it and until the
    /// slot confirms the position read after it. Fails at once when the replicator, the one started last unless named, is gone.
    package func catchUp(
        _ direction: Direction = .forward, by replicator: Replicator? = nil, within limit: Duration = .seconds(150)
    ) throws {
        let (source, target, stream) = direction == .forward ? (old, new, "forward") : (new, old, "reverse")
        let (marker, position) = try insertMarker(source)
        let end = ContinuousClock.now + limit
        if let marker {
            let seen = Lookout("SELECT true FROM public._marker WHERE id = \(marker)", in: target)
            try reach("marker \(marker) on \(target.cluster.name)", end, replicator) { try seen.value() == "t" }
        }
        let confirmed = Lookout(
            """
            SELECT confirmed_flush_lsn >= '\(position)' FROM pg_catalog.pg_replication_slots
            WHERE slot_name = 'tandem_t_\(name)_\(stream)'
            """, in: source)
        try reach("confirmation of \(position)", end, replicator) { try confirmed.value() == "t" }
    }

    /// The marker, if there is a table for it, and the end of the log after it.
    private func insertMarker(_ source: Database) throws -> (marker: Substring?, position: Substring) {
        let said = try source.sql(
            """
            SELECT pg_catalog.to_regclass('public._marker') IS NOT NULL AS there \\gset
            \\if :there
                INSERT INTO public._marker SELECT coalesce(max(id), 0) + 1 FROM public._marker RETURNING id;
            \\endif
            SELECT pg_catalog.pg_current_wal_lsn();
            """
        ).split(separator: "\n")
        return (said.count > 1 ? said[0] : nil, said.last ?? "")
    }

    private func reach(
        _ what: String, _ end: ContinuousClock.Instant, _ replicator: Replicator?, _ holds: () throws -> Bool
    ) throws {
        let limit = max(.zero, end - .now)
        if let replicator = replicator ?? lastStarted { return try replicator.wait(what, within: limit, holds) }
        guard try poll(within: limit, { try holds() ? true : nil }) != nil else {
            throw HarnessFailure(.timeLimit, "no \(what) within the time limit, and no replicator was started")
        }
    }

    /// Until the stream forward has passed everything on old, without writing there.
    package func forwardPasses() throws { try passes(old, slotName) }

    /// The same of the stream back: a watch brings no marker over.
    package func reversePasses() throws { try passes(new, reverseName) }

    private func passes(_ source: Database, _ slot: String) throws {
        let position = try source.value("SELECT pg_current_wal_insert_lsn()") ?? ""
        try source.wait(
            for: """
                SELECT confirmed_flush_lsn >= '\(position)' FROM pg_replication_slots WHERE slot_name = '\(slot)'
                """, toBe: "t", within: .seconds(60))
    }
}
