// Looks after what commands leave behind when they are killed, stopped or cut off in the middle of a fenced transition, in `tandem
// run` and in one that stands by: a side that has not heard of the next epoch, a gate that no epoch asks for, clients that
// nobody lets go, another pair that was left behind. Each second it reads both sides; what it changes it changes with the pair's lock.
// A command that holds that lock and has said nothing for longer than it may is as good as gone: its sessions are ended first.

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
    /// What was begun is taken back here, and whether it may be forgotten is not known yet.
    private var owesVerdict = false
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
                // A side that is away is the streams' affair; once it is there again nobody should have to wait for us.
                if (error as? PostgresError)?.isConnectionLost == true {
                    connections = connections.filter { !$0.value.isBroken }
                    attendAlone()
                } else {
                    connections = [:]
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
        // Another pair was left behind, or what became of it was not known.
        if let intent = standing.intent, standing.transition(intent)?.isFenced == true,
            intent.to == standing.step || owesVerdict
        {
            return Finding(standing: standing, patience: .infinity)
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
        guard let transition = try settle(finding) else { return }
        // The lock is given back: this takes those of all pairs.
        try bringAlong(transition)
    }

    /// What this pair needs. The transition that is for it to carry on with other pairs, when there is one.
    private func settle(_ finding: Finding) throws -> Transition? {
        let desk = try PairDesk(configuration, plan, as: "attend", stop: stop)
        _ = try desk.reached()
        guard try desk.tryLock() else {
            try dislodge(finding)
            return nil
        }
        try desk.readAgain()
        guard let epoch = desk.standing.epoch else { return nil }
        Failpoint.pass(.duringAttendance)
        let began = Date()
        for side in Side.allCases { try desk.book(side)?.take(epoch) }
        let areChanged = try desk.deriveGates()
        try desk.readAgain()
        guard let intent = desk.standing.intent, let transition = desk.standing.transition(intent), transition.isFenced
        else {
            // What was read a moment apart need not have been otherwise.
            if areChanged { log.info("gates set", [.detail: "by epoch \(epoch.number), \(epoch.step)"]) }
            return nil
        }
        return desk.standing.step == intent.to
            ? try complete(desk, intent, transition, began) : try takeBack(desk, intent, transition, began)
    }

    private func complete(
        _ desk: PairDesk, _ intent: Intent, _ transition: Transition, _ began: Date
    ) throws -> Transition? {
        if intent.held != nil {
            let hook = OperatorHook(.go, configuration, transition, as: "run", pairs: [plan.pair])
            try hook.run(stop: stop) { [log] in log.info("hook", [.detail: $0]) }
            try desk.eachBook { try $0.clearHeld() }
            try tell(desk, intent, true, began)
        }
        // Not forgotten before all are there: it is how they are known to belong together.
        let fellows = Fellows(of: plan.pair, configuration, stop: stop)
        let found = try fellows.read(intent)
        guard !found.left.isEmpty else {
            try desk.eachBook { try $0.set(intent: nil, by: "") }
            return nil
        }
        return fellows.comesFirst(before: found.committed) ? transition : nil
    }

    private func takeBack(
        _ desk: PairDesk, _ intent: Intent, _ transition: Transition, _ began: Date
    ) throws -> Transition? {
        // Those who wait go on, whatever becomes of it.
        if intent.held != nil {
            let undone = UndoneFlip(
                [desk], transition, configuration, as: "run", isHeld: true, keepsIntent: true
            ) { [log] in log.info("undoing", [.detail: $0]) }
            guard undone.run() else {
                throw StateError.refused("what a command began could not be taken back", hint: "`tandem step`")
            }
            try tell(desk, intent, false, began)
            owesVerdict = true
        }
        guard owesVerdict else { return nil }
        let found = try Fellows(of: plan.pair, configuration, stop: stop).read(intent)
        if found.committed.isEmpty { try desk.eachBook { try $0.set(intent: nil, by: "") } }
        owesVerdict = false
        return nil
    }

    private func tell(_ desk: PairDesk, _ intent: Intent, _ isCommitted: Bool, _ began: Date) throws {
        let what = "step \(intent.from.rawValue) to \(intent.to.rawValue), begun by \(intent.by)"
        log.info(isCommitted ? "completed" : "taken back", [.detail: what, .seconds: Int(intent.held ?? 0)])
        let event = EvidenceLog.Event(
            "run", .noted,
            details: [("what", "\(isCommitted ? "completed" : "took back") \(what), which was not brought to an end")],
            seconds: Date().timeIntervalSince(began))
        try plan.evidence.record(event, old: desk.old, new: desk.new)
    }

    /// As the same command would: nothing that is committed is undone, and half of it is nowhere to stay.
    private func bringAlong(_ transition: Transition) throws {
        let fellows = Fellows(of: plan.pair, configuration, stop: stop)
        let passage = try Passage(
            transition.isForward ? .advance : .back, configuration, fellows.plans, as: "run", stop: stop
        ) { [log] in log.info("bringing along", [.detail: $0]) }
        let crossing = try passage.survey(locking: true)
        // Somebody else may have seen to it.
        guard case .completion(transition, _) = crossing else { return }
        try passage.cross(crossing, [], waivers: [:])
        log.info("completed", [.detail: "step \(transition.from.rawValue) to \(transition.to.rawValue) for every pair"])
    }

    // MARK: one side is away

    /// Where nothing was committed, whoever waits on the side in charge need not wait until the other one is back. Only that is done;
    /// the rest, and what the other side has written, is found when both are there.
    private func attendAlone() {
        do {
            let there = Side.allCases.filter { (try? connection($0)) != nil }
            guard there.count == 1, let side = there.first else { return }
            let book = EpochBook(try connection(side), plan.stream)
            let patience = 2 * configuration.limits.pause
            guard let held = try waiting(book, on: side)?.held, held > patience else { return }
            guard try book.tryLock() else { return try book.dislodge() }
            defer { try? book.unlock() }
            try FenceGate(connection(side), plan.stream, on: side).derive()
            // A commit that was on its way is to be seen by now.
            guard let intent = try waiting(book, on: side),
                let transition = StepTable(configuration.strategy).transition(from: intent.from, to: intent.to)
            else { return }
            let hook = OperatorHook(.undo, configuration, transition, as: "run", pairs: [plan.pair])
            try hook.run(stop: stop) { [log] in log.info("hook", [.detail: $0]) }
            try book.set(intent: nil, by: "")
            let what =
                "step \(intent.from.rawValue) to \(intent.to.rawValue) on \(side.rawValue), the other side is away"
            log.info("taken back", [.detail: what, .seconds: Int(held)])
        } catch {
            guard !stop.isRaised else { return }
            if (error as? PostgresError)?.isConnectionLost != true { complain(error) }
        }
    }

    /// What was begun and not committed where somebody may be held, by the word of the side that would have committed it.
    private func waiting(_ book: EpochBook, on side: Side) throws -> Intent? {
        guard let epoch = try book.read(), epoch.truth == side, let intent = try book.intent(), intent.held != nil,
            intent.from == epoch.step
        else { return nil }
        return intent
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
