// From one step to its neighbour: what must hold, what is done, and whether it takes the fence. Data, for both strategies; the
// product carries it out. Pure.

internal import Model

/// What tandem changes, in the order of the list.
package enum Act: String, Sendable, CaseIterable {
    case pauseDataB, resumeDataB
    case makeReverse, removeReverse
    case makeTriggers, removeTriggers
    case permit
    /// Forward has drained and stops applying.
    case balance
    /// Forward applies again.
    case unbalance
    /// Truth goes to the other side.
    case flip

    package var inWords: String {
        switch self {
        case .pauseDataB: "batches of Data B rest"
        case .resumeDataB: "batches of Data B go on"
        case .makeReverse: "the reverse stream is made: publication and slot on new, origin on old"
        case .removeReverse: "the reverse stream is removed: publication and slot on new, origin on old"
        case .makeTriggers: "triggers are made on both sides"
        case .removeTriggers: "triggers are removed from both sides"
        case .permit: "the next mode is permitted"
        case .balance: "forward drains under the fence and only watches from then on"
        case .unbalance: "forward applies again, from a position taken under the fence"
        case .flip: "under the fence the other side comes into charge, and what it takes is carried to this one"
        }
    }
}

package struct Transition: Sendable, Equatable {
    package let from: Step
    package let to: Step
    package let gates: [Gate]
    package let acts: [Act]
    /// Writers on both sides are held while it is done.
    package let isFenced: Bool

    package var isForward: Bool { from < to }
}

extension StepTable {
    package var transitions: [Transition] { strategy == .dualWrite ? Self.dualWriteTransitions : Self.pauseTransitions }

    package func transition(from: Step, to: Step) -> Transition? {
        transitions.first { $0.from == from && $0.to == to }
    }

    /// Nil where there is no next step; from the last one `finish` leads on.
    package func advance(from step: Step) -> Transition? { transitions.first { $0.from == step && $0.isForward } }

    /// Nil where there is no way back but `abort`.
    package func back(from step: Step) -> Transition? { transitions.first { $0.from == step && !$0.isForward } }

    /// Everything that lies ahead of `step`, in order.
    package func ahead(of step: Step) -> [Transition] { transitions.filter { $0.isForward && $0.from >= step } }

    /// Modes that live instances may have while it happens: those that both its steps allow.
    package func modes(during transition: Transition) -> Set<Mode> {
        (self[transition.from]?.modes ?? []).intersection(self[transition.to]?.modes ?? [])
    }

    /// Whose value is promised changes, or which stream applies does: what restore points are for.
    package func changesCharge(_ transition: Transition) -> Bool {
        guard let from = self[transition.from], let to = self[transition.to] else { return false }
        return from.truth != to.truth || (from.step > .classifying && from.forward != to.forward)
    }

    private static func go(
        _ from: Step, _ to: Step, _ gates: [Gate], _ acts: [Act], isFenced: Bool = false
    ) -> Transition {
        Transition(from: from, to: to, gates: gates, acts: acts, isFenced: isFenced)
    }

    private static let first = go(.classifying, .following, [.decided, .preflight], [])
    private static let toRest: [Gate] = [.decided, .schema, .copy, .stream, .dataB]

    private static let dualWriteTransitions: [Transition] = [
        first,
        go(.following, .derivedAtRest, toRest, [.pauseDataB]),
        go(
            .derivedAtRest, .writingBoth, [.schema, .copy, .stream, .lag, .verified, .keys, .rehearsed],
            [.makeReverse, .makeTriggers, .permit]),
        go(.writingBoth, .writingStrictly, [.stream, .census], [.permit]),
        go(
            .writingStrictly, .readingNew,
            [.schema, .stream, .lag, .verified, .statistics, .standbys, .census, .canary, .rehearsed],
            [.balance, .permit], isFenced: true),
        go(
            .readingNew, .detached, [.schema, .stream, .verified, .sequences, .rollback, .standbys, .census, .canary],
            [.flip, .permit], isFenced: true),
        go(
            .detached, .readingNew, [.schema, .stream, .lag, .dataB, .sequences, .standbys, .census],
            [.flip, .permit], isFenced: true),
        go(
            .readingNew, .writingStrictly, [.stream, .standbys, .census], [.unbalance, .permit], isFenced: true),
        go(.writingStrictly, .writingBoth, [.census], [.permit]),
        go(
            .writingBoth, .derivedAtRest, [.standbys, .census], [.removeTriggers, .removeReverse, .permit],
            isFenced: true),
        go(.derivedAtRest, .following, [], [.resumeDataB]),
    ]

    private static let pauseTransitions: [Transition] = [
        first,
        go(
            .following, .derivedAtRest, toRest, [.pauseDataB, .makeReverse, .makeTriggers]),
        go(
            .derivedAtRest, .detached,
            [
                .schema, .copy, .stream, .lag, .verified, .dataB, .statistics, .rollback, .standbys, .canary,
                .rehearsed,
            ], [.flip], isFenced: true),
        go(
            .detached, .derivedAtRest, [.schema, .stream, .lag, .verified, .dataB, .rollback, .standbys], [.flip],
            isFenced: true),
        go(.derivedAtRest, .following, [], [.removeTriggers, .removeReverse, .resumeDataB]),
    ]
}
