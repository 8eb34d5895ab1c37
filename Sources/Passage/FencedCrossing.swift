// Takes pairs through a fenced transition, all of them together: fence all, drain all, then commit each. Up to the first commit
// any failure undoes itself, and users have waited no longer than `limits.pause`. From then on nothing is undone.
//
//     prepare ─▶ hold ─▶ fence old, new ─▶ marks ─▶ drained ─▶ sequences, P ─▶ COMMIT on the giver ─▶ the other side ─▶ let go
//     nobody waits      └──────────────────── writers are held ─────────────────────┘

internal import Configuration
internal import Failpoints
internal import Fence
internal import Foundation
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

final class FencedCrossing {
    private let desks: [PairDesk]
    private let transition: Transition
    private let plan: FencedPlan
    private let configuration: Configuration
    private let command: String
    private let asked: StopSignal
    private let say: (String) -> Void
    private var pairs: [FencedPair] = []
    private var clock: ActClock?
    private var heldSince: Monotonic?
    private var areHeld = false
    /// How long the hook took to hold clients.
    private var hooked: Double?
    /// Where writers are being waited for.
    private var fencing: Side?
    /// Some pair is committed: nothing is to be undone any more.
    var hasCommitted: Bool { pairs.contains { $0.committed != nil } }
    /// It came to nothing, and clients were not let go: that is for `tandem run`, which goes by what is written of it.
    private(set) var leavesHeld = false
    /// By pair: what took how long.
    private(set) var report: [String: [(String, String)]] = [:]

    /// Of what users may wait, so much is kept for undoing.
    private static let reserve = 0.15
    /// Seconds for getting ready, while nobody waits.
    private static let preparing = 60.0
    private static let patience = 10.0
    private static let confirming = 1.0

    init(
        _ desks: [PairDesk], _ transition: Transition, _ plan: FencedPlan, _ configuration: Configuration,
        as command: String, stop: StopSignal, say: @escaping (String) -> Void
    ) {
        (self.desks, self.transition, self.plan, self.configuration) = (desks, transition, plan, configuration)
        (self.command, asked, self.say) = (command, stop, say)
    }

    private var budget: Double { configuration.limits.pause }

    func run() throws {
        let clock = try ActClock(seconds: Self.preparing, heeding: asked)
        self.clock = clock
        defer { clock.end() }
        do {
            try prepare(clock)
            for desk in desks { try desk.eachBook { try $0.setHeld() } }
            Failpoint.pass(.beforeHold)
            // Whoever has been taken for gone holds nobody.
            guard desks.allSatisfy(\.hasLock) else { throw FlipFault.takenOver }
            clock.restart(seconds: budget * (1 - Self.reserve))
            heldSince = .now
            for act in plan.before { try perform(act) }
        } catch {
            throw undone(because: error)
        }
        try commitAll(clock)
    }

    // MARK: nobody waits yet

    private func prepare(_ clock: ActClock) throws {
        for desk in desks { _ = try desk.fenceTables(say: say) }
        pairs = try desks.map { try FencedPair($0, plan, to: transition.to, clock) }
        for pair in pairs {
            for side in Side.allCases { try pair.lookForStandbys(side) }
            try pair.bringSequences()
        }
        let slowest = try pairs.map { try $0.measureDrain(limit: budget) }.max() ?? 0
        guard slowest < budget * 0.6 else {
            throw FlipFault.tooSlow(
                "what is written on one side takes \(slowest < budget ? "" : "more than ")\(milliseconds(slowest)) to be on the other,"
                    + " which leaves too little of the \(milliseconds(budget)) for which writers may be held",
                by: inTheWayOfStreams())
        }
        try waitForLongWriters(clock)
    }

    /// Who has been at it for longer than users may wait will hardly be done by then: he is waited for while nobody else is.
    private func waitForLongWriters(_ clock: ActClock) throws {
        let began = Monotonic.now
        var isSaid = false
        while true {
            let long = try pairs.flatMap { try $0.openWriters() }.compactMap { side, holders -> (Side, [Holder])? in
                let stay = holders.filter { ($0.seconds ?? 0) > budget / 2 }
                return stay.isEmpty ? nil : (side, stay)
            }
            guard let (side, holders) = long.first else { return }
            guard began.age < Self.patience else { throw FlipFault.longWriters(side, by: holders, seconds: began.age) }
            if !isSaid { say("waiting for a transaction on \(side.rawValue) to end: \(Holder.listed(holders))") }
            isSaid = true
            if clock.stop.wait(seconds: 0.2) {
                throw PostgresError(.interrupted, "stopped on request", doing: "waiting for a transaction to end")
            }
        }
    }

    // MARK: up to the commit

