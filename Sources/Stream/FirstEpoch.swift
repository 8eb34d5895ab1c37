// The first row that says where a pair stands. A stream that is bound, by this version or by one that kept no such row, is at
// step 1: whoever starts it writes that down. What one side has and the other has not is copied.

internal import Evidence
internal import Model
internal import Postgres
internal import Protocol
internal import State

struct FirstEpoch {
    private let plan: StreamPlan
    private let old: EpochBook
    private let new: EpochBook

    init(_ plan: StreamPlan, old: Connection, new: Connection) {
        self.plan = plan
        self.old = EpochBook(old, plan.stream)
        self.new = EpochBook(new, plan.stream)
    }

    /// The stream is bound.
    func ensure() throws {
        try old.install()
        try new.install()
        switch EpochStanding(old: try old.read(), new: try new.read()) {
        case .agreed: return
        case .behind(let epoch, let side): try (side == .old ? old : new).take(epoch)
        case .contradiction: throw Self.contradiction
        case .none:
            let actor = Actor.current
            let first = try old.commit(
                next: Epoch(
                    number: 1, step: .following, strategy: plan.strategy, truth: .old,
                    systems: SystemPair(old: try old.system(), new: try new.system()), since: "",
                    by: "\(actor.name) on \(actor.host), tandem run"))
            try new.take(first)
        }
    }

    static let contradiction = StateError.unsafe(
        "old and new say different things about where the pair stands, under the same number",
        hint: "was one of them restored from a backup? `tandem step` shows both")
}
