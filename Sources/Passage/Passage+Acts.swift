// What a transition does to one pair: what must be there before the commit, the commit on the side that is in charge, and what
// follows from it on the other. Each safe to repeat.

internal import DataB
internal import Failpoints
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

extension Passage {
    func setIntent(_ desk: PairDesk, _ transition: Transition) throws {
        for side in Side.allCases { try desk.book(side)?.set(intent: transition, by: by) }
    }

    /// Names of restore points are made of the pair and the epoch that ends there.
    func restorePoints(_ desk: PairDesk, _ transition: Transition) throws {
        let name = "\(desk.plan.stream.pairKey)_e\(desk.standing.epoch?.number ?? 0)"
        for side in Side.allCases {
            guard let connection = desk.connection(side) else { continue }
            do throws(PostgresError) {
                let position = try RestorePoint.create(name, on: connection)
                points[desk.plan.pair, default: []].append(
                    ("restore point on \(side.rawValue)", "\(name) at \(position)"))
                say("restore point \(name) on \(side.rawValue) at \(position)")
            } catch {
                // Where charge changes there must be one; a smaller step is not worth failing for.
                guard error.sqlState != nil, !desk.table.changesCharge(transition) else { throw error }
                say("no restore point on \(side.rawValue): \(error.message)" + (error.hint.map { "; \($0)" } ?? ""))
            }
        }
    }

    func commit(_ desk: PairDesk, _ transition: Transition) throws {
        guard let row = desk.table[transition.to] else { throw EpochFault.contradiction }
        for side in Side.allCases { try desk.book(side)?.install() }
        let next = Epoch(
            number: (desk.standing.epoch?.number ?? 0) + 1, step: row.step, strategy: desk.table.strategy,
            truth: row.truth,
            systems: SystemPair(old: try desk.book(.old)?.system(), new: try desk.book(.new)?.system()), since: "",
            by: by)
        guard let charge = desk.book(desk.standing.truth) else { throw StateError.notPrepared(pair: desk.plan.pair) }
        if transition.acts.contains(.makeTriggers) { _ = try desk.fenceTables(say: say) }
        func write() throws {
            _ = try charge.commit(next: next, going: transition)
            Failpoint.pass(.afterEpochCommitted)
        }
        if transition.acts.contains(.makeReverse) {
            try makeReverse(desk, then: write)
        } else {
            try write()
        }
        try desk.readAgain()
    }

    /// The other side has the row, and everything is as the step says.
    func follow(_ desk: PairDesk, _ transition: Transition) throws {
        let (_, new) = try desk.reached()
        guard let epoch = desk.standing.epoch else { throw EpochFault.contradiction }
        for side in Side.allCases { try desk.book(side)?.take(epoch) }
        if transition.acts.contains(.makeReverse), desk.table.strategy == .dualWrite { try waitUntilHeard(desk, epoch) }
        try desk.deriveGates()
        Failpoint.pass(.afterEpochCopied)
        for act in transition.acts {
            switch act {
            case .pauseDataB, .resumeDataB:
                guard !desk.plan.dataB.tables.isEmpty else { continue }
                let state = DataBState(new, desk.plan.dataB.stream)
                try state.install()
                try state.request(paused: act == .pauseDataB)
            case .removeReverse:
                try removeReverse(desk)
            case .removeTriggers: for thing in try desk.unfenceTables() { say("removed \(thing)") }
            case .makeReverse, .makeTriggers, .permit, .balance, .unbalance, .flip: continue
            }
        }
        try desk.readAgain()
    }

    /// What was made for a step that shall not be taken.
    func takeBack(_ desk: PairDesk, _ transition: Transition) throws {
        if transition.acts.contains(.makeReverse) {
            try removeReverse(desk)
        }
        if transition.acts.contains(.makeTriggers) { _ = try desk.unfenceTables() }
        for side in Side.allCases { try desk.book(side)?.set(intent: nil, by: by) }
    }

    /// Before anybody may write new: a stream that has not heard that twins are written would take each for a difference. Where
    /// nothing runs, nothing is applied either, and whoever starts reads the epoch first.
    private func waitUntilHeard(_ desk: PairDesk, _ epoch: Epoch) throws {
        let (old, new) = try desk.reached()
        let sides = [TargetSide(new, desk.plan.stream), TargetSide(old, desk.plan.stream.opposite)]
        for _ in 0..<100 {
            let have = try sides.allSatisfy { side in
                guard let status = try side.readStatus().flatMap({ StreamStatus.decode($0.text) }) else { return false }
                return status.state == .streaming && status.step == epoch.step.rawValue
            }
            if have || stop.wait(seconds: 0.2) { return }
        }
        say("the streams have not said yet that they have heard of \(epoch.step): `tandem status`")
    }

    // MARK: the stream back

    private func makeReverse(_ desk: PairDesk, then write: () throws -> Void) throws {
        let say = say
        let made = try ReverseStream(desk.plan, stop: stop) { say($0) }.make(then: write)
        if made { say("made \(desk.plan.stream.opposite): publication and slot on new, origin on old") }
    }

    /// The runner lets go of it as soon as it has read the step; it may be the one that removes it.
    private func removeReverse(_ desk: PairDesk) throws {
        let say = say
        for thing in try ReverseStream(desk.plan, stop: stop, say: { say($0) }).remove() { say("removed \(thing)") }
    }
}
