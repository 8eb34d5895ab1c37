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

    func begin(new: Connection, until: Until?, acceptsSchema: Bool, stop: StopSignal) throws {
        guard began == nil else { return }
        var details: [(String, String)] = []
        switch until {
        case .caughtUp: details.append(("until", "caught-up"))
        case .position(let position): details.append(("until", position.description))
        case nil: break
        }
        if acceptsSchema { details.append(("accept-schema", "yes")) }
        let old = try? Connection(to: plan.source, for: .control, as: "\(plan.stream) evidence", stop: stop)
        let recorded = try plan.evidence.record(
            EvidenceLog.Event("run", .begins, details: details), old: old, new: new)
        began = Date()
        for note in recorded.notes { log.warning("evidence", [.reason: note]) }
    }

    /// The problem that blocks, or nil when none does.
    func note(_ problem: StreamStatus.Problem?, new: Connection) {
        if problem?.message != blocked?.message || problem?.position != blocked?.position {
            waiting.append(event(problem))
            blocked = problem
        }
        guard !waiting.isEmpty else { return }
        write(old: nil, new: new)
    }

    func end(_ failure: (any Error)?) {
        guard let began else { return }
        var details: [(String, String)] = []
        if let failure { details.append(("reason", withoutControls("\(failure)"))) }
        waiting.append(
            EvidenceLog.Event(
                "run", failure == nil ? .done : .failed, details: details, seconds: Date().timeIntervalSince(began)))
        // Asked to stop, every other connection refuses to wait; these do, but not for long.
        let (limit, done) = (StopSignal(), StopSignal())
        guard let clock = try? Thread("last entry", { if !done.wait(seconds: 3) { limit.raise() } }) else {
            return write(old: nil, new: nil)
        }
        let new = try? Connection(to: plan.target, for: .control, as: "\(plan.stream) evidence", stop: limit)
        let old = try? Connection(to: plan.source, for: .control, as: "\(plan.stream) evidence", stop: limit)
        write(old: old, new: new)
        done.raise()
        clock.join()
    }

    private func event(_ problem: StreamStatus.Problem?) -> EvidenceLog.Event {
        guard let problem else { return EvidenceLog.Event("run", .noted, details: [("what", "no longer blocked")]) }
        let all = [
            ("what", "blocked"), ("reason", problem.message), ("sqlstate", problem.sqlstate), ("table", problem.table),
            ("transaction", problem.position),
        ]
        return EvidenceLog.Event(
            "run", .noted, details: all.compactMap { key, value in value.map { (key, withoutControls($0)) } })
    }

    private func write(old: Connection?, new: Connection?) {
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
