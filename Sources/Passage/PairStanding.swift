// Where a pair stands, by what both sides say. Of two different rows the higher one counts; without any, a stream that is bound
// means step 1. A pure value, read once.

package import Model
package import Postgres
package import Protocol
package import State
package import Stream

package struct PairStanding: Sendable, Equatable {
    package let epoch: Epoch?
    /// The side whose row is missing or older.
    package let lagging: Side?
    /// What was begun and is not done, by either side's word.
    package let intent: Intent?
    /// New follows, or has begun to.
    package let isBound: Bool
    package let strategy: Strategy

    init(epoch: Epoch?, lagging: Side?, intent: Intent?, isBound: Bool, strategy: Strategy) {
        (self.epoch, self.lagging, self.intent, self.isBound, self.strategy) = (
            epoch, lagging, intent, isBound, strategy
        )
    }

    package init(old: Connection?, new: Connection?, _ plan: StreamPlan, configured: Strategy) throws {
        let (oldBook, newBook) = (old.map { EpochBook($0, plan.stream) }, new.map { EpochBook($0, plan.stream) })
        let (ofOld, ofNew) = (try oldBook?.read(), try newBook?.read())
        let both = EpochStanding(old: ofOld, new: ofNew)
        if case .contradiction = both { throw EpochFault.contradiction }
        epoch = both.epoch
        // A side that was not asked does not lag.
        lagging = if case .behind(_, let side) = both, (side == .old ? old : new) != nil { side } else { nil }
        intent = try oldBook?.intent() ?? newBook?.intent()
        isBound = try new.map { try TargetSide($0, plan.stream).binding() != nil } ?? (ofOld != nil)
        // Until step 2 the configuration may still change its mind.
        let settled = both.epoch.map { $0.step >= .derivedAtRest } ?? false
        strategy = settled ? both.epoch?.strategy ?? configured : configured
    }

    package var step: Step { epoch?.step ?? (isBound ? .following : .classifying) }

    package var row: StepRow? { StepTable(strategy)[step] }

    func transition(_ intent: Intent) -> Transition? {
        StepTable(strategy).transition(from: intent.from, to: intent.to)
    }

    package var truth: Side { epoch?.truth ?? .old }
}
