// The first row that says where a pair stands. A stream that is bound, by this version or by one that kept no such row, is at
// step 1: whoever starts it writes that down. What one side has and the other has not is copied.

internal import Evidence
internal import Model
package import Postgres
internal import Protocol
internal import State

package struct FirstEpoch {
    private let plan: StreamPlan
    private let old: EpochBook
    private let new: EpochBook
    private let by: String

    /// `by`: on whose behalf; the runner's when nothing is said.
    package init(_ plan: StreamPlan, old: Connection, new: Connection, by: String? = nil) {
        self.plan = plan
        let actor = Actor.current
        self.by = by ?? "\(actor.name) on \(actor.host), tandem run"
        self.old = EpochBook(old, plan.stream)
        self.new = EpochBook(new, plan.stream)
    }

    /// The stream is bound.
    package func ensure() throws {
        try old.install()
        try new.install()
        switch EpochStanding(old: try old.read(), new: try new.read()) {
        case .agreed: return
        case .behind(let epoch, let side): try (side == .old ? old : new).take(epoch)
        case .contradiction: throw EpochFault.contradiction
        case .none:
            let first = try old.commit(
                next: Epoch(
                    number: 1, step: .following, strategy: plan.strategy, truth: .old,
                    systems: SystemPair(old: try old.system(), new: try new.system()), since: "",
                    by: by))
            try new.take(first)
        }
    }
}
