// What the pair's epoch asks of both its streams, shared by everything that one runner runs. Each session reads the epoch of
// both sides at its start and each second from then on, and notes it here; what holds is the higher of both. A side that
// cannot be reached changes nothing: a role is only ever changed by an epoch that was read.

package import Model
package import Protocol
internal import State
internal import Threading

package final class PairCourse: Sendable {
    private struct Known {
        var old: Epoch?
        var new: Epoch?
        var read: Set<Side> = []
        var areStreamsResting = false
        /// The newest epoch that was told.
        var told: Epoch?

        var standing: EpochStanding? { read.count == 2 ? EpochStanding(old: old, new: new) : nil }

        var row: StepRow? {
            guard let standing else { return nil }
            switch standing {
            case .contradiction: return nil
            case .none: return StepTable(.dualWrite)[.following]
            case .agreed(let epoch), .behind(let epoch, _): return epoch.row
            }
        }
    }

    private let known = Monitor(Known())

    package init() {}

    package func note(_ epoch: Epoch?, on side: Side) {
        known.change { known in
            if side == .old { known.old = epoch } else { known.new = epoch }
            known.read.insert(side)
        }
    }

    /// Nil until both sides were read once.
    package var standing: EpochStanding? { known.withLock { $0.standing } }

    /// The row of the step table that holds. Nil while that is not known; a pair without an epoch is followed.
    package var row: StepRow? { known.withLock { $0.row } }

    /// The epoch before and the one that holds now, when it has not been told yet: the first one is no news.
    func takeNews() -> (before: Epoch, now: Epoch)? {
        known.withLock { known in
            guard known.read.count == 2, let now = EpochStanding(old: known.old, new: known.new).epoch else {
                return nil
            }
            defer { known.told = now }
            guard let before = known.told, before.number < now.number else { return nil }
            return (before, now)
        }
    }

    /// The role of a stream whose runner may have to end; throws where it must not run at all. Nil while it is not known.
    func role(of plan: StreamPlan, until: Until?) throws -> StreamRole? {
        if case .contradiction? = standing {
            throw StateError.unsafe(
                "old and new contradict each other about where the pair stands", hint: "`tandem step` shows both")
        }
        guard let now = role(of: plan.stream.direction) else { return nil }
        guard until == nil || now == .apply else {
            throw StateError.refused(
                "`--until` is for a stream that applies, and at this step \(plan.stream) does not",
                hint: "`tandem run` without it runs both streams")
        }
        return now
    }

    package func role(of direction: Direction) -> StreamRole? { row?.role(of: direction) }

    /// All that a session and what runs beside it depend on.
    struct Manner: Equatable {
        let role: StreamRole?
        let truth: Side?
        /// Applications write both sides: what is not the same is made so there.
        let repaired: Side?
        /// With both rows locked.
        let repairLocks: Bool?
        let dataB: Direction?
    }

    func manner(of direction: Direction) -> Manner {
        let row = row
        return Manner(
            role: row?.role(of: direction), truth: row?.truth, repaired: row?.repaired,
            repairLocks: row?.repairLocks, dataB: row?.carriesDataB)
    }

    /// From where on the stream that reads that side applies, when the epoch says.
    package func position(on side: Side) -> ChargePosition? {
        guard let position = standing?.epoch?.position, position.side == side else { return nil }
        return position
    }

    package var strategy: Strategy? { standing?.epoch?.strategy }

    // MARK: rest

    /// An operator asked the streams to rest.
    var areStreamsResting: Bool {
        get { known.withLock { $0.areStreamsResting } }
        set { known.change { $0.areStreamsResting = newValue } }
    }

    /// Until the reverse stream is to do something else than `role` (nil: until it is known what), or the seconds are over, or
    /// `stop` was raised and then those who wait were woken.
    func waitForReverse(toChangeFrom role: StreamRole?, seconds: Double, stop: StopSignal) {
        _ = known.wait(seconds: seconds) { known -> Bool? in
            stop.isRaised || known.row?.role(of: .reverse) != role ? true : nil
        }
    }

    func wakeWaiting() { known.change { _ in } }
}
