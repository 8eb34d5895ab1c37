// What one sequence is and where it stands, and whether one position is beyond another. Pure values.

internal import Model

struct SequenceState: Sendable, Equatable {
    struct Position: Sendable, Equatable {
        let value: Int64
        /// Whether the value was given out; if not, it is the next one.
        let isCalled: Bool
    }

    let name: QualifiedName
    let type: String
    let start: Int64
    let increment: Int64
    let minimum: Int64
    let maximum: Int64
    let cycles: Bool
    /// nil when the role may not read it.
    var position: Position?
    let mayWrite: Bool

    /// How it makes its values; START and CACHE do not matter to one that goes on elsewhere.
    func isMadeLike(_ other: SequenceState) -> Bool {
        type == other.type && increment == other.increment && minimum == other.minimum && maximum == other.maximum
            && cycles == other.cycles
    }

    func holds(_ position: Position) -> Bool { (minimum...maximum).contains(position.value) }

    /// Whether going from `here` to `there` gives out nothing again that was given out. One that nobody has used yet may
    /// go anywhere, and so may one that goes round in circles, which repeats itself anyway.
    func mayMove(from here: Position, to there: Position) -> Bool {
        if cycles || here == Position(value: start, isCalled: false) { return true }
        if here.value == there.value { return !here.isCalled }
        return (here.value < there.value) == (increment > 0)
    }
}
