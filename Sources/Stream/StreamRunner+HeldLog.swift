// The log that old holds while no session looks at it: watched, and let go when the configuration wants that at the limit.

internal import Apply
internal import Configuration
internal import Evidence
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

extension StreamRunner {
    /// While no session runs, nobody else looks at how much log the slot holds: most of all when new is away.
    func watchTheLog(_ side: TargetSide?, evenBefore: Bool = false) -> (any Error)? {
        guard hasStreamed || evenBefore,
            let connection = try? Connection(to: plan.source, for: .control, as: "\(plan.stream) watch", stop: stop),
            let slot = try? SourceSide(connection, plan.stream).slot(), !slot.isActive, let held = slot.walHeld
        else { return nil }
        heldLog.note(held, log)
        guard plan.limits.onWALHeld == .drop, held > plan.limits.walHeld else { return nil }
        return try? letGo(LogHeldTooLong(held: held, limit: plan.limits.walHeld), side)
    }

    func letGo(_ held: LogHeldTooLong, _ side: TargetSide?) throws -> any Error {
        let source = try Connection(to: plan.source, for: .control, as: "\(plan.stream) runner", stop: stop)
        try plan.evidence.perform(
            "run", executed: ["drop slot \(plan.stream)"],
            details: [("reason", "it held \(held.held) bytes of log, over limits.wal_held, and on_wal_held is drop")],
            old: plan.isForward ? source : side?.connection, new: plan.isForward ? side?.connection : source
        ) { try drop(SourceSide(source, plan.stream)) }
        let error = StateError.unsafe(
            "slot \(plan.stream) held \(held.held) bytes of log on \(plan.stream.source), over limits.wal_held (\(held.limit)), and was"
                + " dropped as limits.on_wal_held asks",
            hint:
                "\(plan.stream.target) no longer follows; `tandem resync` makes another slot and both sides equal again"
        )
        log.error("slot dropped", [.bytes: held.held, .limit: held.limit])
        say(.stopped, error, side)
        return error
    }

    /// Our own session that used it has ended, but its server process may still be on its way out.
    private func drop(_ source: SourceSide) throws {
        var pause = Backoff(first: 0.05, longest: 1)
        for attempt in 1...10 {
            do throws(PostgresError) {
                try source.dropSlot()
                return
            } catch {
                guard error.sqlState == "55006", attempt < 10 else { throw error }
                stop.wait(seconds: pause.seconds())
            }
        }
    }
}
