// What holds at each step, as data: which modes instances may have, whose value is promised to users, what each stream does,
// which side is repaired. Both strategies are rows of the same table. Everything that acts asks here, so that the proofs
// over this table are proofs about the product. Pure.

package import Model

package struct StepRow: Sendable, Equatable {
    package let step: Step
    /// Modes that live instances may have.
    package let modes: Set<Mode>
    /// The side whose value is promised.
    package let truth: Side
    package let forward: StreamRole
    package let reverse: StreamRole
    /// The side on which a row that differs from its twin is written again; nil where no twins are written.
    package let repaired: Side?

    package func role(of direction: Direction) -> StreamRole { direction == .forward ? forward : reverse }

    /// Twins are written, nothing applies, and users read the side that may be wrong: whoever repairs there locks both rows.
    package var repairLocks: Bool { repaired != nil && forward != .apply && reverse != .apply }

    /// Whether a stream does the same here and there, with all that belongs to it: what it writes, which side it takes to be
    /// right, how it repairs.
    package func isSame(as other: StepRow, for direction: Direction) -> Bool {
        role(of: direction) == other.role(of: direction) && truth == other.truth && repaired == other.repaired
            && repairLocks == other.repairLocks
    }

    /// Batches of Data B run: as long as one side's jobs write it and the other one's do not.
    package var carriesDataB: Direction? {
        switch step {
        case .following: .forward
        case .detached: .reverse
        case .classifying, .derivedAtRest, .writingBoth, .writingStrictly, .readingNew: nil
        }
    }
}

package struct StepTable: Sendable {
    package let strategy: Strategy

    package init(_ strategy: Strategy) { self.strategy = strategy }

    package var rows: [StepRow] { strategy == .dualWrite ? Self.dualWrite : Self.pause }

    /// The strategy's own steps, in their order.
    package var steps: [Step] { rows.map(\.step) }

    /// Nil when the strategy has no such step.
    package subscript(_ step: Step) -> StepRow? { rows.first { $0.step == step } }

    package func next(after step: Step) -> Step? { steps.first { $0 > step } }

    package func previous(before step: Step) -> Step? { steps.last { $0 < step } }

    private static func row(
        _ step: Step, _ modes: Set<Mode>, _ truth: Side, _ forward: StreamRole, _ reverse: StreamRole,
        repaired: Side? = nil
    ) -> StepRow {
        StepRow(step: step, modes: modes, truth: truth, forward: forward, reverse: reverse, repaired: repaired)
    }

    private static let dualWrite = [
        row(.classifying, [.oldOnly], .old, .off, .off),
        row(.following, [.oldOnly], .old, .apply, .off),
        row(.derivedAtRest, [.oldOnly], .old, .apply, .off),
        row(.writingBoth, [.oldOnly, .bestEffort], .old, .apply, .watch, repaired: .new),
        row(.writingStrictly, [.bestEffort, .strict], .old, .apply, .watch, repaired: .new),
        row(.readingNew, [.strict, .strictReadingNew], .old, .watch, .watch, repaired: .new),
        row(.detached, [.strictReadingNew, .newOnly], .new, .watch, .apply, repaired: .old),
    ]

    /// Step 2 already has the reverse stream: nobody writes new yet, so it watches, and is known to work before it is needed.
    private static let pause = [
        row(.classifying, [.oldOnly], .old, .off, .off),
        row(.following, [.oldOnly], .old, .apply, .off),
        row(.derivedAtRest, [.oldOnly], .old, .apply, .watch),
        row(.detached, [.newOnly], .new, .watch, .apply),
    ]
}