    private func perform(_ act: FencedAct) throws {
        switch act {
        case .hold: try hold()
        case .fence(let side):
            fencing = side
            for pair in pairs { try pair.fence(side) }
            fencing = nil
            Failpoint.pass(side == .old ? .afterGiverFenced : .afterBothFenced)
        case .seal(let side): for pair in pairs { try pair.seal(side) }
        case .recheck: for pair in pairs { try pair.recheck() }
        case .mark(let direction, let halts):
            for pair in pairs { try pair.mark(direction, halts: halts) }
            if direction == .reverse { Failpoint.pass(.afterSentinels) }
        case .drain(let direction, _):
            for pair in pairs { try pair.drain(direction) }
            if direction == .reverse { Failpoint.pass(.afterDrained) }
        case .sequences(_, let side):
            for pair in pairs {
                if pair.desk.standing.strategy == .pause {
                    try pair.carrySequences()
                } else {
                    try pair.partSequences(on: side)
                }
            }
            Failpoint.pass(.afterSettled)
        case .position(let direction):
            for pair in pairs { try pair.takePosition(direction) }
            Failpoint.pass(.afterChargePosition)
        case .commit, .open, .release: preconditionFailure("\(act) comes after everything that can be undone")
        }
    }

    private func hold() throws {
        let hook = OperatorHook(.hold, configuration, transition, as: command, pairs: desks.map(\.plan.pair))
        guard let clock, hook.isThere else { return }
        areHeld = true
        let began = Monotonic.now
        try hook.run(within: clock.left, stop: clock.stop, say: { _ in })
        hooked = began.age
        Failpoint.pass(.afterHold)
    }

    // MARK: from the commit on

    /// Each pair is opened right after its own commit. What fails for one leaves the others as they are: committed or not.
    private func commitAll(_ clock: ActClock) throws {
        var failure: (any Error)?
        for pair in pairs where failure == nil {
            let isFirst = pairs.allSatisfy { $0.committed == nil }
            do {
                try commit(pair, clock)
            } catch {
                // As long as nobody knows whether it is committed, it is neither completed nor undone.
                if (error as? FlipFault)?.isUnknown ?? false { throw error }
                if isFirst, pair.committed == nil { throw undone(because: error) }
                failure = error
            }
        }
        note()
        let done = pairs.filter { $0.committed != nil }
        let left = pairs.filter { $0.committed == nil }
        for pair in pairs { pair.letGo() }
        if !left.isEmpty {
            UndoneFlip(
                left.map(\.desk), transition, configuration, as: command, isHeld: areHeld, keepsIntent: true, say: say
            ).run()
        }
        // Nobody waits for what is told.
        defer { for pair in done where pair.wasUnanswered { warnOfStandbys(pair) } }
        if plan.movesCharge { try release(done.map(\.name)) }
        if let failure { throw failure }
    }

    private func commit(_ pair: FencedPair, _ clock: ActClock) throws {
        do { try pair.commit() } catch {
            // A server that answered has said no. Where no answer came, only that server knows.
            guard CommitOutcome.isOpen(error) else { throw error }
            say(
                "whether \(pair.plan.giver.rawValue) of \(pair.name) has committed is not known: waiting for its answer"
            )
            pair.letGo()
            guard let epoch = try CommitOutcome(pair.desk, pair.plan.giver, stop: asked).committed() else {
                throw error
            }
            (pair.committed, pair.wasUnanswered) = (epoch, true)
        }
        clock.goOn(seconds: Self.patience)
        Failpoint.pass(.afterEpochCommitted)
        guard let epoch = pair.committed else { return }
        try open(pair, epoch)
    }

    /// In the session that has the fence there; where that is gone, in another one.
    private func open(_ pair: FencedPair, _ epoch: Epoch) throws {
        let side = pair.plan.taker
        do {
            guard let fence = pair.fences[side], fence.isUp else { throw FenceFault.lost(side, "it was let go") }
            try fence.take(epoch)
        } catch {
            try pair.desk.take(epoch, on: side, stop: asked)
        }
        Failpoint.pass(.afterEpochCopied)
        Failpoint.pass(.afterGateOpened)
    }

    private func release(_ names: [String]) throws {
        let hook = OperatorHook(.go, configuration, transition, as: command, pairs: names)
        guard hook.isThere, !names.isEmpty else { return }
        // Whoever has been taken for gone must not lead anybody anywhere any more.
        guard desks.allSatisfy(\.hasLock) else { throw FlipFault.takenOver }
        do { try hook.run(stop: StopSignal(), say: say) } catch {
            throw StateError.refused(
                "the other side is in charge, and clients may still be held: \(error)",
                hint: "let them go yourself, or mend the hook: `tandem run` runs it again, and so does this command")
        }
        Failpoint.pass(.afterRelease)
    }

