// Whether going back would work just now, and why, in one line; and how long either side may stay away before a slot holds more
// log than it may. For `status`, from what the databases say.

package import Lag
package import Model
package import Protocol
package import State

package struct RollbackOutlook: Sendable, Equatable {
    package let isAvailable: Bool
    package let because: String

    package init(_ isAvailable: Bool, _ because: String) {
        (self.isAvailable, self.because) = (isAvailable, because)
    }

    /// `back` is the stream that would have to bring along, or has brought along, what the side in charge writes; nil where the
    /// step has none, or a side, `unreached`, cannot be reached. `slot` is that stream's.
    package init(
        _ step: Step, _ strategy: Strategy, back: LagReading?, slot: SlotState?, unreached: Side? = nil
    ) {
        switch step {
        case .classifying: self.init(true, "nothing has begun")
        case .following: self.init(true, "old is in charge; `tandem abort` takes everything away")
        case .derivedAtRest where strategy == .dualWrite:
            self.init(true, "old is in charge; `tandem back` lets Data B go on")
        case .derivedAtRest:
            let ready = Self.readiness(back, slot, unreached)
            self.init(
                true,
                "old is in charge; once new were, the way back would "
                    + (ready.isAvailable ? "be there: \(ready.because)" : "be missing: \(ready.because)"))
        case .writingBoth, .writingStrictly, .readingNew:
            let ready = Self.readiness(back, slot, unreached)
            self.init(ready.isAvailable, (ready.isAvailable ? "old is in charge, and " : "") + ready.because)
        case .detached: self = Self.readiness(back, slot, unreached)
        }
    }

    private static func readiness(
        _ back: LagReading?, _ slot: SlotState?, _ unreached: Side?
    ) -> RollbackOutlook {
        guard let back else {
            return RollbackOutlook(false, "\(unreached?.rawValue ?? "a side") cannot be reached")
        }
        guard let slot else { return RollbackOutlook(false, "new has no slot of the stream back") }
        if slot.isInvalid { return RollbackOutlook(false, "the slot of the stream back is lost") }
        if back.report.isOverLimit {
            return RollbackOutlook(false, "the slot of the stream back holds more log than `limits.wal_held`")
        }
        guard back.isRunning, let status = back.status else {
            return RollbackOutlook(false, "nothing runs the stream back; its slot has all of it: `tandem run` goes on")
        }
        guard status.state == .streaming else {
            return RollbackOutlook(false, "the stream back is \(status.state.rawValue)")
        }
        return RollbackOutlook(true, "the stream back runs")
    }
}
