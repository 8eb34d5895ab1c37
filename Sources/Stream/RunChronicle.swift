// What `run` puts into the evidence log: that it began, with which wishes, that a transaction blocked and no longer does, and
// how it ended. Beginning is an act, and fails when it cannot be written; what merely happens is written as soon as it can
// be, because a stream that ended for want of it would be the greater harm. Runs on the runner's thread.

internal import Evidence
internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

final class RunChronicle {
    private let plan: StreamPlan
    private let log: Log
    private var began: Date?
    private var blocked: StreamStatus.Problem?
    /// Not written yet.
    private var waiting: [EvidenceLog.Event] = []
    private var hasComplained = false

    init(_ plan: StreamPlan, log: Log) {
        self.plan = plan
        self.log = log
    }

    func begin(
        target: Connection, until: Until?, acceptsSchema: Bool, source: () -> Connection?
    ) throws {
        guard began == nil else { return }
        var details = subject
        switch until {
        case .caughtUp: details.append(("until", "caught-up"))
        case .position(let position): details.append(("until", position.description))
        case nil: break
        }
        if acceptsSchema { details.append(("accept-schema", "yes")) }
        let sides = plan.sides(source: source(), target: target)
        let recorded = try plan.evidence.record(
            EvidenceLog.Event("run", .begins, details: details), old: sides.old, new: sides.new)
        began = Date()
        for note in recorded.notes { log.warning("evidence", [.reason: note]) }
    }

    /// The problem that blocks, or nil when none does.
    func note(_ problem: StreamStatus.Problem?, target: Connection) {
        if problem?.message != blocked?.message || problem?.position != blocked?.position {
            waiting.append(event(problem))
            blocked = problem
        }
        guard !waiting.isEmpty else { return }
        write(source: nil, target: target)
    }

    /// The stream forward is the run itself.
    private var subject: [(String, String)] { plan.isForward ? [] : [("stream", plan.stream.description)] }

    /// A target that was just looked for in vain is not waited for again.
    func end(_ failure: (any Error)?, isTargetAway: Bool) {
        guard let began else { return }
        var details = subject
        if let failure { details.append(("reason", withoutControls("\(failure)"))) }
        waiting.append(
            EvidenceLog.Event(
                "run", failure == nil ? .done : .failed, details: details, seconds: Date().timeIntervalSince(began)))
        // Asked to stop, every other connection refuses to wait; these do, but not for long.
        let (limit, done) = (StopSignal(), StopSignal())
        guard let clock = try? Thread("last entry", { if !done.wait(seconds: 3) { limit.raise() } }) else {
            return write(source: nil, target: nil)
        }
        let target = isTargetAway ? nil : upcoming(to: plan.target, limit)
        let source = upcoming(to: plan.source, limit)
        write(source: try? Connection(source), target: target.flatMap { try? Connection($0) })
        done.raise()
        clock.join()
    }

    private func upcoming(to side: ConnectionTarget, _ stop: StopSignal) -> UpcomingConnection {
        UpcomingConnection(to: side, for: .control, as: "\(plan.stream) evidence", stop: stop)
    }

    private func event(_ problem: StreamStatus.Problem?) -> EvidenceLog.Event {
        guard let problem else {
            return EvidenceLog.Event("run", .noted, details: subject + [("what", "no longer blocked")])
        }
        let all = [
            ("what", "blocked"), ("reason", problem.message), ("sqlstate", problem.sqlstate), ("table", problem.table),
            ("transaction", problem.position),
        ]
        return EvidenceLog.Event(
            "run", .noted, details: subject + all.compactMap { key, value in value.map { (key, withoutControls($0)) } })
    }

    private func write(source: Connection?, target: Connection?) {
        let (old, new) = plan.sides(source: source, target: target)
        do {
            while let event = waiting.first {
                try plan.evidence.record(event, old: old, new: new)
                waiting.removeFirst()
            }
            hasComplained = false
        } catch {
            if !hasComplained {
                log.error("evidence not written", [.reason: "\(error)", .hint: (error as? any Explained)?.hint ?? ""])
            }
            hasComplained = true
        }
    }
}
