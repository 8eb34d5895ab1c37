// The side that is not in charge made equal to the other one while applications write both (steps 3 to 6 of `dual-write`). They are
// refused on that side for as long as it takes. First the gate shuts, then the watching stream gets another slot, which waits for
// whoever had passed the gate; only then the other slot is made, in whose snapshot everything is compared. So nobody writes what is
// compared, a transaction that was under way on the side in charge is in the snapshot, and whatever comes later is seen by one
// stream or the other.

package import Configuration
internal import Fence
package import Model
internal import Protocol
internal import State
package import Stream
package import Threading
package import Verification

package struct Levelling {
    private let desk: PairDesk
    private let row: StepRow
    private let epoch: Epoch
    private let stop: StopSignal
    private let say: @Sendable (String) -> Void

    /// Nil where nobody writes the side that is made equal.
    init?(_ desk: PairDesk, stop: StopSignal, say: @escaping @Sendable (String) -> Void) {
        guard let row = desk.standing.row, row.repaired != nil, let epoch = desk.standing.epoch else { return nil }
        (self.desk, self.row, self.epoch, self.stop, self.say) = (desk, row, epoch, stop, say)
    }

    /// For a slot that was lost, with both sides what they were. Holds the pair's lock; nil where nobody writes that side.
    package init?(
        _ configuration: Configuration, _ plan: StreamPlan, stop: StopSignal, say: @escaping @Sendable (String) -> Void
    ) throws {
        let desk = try PairDesk(configuration, plan, as: "resync", stop: stop)
        _ = try desk.reached()
        guard desk.standing.row?.repaired != nil else { return nil }
        try desk.lock()
        self.init(desk, stop: stop, say: say)
    }

    private var follower: Side { row.truth.other }

    /// What applications will notice.
    package var noticed: String {
        func listed(_ isMeant: (Mode) -> Bool) -> String {
            let modes = row.modes.filter { $0.writes(follower) && isMeant($0) }.map(\.rawValue).sorted()
            return modes.map(String.init).joined(separator: " and ")
        }
        let (failing, going) = (listed { $0 != .bestEffort }, listed { $0 == .bestEffort })
        let parts = [
            failing.isEmpty ? nil : "writes in mode \(failing) fail",
            going.isEmpty ? nil : "mode \(going) goes on without it",
        ]
        return "applications are refused on \(follower.rawValue) (25006) until that is done: "
            + parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// Killed in between, the gate stays shut until the command is repeated.
    package func level(
        adopting side: Side? = nil, progress: @escaping (PairVerification.Progress) -> Void,
        then record: () throws -> Void = {}
    ) throws -> Resynchronization.Outcome {
        let resynchronization = Resynchronization(
            desk.planInCharge, adopting: side, copiesAgain: false, stop: stop, say: say, progress: progress)
        _ = try resynchronization.preview()
        try shut()
        do {
            if follower == .new {
                let reverse = ReverseStream(desk.plan, stop: stop, say: say)
                try reverse.remove(isUnread: true)
                try reverse.make()
            } else {
                try ForwardWatch(desk.plan, stop: stop, say: say).make()
            }
            let outcome = try resynchronization.run()
            try record()
            try desk.deriveGates()
            return outcome
        } catch {
            // Users read new at step 5, and what they write by it must not be wrong.
            if epoch.step == .readingNew {
                say("\(follower.rawValue) stays shut to applications until the same command has been repeated")
            } else {
                for side in Side.allCases {
                    try? desk.afresh(side, seconds: 5) { connection in
                        try FenceGate(connection, desk.plan.stream, on: side).derive()
                    }
                }
            }
            throw error
        }
    }

    private func shut() throws {
        guard let connection = desk.connection(follower) else { throw StateError.notPrepared(pair: desk.plan.pair) }
        let gate = FenceGate(connection, desk.plan.stream, on: follower)
        try gate.set(
            WriterGate(
                epoch: epoch.number, step: epoch.step, modes: [], takesUndeclared: false,
                isSealed: try gate.read()?.isSealed ?? false))
    }
}
