// A side that came back as another server: a dump that was restored, a pg_upgrade. It must be that side's own database, with the
// schema that was last seen, and not older than what the other side has of it when it is the one in charge; then what a lost slot
// needs is what it needs, and the epoch says which server it is from then on. The side that is not in charge is compared and made
// equal, and the stream that watches is made afresh; where applications write both sides, `Levelling` does that.

package import Configuration
internal import Evidence
package import Model
internal import Postgres
internal import Protocol
internal import State
package import Stream
package import Threading
package import Verification

package final class Adoption {
    private let side: Side
    private let acceptsLoss: Bool
    private let desk: PairDesk
    private let stop: StopSignal
    private let say: @Sendable (String) -> Void

    /// `acceptsLoss`: the side in charge may be older than what the other one has of it.
    package init(
        _ side: Side, acceptsLoss: Bool, _ configuration: Configuration, _ plan: StreamPlan, stop: StopSignal,
        say: @escaping @Sendable (String) -> Void
    ) throws {
        self.side = side
        self.acceptsLoss = acceptsLoss
        self.stop = stop
        self.say = say
        desk = try PairDesk(configuration, plan, as: "adopt", stop: stop)
    }

    /// Of the stream that applies.
    package var plan: StreamPlan { desk.planInCharge }

    /// The identifier on record, and the one it has.
    package func check() throws -> (known: String, now: String) {
        let (old, new) = try desk.reached()
        try desk.lock()
        guard let epoch = desk.standing.epoch, let row = desk.standing.row else {
            throw StateError.notPrepared(pair: desk.plan.pair)
        }
        guard row.forward != .off else { throw StateError.notPrepared(pair: desk.plan.pair) }
        guard let book = desk.book(side), let now = try book.system() else {
            throw StateError.refused(
                "tandem's role may not ask \(side.rawValue) which server it is",
                hint: "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() to it")
        }
        guard let known = epoch.systems[side] else {
            throw StateError.refused(
                "which server \(side.rawValue) was is not on record", hint: "`tandem resync` makes new level again")
        }
        guard known != now else {
            throw StateError.refused(
                "\(side.rawValue) is the server it was (\(now)): there is nothing to take in",
                hint: "when its slot is lost, or it was set back: `tandem resync`")
        }
        for other in Side.allCases where other != side {
            guard let there = epoch.systems[other], let present = try desk.book(other)?.system(), there != present
            else {
                continue
            }
            throw StateError.unsafe(
                "\(other.rawValue) is another server as well (\(present), was \(there))",
                hint: "one at a time: point one of the addresses back; otherwise `tandem abort` and begin again")
        }
        guard try book.read() != nil else {
            throw StateError.unsafe(
                "\(side.rawValue) has nothing of pair \(desk.plan.pair) in it: it is not that side's database",
                hint:
                    "does its address point elsewhere? A side that was lost whole cannot be taken in: `tandem abort`, and begin again"
            )
        }
        try CarriedSchema.refuseChanged(desk.plan, old: old, new: new, accepts: false)
        if side == epoch.truth, !acceptsLoss { try refuseOlder(old: old, new: new) }
        return (known, now)
    }

    /// The heartbeat that the side in charge has written last, and the last one that came from it.
    private func refuseOlder(old: Connection, new: Connection) throws {
        let stream = desk.planInCharge.stream
        let (source, target) = side == .old ? (old, new) : (new, old)
        guard let came = try TargetSide(target, stream).lastBeat() else { return }
        let written = try SourceSide(source, stream).lastBeat()
        if let written, written.number >= came.number { return }
        let since = written.map { " by \(Int((came.at - $0.at).rounded(.up))) s" } ?? ""
        throw StateError.unsafe(
            "\(side.rawValue) is older\(since) than what \(side.other.rawValue) has of it: what was committed in between is on"
                + " \(side.other.rawValue) alone, and would be undone there",
            hint:
                "restore it to a later moment; or save from \(side.other.rawValue) what counts, and take it in as it is with"
                + " --accept-loss")
    }

    /// After `check`: what `adopt` would do, in words that follow `would`. Throws what it would be refused for.
    package func preview() throws -> [String] {
        guard let row = desk.standing.row else { throw StateError.notPrepared(pair: desk.plan.pair) }
        let plan = desk.planInCharge
        let (source, target) = (plan.stream.source, plan.stream.target)
        let tables = try Resynchronization(plan, adopting: side, stop: stop, say: say) { _ in }.preview()
        var acts: [String] = []
        if row.reverse != .off { acts.append("put triggers and gates of both sides right") }
        if levelling != nil { acts.append("shut the gate of \(target.rawValue) to applications until it is equal") }
        acts.append("make slot \(plan.stream) again on \(source.rawValue)")
        acts.append(
            "compare \(tables) table\(tables == 1 ? "" : "s") with what that shows, and make rows of \(target.rawValue) equal"
        )
        if row.forward == .watch || row.reverse != .off {
            acts.append("make \(plan.stream.opposite) again, which only watches")
        }
        acts.append("write down on both sides which server \(side.rawValue) is")
        return acts
    }

    /// After `check`, and before it is done: what applications will notice.
    package var noticed: String? { levelling?.noticed }

    private var levelling: Levelling? { Levelling(desk, stop: stop, say: say) }

    /// After `check`.
    package func adopt(
        progress: @escaping (PairVerification.Progress) -> Void
    ) throws -> Resynchronization.Outcome {
        guard let epoch = desk.standing.epoch, let row = desk.standing.row else {
            throw StateError.notPrepared(pair: desk.plan.pair)
        }
        try hold(row, epoch)
        if let levelling {
            return try levelling.level(adopting: side, progress: progress) { try record(epoch) }
        }
        let outcome = try Resynchronization(
            desk.planInCharge, adopting: side, stop: stop, say: say, progress: progress
        ).run()
        if row.forward == .watch {
            try ForwardWatch(desk.plan, stop: stop, say: say).make()
            try record(epoch)
        } else if row.reverse == .off {
            try record(epoch)
        } else {
            let reverse = ReverseStream(desk.plan, stop: stop, say: say)
            try reverse.remove()
            try reverse.make { try record(epoch) }
        }
        return outcome
    }

    /// Which servers they are now, as the next epoch.
    private func record(_ epoch: Epoch) throws {
        let actor = Actor.current
        let next = Epoch(
            number: epoch.number + 1, step: epoch.step, strategy: epoch.strategy, truth: epoch.truth,
            // A position of a server that is gone is none of the one that came.
            position: epoch.position?.side == side ? nil : epoch.position,
            systems: SystemPair(old: try desk.book(.old)?.system(), new: try desk.book(.new)?.system()), since: "",
            by: "\(actor.name) on \(actor.host), tandem adopt")
        guard let written = try desk.book(epoch.truth)?.commit(next: next) else { return }
        for side in Side.allCases where side != epoch.truth { try desk.book(side)?.take(written) }
    }

    /// What the side brought along may be older than what the other one knows: nobody writes there who must not.
    private func hold(_ row: StepRow, _ epoch: Epoch) throws {
        for side in Side.allCases { try desk.book(side)?.take(epoch) }
        guard row.reverse != .off else { return }
        let say = say
        _ = try desk.fenceTables { say($0) }
        try desk.deriveGates()
    }
}
