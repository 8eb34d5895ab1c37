// A fenced transition as a list of acts, made from the two rows of the step table between which it goes: what both sides go
// through while writers are held back. One list for all of them: the switch and the switch back, balance and unbalance, flip and
// flip back. Everything before the commit undoes itself; everything after it is only ever completed. Pure.

package import Model

package enum FencedAct: Sendable, Equatable {
    /// The operator's hook holds clients, where a pooler stands between.
    case hold
    /// The lock of this side, alone.
    case fence(Side)
    /// What is written here meanwhile makes those with an older snapshot try again.
    case seal(Side)
    /// Every table has its trigger, nobody writes past it, everything is copied.
    case recheck
    /// A mark on the stream's source, which it halts at or passes.
    case mark(Direction, halts: Bool)
    /// That mark has passed, and what came before it is durable on the target: applied, or, where a stream watches, settled and
    /// repaired, because a watch records a mark no sooner.
    case drain(Direction, halts: Bool)
    /// Ids that one side gave out are not given out by the other.
    case sequences(from: Side, to: Side)
    /// A mark that this stream halts at, and where its transaction ends: it applies from there.
    case position(Direction)
    /// The next epoch, in the session that has the fence, with its gate.
    case commit(Side)
    /// The other side has the epoch, and its gate by it; whoever waited there goes on.
    case open(Side)
    /// The operator's hook lets clients go, to where they belong now.
    case release
}

package struct FencedPlan: Sendable, Equatable {
    package let acts: [FencedAct]
    /// In charge until the commit, which is made there.
    package let giver: Side
    package let movesCharge: Bool

    package var taker: Side { giver.other }

    /// Up to, and not including, the commit.
    package var before: [FencedAct] { Array(acts.prefix { $0 != .commit(giver) }) }

    /// Nil when the table has no such steps, or nothing is to be fenced.
    package init?(_ transition: Transition, _ table: StepTable) {
        guard transition.isFenced, let from = table[transition.from], let to = table[transition.to] else { return nil }
        giver = from.truth
        movesCharge = from.truth != to.truth
        let there = Direction.allCases.filter { from.role(of: $0) != .off }
        /// What it does from then on it must not do before it knows that the step is taken. With strategy `pause` a watch
        /// repairs nothing, whichever side is right.
        func stops(_ direction: Direction) -> Bool {
            from.repaired == nil && to.repaired == nil
                ? from.role(of: direction) == .apply && to.role(of: direction) != .apply
                : !from.isSame(as: to, for: direction) && !begins(direction)
        }
        func begins(_ direction: Direction) -> Bool {
            from.role(of: direction) != .apply && to.role(of: direction) == .apply
        }
        let written = Side.allCases.filter { side in
            from.repaired == side || there.contains { from.role(of: $0) == .apply && $0.target == side }
        }
        var acts: [FencedAct] = movesCharge ? [.hold] : []
        acts += [.fence(.old), .fence(.new)]
        acts += written.map { .seal($0) }
        acts.append(.recheck)
        // Where twins are repaired, that takes an applying stream which goes on: so everything settles first, and only then does
        // anything halt.
        if from.repaired != nil {
            acts += there.map { .mark($0, halts: false) }
            acts += there.map { .drain($0, halts: false) }
        }
        let marked = from.repaired == nil ? there : there.filter(stops)
        acts += marked.map { .mark($0, halts: stops($0)) }
        acts += marked.map { .drain($0, halts: stops($0)) }
        if movesCharge { acts.append(.sequences(from: from.truth, to: to.truth)) }
        acts += there.filter(begins).map { .position($0) }
        acts += [.recheck, .commit(from.truth), .open(from.truth.other)]
        if movesCharge { acts.append(.release) }
        self.acts = acts
    }
}