    /// A standby that lacks the commit, and is promoted, takes up what is over.
    private func warnOfStandbys(_ pair: FencedPair) {
        let side = pair.plan.giver
        var pause = Backoff(first: 0.05, longest: 0.2)
        let began = Monotonic.now
        do {
            try pair.desk.afresh(side, seconds: Self.patience) { connection in
                let stream = pair.desk.plan.stream
                guard let standbys = try SynchronousStandbys(of: side, on: connection, stream) else { return }
                let end = try SynchronousStandbys.flushed(on: connection)
                while began.age < Self.confirming {
                    if try SynchronousStandbys.have(end, on: connection, stream) { return }
                    if asked.wait(seconds: pause.seconds()) { break }
                }
                let what =
                    "\(side.rawValue) of \(pair.name) has committed it, and its standbys have not said that they have it"
                    + " (\(standbys.setting))"
                report[pair.name, default: []].append(("standbys", what))
                say(
                    "\(what): before they do, none may take its place. It would not know of this step, and would take writes"
                        + " while \(side.other.rawValue) is in charge")
            }
        } catch { say("whether standbys of \(side.rawValue) have it is not known: \(error)") }
    }

    private func note() {
        guard let heldSince else { return }
        let held = heldSince.age
        let common = hooked.map { [("hook", $0)] } ?? []
        func parts(_ pair: FencedPair?) -> [(String, String)] {
            (common + (pair?.times ?? [])).map { ($0.0, milliseconds($0.1)) }
        }
        for pair in pairs { report[pair.name] = [("held", milliseconds(held))] + parts(pair) }
        let told = parts(pairs.count == 1 ? pairs[0] : nil).map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        say("writers were held for \(milliseconds(held))" + (told.isEmpty ? "" : ": \(told)"))
    }

    private func milliseconds(_ seconds: Double) -> String { "\(Int((seconds * 1000).rounded())) ms" }

    // MARK: undoing

    /// Everybody goes on where they were. What the failure was, with who was in the way.
    private func undone(because error: any Error) -> any Error {
        let isOver = clock?.stop.isRaised == true && !asked.isRaised
        // Gone as soon as the fence is.
        let queued = (error as? PostgresError)?.sqlState == "55P03" ? inTheQueue() : []
        for pair in pairs { pair.letGo() }
        let flip = UndoneFlip(desks, transition, configuration, as: command, isHeld: areHeld, say: say)
        let isOurs = flip.letGo()
        let held = heldSince?.age
        let reason = isOver ? overBudget() : queued.isEmpty ? error : FlipFault.overBudget("\(error)", by: queued)
        if isOurs { _ = flip.takeBack() } else { leavesHeld = true }
        if let held { say("undone; writers were held for \(milliseconds(held))") }
        return reason
    }

    /// Looked for once writers go on: who was in tandem's way still is.
    private func overBudget() -> any Error {
        FlipFault.overBudget(
            "it took longer than writers may be held (\(milliseconds(budget)))",
            by: inTheWayOfFence() + inTheWayOfStreams())
    }

    /// Who had begun before writers were held, and still has not ended.
    private func inTheWayOfFence() -> [Holder] {
        guard let fencing, let heldSince else { return [] }
        return looking { limit in
            desks.flatMap { desk in
                let holders = look(at: fencing, of: desk, as: desk.plan.stream, limit) {
                    try $0.writers(FenceNames(desk.plan.stream))
                }
                return holders.filter { $0.seconds.map { $0 >= heldSince.age } ?? true }
            }
        }
    }

    /// Who waits for us, and has what we would look at.
    private func inTheQueue() -> [Holder] {
        // Writers are held until it is known.
        looking(atMost: (clock?.left ?? 0) + budget * Self.reserve / 2) { limit in
            desks.flatMap { desk in
                Side.allCases.flatMap { side in
                    look(at: side, of: desk, as: desk.plan.stream, limit) {
                        try $0.queued(FenceNames(desk.plan.stream))
                    }
                }
            }
        }
    }

    private func inTheWayOfStreams() -> [Holder] {
        looking { limit in
            desks.flatMap { desk in
                Direction.allCases.flatMap { direction in
                    let name = direction == .forward ? desk.plan.stream : desk.plan.stream.opposite
                    return look(at: direction.target, of: desk, as: name, limit) {
                        try $0.blockers(ofApplication: "\(name) ")
                    }
                }
            }
        }
    }

    /// Not for long: it is only to tell.
    private func looking(atMost most: Double = 2, _ body: (StopSignal) -> [Holder]) -> [Holder] {
        let (limit, done) = (StopSignal(), StopSignal())
        let timer = try? Thread("look", { if !done.wait(seconds: min(2, most)) { limit.raise() } })
        defer {
            done.raise()
            timer?.join()
        }
        return body(limit)
    }

    private func look(
        at side: Side, of desk: PairDesk, as name: StreamName, _ limit: StopSignal,
        _ ask: (InTheWay) throws -> [Holder]
    ) -> [Holder] {
        let connection = try? Connection(to: desk.target(side), for: .control, as: "\(name) look", stop: limit)
        return (try? connection.map { try ask(InTheWay(on: $0)) }) ?? []
    }
}
