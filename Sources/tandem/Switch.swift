// `tandem switch`, forward and back: the transition of strategy `pause` in which the sides change places, and no other.

internal import CommandLine
internal import Model
internal import Passage
internal import Protocol
internal import State

func switchSides(_ arguments: Parsed) throws -> ExitCode {
    let way: Way = arguments.has("back") ? .back : .advance
    return try move(way, arguments, as: way == .back ? "switch --back" : "switch") { passage in
        let standings = passage.desks.map(\.standing)
        guard standings.allSatisfy({ $0.strategy == .pause }) else {
            throw StateError.refused(
                "`tandem switch` is for strategy `pause`, where applications know of one database at a time",
                hint: "with `dual-write` it is `tandem advance` and `tandem back`, step by step")
        }
        let side: Side = way == .advance ? .new : .old
        if standings.allSatisfy({ $0.truth == side && $0.intent == nil && $0.lagging == nil }) {
            return "\(side.rawValue) is in charge already"
        }
        return nil
    } allows: { crossing in
        let transition = crossing.transition
        guard !transition.isFenced else { return }
        throw StateError.refused(
            "the sides change places from step 2, and this would be step \(transition.from.rawValue) to"
                + " \(transition.to.rawValue)",
            hint: way == .advance ? "`tandem advance` leads there" : "`tandem back` leads on")
    }
}
