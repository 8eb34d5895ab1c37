// Moves pairs from one step to the next or back. All gates of all pairs first; then, for each pair in turn, what has to be
// there before, the commit of the next epoch, and what follows from it. Any failure before the first commit undoes itself; after
// it, the same command again completes. Whoever calls has shown and asked before.
//
//     lock ─▶ complete what a side lacks ─▶ gates ─▶ evidence ─▶ intent ─▶ hook ─▶ restore points
//          ─▶ for each pair: prepare ─▶ COMMIT on the side in charge ─▶ the other side, and what follows ─▶ evidence, intent gone

package import Configuration
internal import Evidence
internal import Failpoints
internal import Foundation
internal import Model
internal import Postgres
package import Protocol
internal import State
package import Stream
package import Threading

package final class Passage {
    package let desks: [PairDesk]
    let way: Way
    /// As it is typed.
    let command: String
    let configuration: Configuration
    let stop: StopSignal
    let say: @Sendable (String) -> Void
    let actor = Actor.current
    /// In this command, for some pair.
    private var hasCommitted = false
    /// Undone but for clients that are still held.
    private var leavesHeld = false
    /// Made on the way, by pair, for the evidence.
    var points: [String: [(String, String)]] = [:]

    package init(
        _ way: Way, _ configuration: Configuration, _ plans: [StreamPlan], as command: String? = nil,
        stop: StopSignal, say: @escaping @Sendable (String) -> Void
    ) throws {
        self.way = way
        let command = command ?? way.rawValue
        self.command = command
        self.configuration = configuration
        self.stop = stop
        self.say = say
        desks = try plans.map { try PairDesk(configuration, $0, as: command, stop: stop) }
    }

    var by: String { "\(actor.name) on \(actor.host), tandem \(command)" }

    // MARK: what is to be done

    /// With the locks held, unless nothing is to be changed.
    package func survey(locking: Bool) throws -> Crossing {
        for desk in desks {
            if locking {
                try desk.lock()
                try desk.readAgain()
                try completeRows(desk)
            } else {
                let (old, new) = try desk.reached()
                try desk.refuseBusy()
                try desk.plan.evidence.examine(old: old, new: new)
            }
            try checkIdentity(desk)
        }
        return try Crossing.find(way, desks.map(\.standing))
    }

    package func readings(_ crossing: Crossing) -> [(desk: PairDesk, readings: [GateReading])] {
        guard case .transition(let transition, let pairs) = crossing else { return [] }
        return pairs.map { (desks[$0], GateKeeper(desks[$0], transition).readings()) }
    }

    /// What one side has committed and the other not; and the first row of a pair that streams without one.
    private func completeRows(_ desk: PairDesk) throws {
        let (old, new) = try desk.reached()
        if let epoch = desk.standing.epoch {
            guard let lagging = desk.standing.lagging, let book = desk.book(lagging) else { return }
            try book.install()
            try book.take(epoch)
            try desk.readAgain()
        } else if desk.standing.isBound {
            try FirstEpoch(desk.plan, old: old, new: new, by: by).ensure()
            try desk.readAgain()
        }
    }

    private func checkIdentity(_ desk: PairDesk) throws {
        for side in Side.allCases {
            guard let known = desk.standing.epoch?.systems[side], let now = try desk.book(side)?.system(), known != now
            else { continue }
            throw StateError.unsafe(
                "\(side.rawValue) of \(desk.plan.pair) is another server: system identifier \(now), was \(known)",
                hint:
                    "does its address point elsewhere? If it was restored or upgraded: `tandem adopt --side \(side.rawValue)`"
            )
        }
    }

    // MARK: crossing

    /// `readings` are those that `readings(_:)` gave; `waivers` by gate, with reasons.
    package func cross(
        _ crossing: Crossing, _ seen: [(desk: PairDesk, readings: [GateReading])], waivers: [Gate: String]
    ) throws {
        switch crossing {
        case .undoing(let transition, let pairs): return try undo(transition, pairs.map { desks[$0] })
        case .completion(let transition, let pairs): try complete(transition, pairs.map { desks[$0] })
        case .transition(let transition, let pairs):
            try go(transition, pairs.map { desks[$0] }, seen, waivers)
        }
    }

    private func go(
        _ transition: Transition, _ desks: [PairDesk], _ seen: [(desk: PairDesk, readings: [GateReading])],
        _ waivers: [Gate: String]
    ) throws {
        let began = Date()
        let executed = acts(transition)
        for desk in desks {
            let readings = seen.first { $0.desk === desk }?.readings ?? []
            try record(desk, transition, .begins, executed: executed, Self.details(readings, waivers))
        }
        do {
            for desk in desks { try setIntent(desk, transition) }
            Failpoint.pass(.afterIntent)
            let hook = OperatorHook(.beforeStep, configuration, transition, as: command, pairs: desks.map(\.plan.pair))
            try hook.run(stop: stop, say: say)
            if transition.from > .classifying { for desk in desks { try restorePoints(desk, transition) } }
            try carry(desks, transition)
        } catch {
            abandon(desks, transition, error, began)
            throw error
        }
        try end(desks, transition, began)
    }

    private func complete(_ transition: Transition, _ desks: [PairDesk]) throws {
        let began = Date()
        for desk in desks {
            try record(
                desk, transition, .begins, executed: acts(transition), [("what", "completes what was interrupted")])
        }
        do { try carry(desks, transition) } catch {
            abandon(desks, transition, error, began)
            throw error
        }
        try end(desks, transition, began)
    }

    /// Every part of it is safe to repeat.
    private func carry(_ desks: [PairDesk], _ transition: Transition) throws {
        guard let plan = FencedPlan(transition, StepTable(desks.first?.standing.strategy ?? configuration.strategy))
        else {
            for desk in desks {
                if desk.standing.step != transition.to { try commit(desk, transition) }
                try follow(desk, transition)
            }
            return
        }
        // Those that were committed before this command came to them; their clients may still be held.
        let done = desks.filter { $0.standing.step == transition.to }
        for desk in done { try follow(desk, transition) }
        let held = done.filter { $0.standing.intent?.held != nil }.map(\.plan.pair)
        if plan.movesCharge, !held.isEmpty {
            try OperatorHook(.go, configuration, transition, as: command, pairs: held).run(stop: stop, say: say)
        }
        let left = desks.filter { $0.standing.step != transition.to }
        guard !left.isEmpty else { return }
        // Clients of a pair that was left behind have waited long enough: they go on where they were until it is ready again.
        let waiting = left.filter { $0.standing.intent?.held != nil }
        if !waiting.isEmpty {
            let undone = UndoneFlip(
                waiting, transition, configuration, as: command, isHeld: plan.movesCharge, keepsIntent: true, say: say)
            guard undone.run() else {
                throw StateError.refused(
                    "what an earlier command had begun could not be taken back", hint: "`tandem step`")
            }
        }
        let crossing = FencedCrossing(
            left, transition, plan, configuration, as: command, stop: stop, say: say)
        defer {
            (hasCommitted, leavesHeld) = (crossing.hasCommitted, crossing.leavesHeld)
            for (pair, details) in crossing.report { points[pair, default: []] += details }
        }
        try crossing.run()
        guard !stop.isRaised else {
            throw StateError.refused(
                "interrupted after the commit", hint: "`tandem run` brings it to its end, and so does the same command")
        }
        for desk in left {
            try desk.readAgain()
            try follow(desk, transition)
        }
    }

    private func end(_ desks: [PairDesk], _ transition: Transition, _ began: Date) throws {
        Failpoint.pass(.beforePassageEnd)
        for desk in desks {
            try record(
                desk, transition, .done, executed: [], points[desk.plan.pair] ?? [],
                seconds: Date().timeIntervalSince(began))
            for side in Side.allCases { try desk.book(side)?.set(intent: nil, by: by) }
            try desk.readAgain()
        }
    }

    /// Before the first commit it undoes itself. What the reverse stream may have left is removed with it.
    private func abandon(_ desks: [PairDesk], _ transition: Transition, _ error: any Error, _ began: Date) {
        for desk in desks { try? desk.readAgain() }
        let isCommitted = hasCommitted || desks.contains { $0.standing.step == transition.to }
        let isUnknown = (error as? FlipFault)?.isUnknown ?? false
        for desk in desks {
            if !isCommitted, !isUnknown, !leavesHeld { try? takeBack(desk, transition) }
            let undone = leavesHeld ? "to be undone" : "undone"
            let what = isCommitted ? "to be completed" : isUnknown ? "not known" : undone
            try? record(
                desk, transition, .failed, executed: [],
                [("reason", withoutControls("\(error)")), ("what", what)],
                seconds: Date().timeIntervalSince(began))
        }
        if isCommitted {
            say(
                "the step is committed for some pair: `tandem run` completes it"
                    + (command == "run" ? "" : ", and so does `tandem \(command)` again"))
        }
    }

    private func undo(_ transition: Transition, _ desks: [PairDesk]) throws {
        for desk in desks {
            try record(desk, transition, .begins, executed: ["undo what was begun towards \(transition.to)"], [])
            try takeBack(desk, transition)
            try record(desk, transition, .done, executed: [], [])
            try desk.readAgain()
        }
    }

    // MARK: evidence

    private func acts(_ transition: Transition) -> [String] {
        ["step \(transition.from.rawValue) to \(transition.to.rawValue)"] + transition.acts.map(\.inWords)
    }

    private static func details(_ readings: [GateReading], _ waivers: [Gate: String]) -> [(String, String)] {
        readings.flatMap { reading -> [(String, String)] in
            var all = [("gate \(reading.gate)", withoutControls("\(reading.verdict.rawValue): \(reading.saw)"))]
            if !reading.holds, let reason = waivers[reading.gate] {
                all.append(("waived \(reading.gate)", withoutControls(reason)))
            }
            return all
        }
    }

    private func record(
        _ desk: PairDesk, _ transition: Transition, _ phase: EvidenceEntry.Phase, executed: [String],
        _ details: [(String, String)], seconds: Double? = nil
    ) throws {
        let event = EvidenceLog.Event(
            command, phase, executed: executed,
            details: [("from", "\(transition.from.rawValue)"), ("to", "\(transition.to.rawValue)")] + details,
            seconds: seconds)
        try desk.plan.evidence.record(event, old: desk.old, new: desk.new).notes.forEach(say)
    }
}
