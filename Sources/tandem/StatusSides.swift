// The connections that `status` looks through: made for one look, or kept from one to the next.

internal import Postgres
internal import Stream

struct StatusSides {
    private let plan: StreamPlan
    private let name: String
    private(set) var old: Reached
    private(set) var new: Reached

    init(_ plan: StreamPlan, as purpose: String) {
        self.plan = plan
        name = "\(plan.stream) \(purpose)"
        old = Reached(plan.source, as: name)
        new = Reached(plan.target, as: name)
    }

    mutating func renewBroken() {
        if old.connection?.isBroken ?? true { old = Reached(plan.source, as: name) }
        if new.connection?.isBroken ?? true { new = Reached(plan.target, as: name) }
    }
}
