// What a command that moves pairs has found to be done, before it does it: a transition for those that stand together, the rest
// of one that was interrupted, or the undoing of one that was begun and shall not be. Decided by a pure function of where the
// pairs stand.

package import Model
package import Protocol
internal import State

package enum Way: String, Sendable {
    case advance, back

    package var opposite: Way { self == .advance ? .back : .advance }
}

package enum Crossing: Sendable, Equatable {
    /// By their places in the configuration.
    case transition(Transition, pairs: [Int])
    /// It was committed for some pair, and is carried to its end for all: what is there is not undone.
    case completion(Transition, pairs: [Int])
    /// It was begun the other way, and committed nowhere.
    case undoing(Transition, pairs: [Int])

    package var transition: Transition {
        switch self {
        case .transition(let transition, _), .completion(let transition, _), .undoing(let transition, _): transition
        }
    }

    package var pairs: [Int] {
        switch self {
        case .transition(_, let pairs), .completion(_, let pairs), .undoing(_, let pairs): pairs
        }
    }

    /// Where `standings` are those of all pairs.
    package static func find(_ way: Way, _ standings: [PairStanding]) throws(CrossingRefusal) -> Crossing {
        guard let strategy = standings.first?.strategy, standings.allSatisfy({ $0.strategy == strategy }) else {
            throw .strategies
        }
        let table = StepTable(strategy)
        if let begun = try interrupted(way, standings, table) { return begun }
        let steps = standings.map(\.step)
        guard let lowest = steps.min(), let highest = steps.max() else { throw .strategies }
        // A pair that came later, or that was left behind, goes first.
        let from = way == .advance ? lowest : highest
        let pairs = standings.indices.filter { standings[$0].step == from }
        guard let transition = way == .advance ? table.advance(from: from) : table.back(from: from) else {
            throw .noWay(way, from)
        }
        return .transition(transition, pairs: Array(pairs))
    }

    private static func interrupted(
        _ way: Way, _ standings: [PairStanding], _ table: StepTable
    ) throws(CrossingRefusal) -> Crossing? {
        let begun = standings.indices.filter { standings[$0].intent != nil }
        guard let intent = begun.compactMap({ standings[$0].intent }).first else { return nil }
        let (from, target) = (intent.from, intent.to)
        guard begun.allSatisfy({ standings[$0].intent?.from == from && standings[$0].intent?.to == target }),
            let transition = table.transition(from: from, to: target)
        else { throw .entangled }
        let left = begun.filter { standings[$0].step != target }
        guard left.allSatisfy({ standings[$0].step == from }) else { throw .entangled }
        if left.count < begun.count { return .completion(transition, pairs: Array(begun)) }
        let goesOn = transition.isForward == (way == .advance)
        return goesOn ? .transition(transition, pairs: Array(begun)) : .undoing(transition, pairs: Array(begun))
    }
}

package enum CrossingRefusal: Explained, Equatable {
    case noWay(Way, Step)
    case strategies
    case entangled

    package var description: String {
        switch self {
        case .noWay(.advance, let step): "\(step) is the last one"
        case .noWay(.back, let step): "there is no step before \(step) to go back to"
        case .strategies: "the pairs go by different strategies"
        case .entangled: "the pairs were interrupted in different transitions"
        }
    }

    package var hint: String? {
        switch self {
        case .noWay(.advance, _): "`tandem finish` ends the migration; `tandem back` goes back"
        case .noWay(.back, _): "`tandem abort` ends it and leaves nothing behind; `tandem advance` goes on"
        case .strategies: "one pair is past step 1 already: set `strategy` to what it began with"
        case .entangled: "`tandem step` shows each; with `--pair` one at a time"
        }
    }

    package var exitCode: ExitCode { .refused }
}
