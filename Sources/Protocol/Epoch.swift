// One row says where a pair stands; both sides have it. The side that gives truth up commits the next one first, then it is
// copied: whoever finds two takes the higher and completes. Pure.

package import Model

/// Where a stream that begins to apply starts: a commit's end on one server, and which server that is.
package struct ChargePosition: Sendable, Equatable {
    package let side: Side
    package let end: LSN
    package let systemIdentifier: String
    package let timeline: Int

    package init(side: Side, end: LSN, systemIdentifier: String, timeline: Int) {
        self.side = side
        self.end = end
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
    }
}

/// Which servers the two sides are, by their system identifiers; nil where tandem's role may not ask.
package struct SystemPair: Sendable, Equatable {
    package var old: String?
    package var new: String?

    package init(old: String? = nil, new: String? = nil) {
        self.old = old
        self.new = new
    }

    package subscript(_ side: Side) -> String? { side == .old ? old : new }
}

package struct Epoch: Sendable, Equatable {
    /// Grows by one with every transition.
    package let number: Int
    package let step: Step
    package let strategy: Strategy
    package let truth: Side
    /// P: from where on the stream that applies since this epoch does so. Nil where nothing began to apply.
    package let position: ChargePosition?
    package let systems: SystemPair
    /// When it was committed, as the server that committed it first wrote it: ISO 8601 in UTC.
    package let since: String
    /// Who: user, host, command.
    package let by: String

    package init(
        number: Int, step: Step, strategy: Strategy, truth: Side, position: ChargePosition? = nil,
        systems: SystemPair = SystemPair(), since: String, by: String
    ) {
        self.systems = systems
        self.number = number
        self.step = step
        self.strategy = strategy
        self.truth = truth
        self.position = position
        self.since = since
        self.by = by
    }

    /// The row of the step table that holds now; nil when the strategy has no such step.
    package var row: StepRow? { StepTable(strategy)[step] }
}

/// What both sides say, taken together.
package enum EpochStanding: Sendable, Equatable {
    /// Neither has a row.
    case none
    /// Both have the same one.
    case agreed(Epoch)
    /// One side has a newer one: a transition was interrupted after its commit, and has to be completed there.
    case behind(Epoch, side: Side)
    /// The same number for different states: not something tandem writes.
    case contradiction(old: Epoch, new: Epoch)

    package init(old: Epoch?, new: Epoch?) {
        switch (old, new) {
        case (nil, nil): self = .none
        case (let old?, nil): self = .behind(old, side: .new)
        case (nil, let new?): self = .behind(new, side: .old)
        case (let old?, let new?):
            if old == new {
                self = .agreed(old)
            } else if old.number == new.number {
                self = .contradiction(old: old, new: new)
            } else {
                self = old.number > new.number ? .behind(old, side: .new) : .behind(new, side: .old)
            }
        }
    }

    /// What holds; nil when there is no row, or no telling.
    package var epoch: Epoch? {
        switch self {
        case .none, .contradiction: nil
        case .agreed(let epoch), .behind(let epoch, _): epoch
        }
    }
}
