// Looks after what commands leave behind when they are killed, stopped or cut off in the middle of a fenced transition, in `tandem
// run` and in one that stands by: a side that has not heard of the next epoch, a gate that no epoch asks for, clients that
// nobody lets go. Each second it reads both sides; what it changes it changes with the pair's lock. A command that holds that
// lock and has said nothing for longer than it may is as good as gone: its sessions are ended first.

package import Configuration
internal import Evidence
internal import Failpoints
internal import Fence
internal import Foundation
internal import Model
internal import Postgres
internal import Protocol
internal import State
package import Stream
package import Telemetry
package import Threading

package final class Attendant {
    private let configuration: Configuration
    private let plan: StreamPlan
    private let stop: StopSignal
    private let log: Log
    private var connections: [Side: Connection] = [:]
    private var nextTry = Monotonic.now
    private var pause = Attendant.freshPause
    private var said = ""

    private static var freshPause: Backoff { Backoff(first: 1, longest: 30) }

    package init(_ configuration: Configuration, _ plan: StreamPlan, stop: StopSignal, log: Log) {
        (self.configuration, self.plan, self.stop) = (configuration, plan, stop)
        self.log = log.with(.stream, plan.stream)
    }

    /// Until asked to stop. Nothing here ends a run: what fails is said once and tried again.
    package func run() {
        while !stop.isRaised {
            do {
                if let finding = try look(), nextTry <= .now { try attend(to: finding) }
            } catch {
                guard !stop.isRaised else { return }
                connections = [:]
                // A side that is away is the streams' affair; once it is there again nobody should have to wait for us.
                if (error as? PostgresError)?.isConnectionLost != true {
                    complain(error)
                    nextTry = .now.adding(seconds: pause.seconds())
                }
            }
            stop.wait(seconds: 1)
        }
    }

    private func complain(_ error: any Error) {
        let reason = "\(error)"
        if reason != said {
            log.warning("step left undone", [.reason: reason, .hint: (error as? any Explained)?.hint ?? ""])
        }
        said = reason
    }

    // MARK: looking

    private struct Finding {
        let standing: PairStanding
        /// The command may still be at it, and is given so long.
        let patience: Double
    }

    private func connection(_ side: Side) throws(PostgresError) -> Connection {
        if let known = connections[side], !known.isBroken { return known }
        let made = try Connection(
            to: side == .old ? plan.old : plan.new, for: .control, as: "\(plan.stream.pairKey) attendant", stop: stop)
        connections[side] = made
        return made
    }

    /// Nil when everything is as it should be, and where a side is not the server it was: that is for `tandem adopt`, which may have
    /// shut a gate.
    private func look() throws -> Finding? {
        guard let finding = try find() else { return nil }
        for side in Side.allCases {
            guard let known = finding.standing.epoch?.systems[side],
                let now = try EpochBook(connection(side), plan.stream).system()
            else { continue }
            if known != now { return nil }
        }
        return finding
    }

    private func find() throws -> Finding? {
        let (old, new) = (try connection(.old), try connection(.new))
        let standing = try PairStanding(old: old, new: new, plan, configured: configuration.strategy)
        guard let epoch = standing.epoch, epoch.row != nil else { return nil }
        let budget = configuration.limits.pause
        if standing.lagging != nil { return Finding(standing: standing, patience: 2 * budget) }
        let gates = Side.allCases.compactMap { side in connections[side].map { FenceGate($0, plan.stream, on: side) } }
        if let intent = standing.intent, intent.held != nil {
            // Where only a hook is left to be done, it may take its time.
            let isDone = try intent.to == standing.step && gates.allSatisfy { try $0.fits(epoch) }
            return Finding(standing: standing, patience: 2 * budget + (isDone ? configuration.hooks.timeout : 0))
        }
        guard try gates.allSatisfy({ try $0.fits(epoch) }) else {
            return Finding(standing: standing, patience: .infinity)
        }
        for gate in gates { try gate.unsealIfPast() }
        (pause, said) = (Self.freshPause, "")
        return nil
    }

    // MARK: doing

    private func attend(to finding: Finding) throws {
        let desk = try PairDesk(configuration, plan, as: "attend", stop: stop)
        _ = try desk.reached()
        guard try desk.tryLock() else { return try dislodge(finding) }
        try desk.readAgain()
        guard let epoch = desk.standing.epoch else { return }
        Failpoint.pass(.duringAttendance)
        let intent = desk.standing.intent
        let began = Date()
        for side in Side.allCases { try desk.book(side)?.take(epoch) }
        let areChanged = try desk.deriveGates()
        try desk.readAgain()
        guard let intent, let held = intent.held,
            let transition = desk.table.transitions.first(where: { $0.from == intent.from && $0.to == intent.to })
        else {
            // What was read a moment apart need not have been otherwise.
            if areChanged { log.info("gates set", [.detail: "by epoch \(epoch.number), \(epoch.step)"]) }
            return
        }
        let isCommitted = epoch.step == intent.to
        if isCommitted {
            let hook = OperatorHook(.go, configuration, transition, as: "run", pairs: [plan.pair])
            try hook.run(stop: stop) { [log] in log.info("hook", [.detail: $0]) }
            for side in Side.allCases { try desk.book(side)?.set(intent: nil, by: "") }
        } else {
            let undone = UndoneFlip([desk], transition, configuration, as: "run", isHeld: true) { [log] in
                log.info("undoing", [.detail: $0])
            }
            guard undone.run() else {
                throw StateError.refused("what a command began could not be taken back", hint: "`tandem step`")
            }
        }
        let what = "step \(intent.from.rawValue) to \(intent.to.rawValue), begun by \(intent.by)"
        log.info(isCommitted ? "completed" : "taken back", [.detail: what, .seconds: Int(held)])
        let event = EvidenceLog.Event(
            "run", .noted,
            details: [("what", "\(isCommitted ? "completed" : "took back") \(what), which was not brought to an end")],
            seconds: Date().timeIntervalSince(began))
        try plan.evidence.record(event, old: desk.old, new: desk.new)
    }

    /// Somebody has the lock. How long ago he began to hold writers says whether he may still be at it.
    private func dislodge(_ finding: Finding) throws {
        let held = finding.standing.intent?.held
        guard let held, held > finding.patience else { return }
        log.warning("command ended", [.reason: "it holds the pair, and has done nothing for \(Int(held)) s"])
        for side in Side.allCases { try EpochBook(connection(side), plan.stream).dislodge() }
        nextTry = .now.adding(seconds: 0.2)
    }
}
