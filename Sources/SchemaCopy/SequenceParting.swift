// Where applications of two modes take ids from both sides, each side has a range of its own: before new gives out any, its
// sequences go beyond everything that old has given out and will for a while; on the way back, old's beyond new's. Never
// backwards, never by what rows there are: ids of deleted rows would come back.

package import Model
package import Postgres

package enum SequenceParting {
    /// What each sequence leaves between the sides, at least; less where its type or bounds have no such room.
    static let gap: Int64 = 1_000_000

    package struct Parted: Sendable, Equatable {
        package let name: QualifiedName
        package let from: Int64
        package let to: Int64
    }

    /// Puts `side`'s sequences beyond the other side's, durably; those that are so already, by half the gap at least, stay.
    package static func part(
        _ side: Connection, from other: Connection
    ) throws(PostgresError) -> [Parted] {
        let there = Dictionary(try SequenceCatalog(connection: other).states().map { ($0.name, $0) }) { first, _ in
            first
        }
        let catalog = SequenceCatalog(connection: side)
        var moves: [(name: QualifiedName, to: SequenceState.Position)] = []
        var parted: [Parted] = []
        for state in try catalog.states() {
            guard let beyond = there[state.name], let goal = state.parted(from: beyond), let here = state.position
            else { continue }
            moves.append((state.name, goal))
            parted.append(Parted(name: state.name, from: here.value, to: goal.value))
        }
        guard !moves.isEmpty else { return [] }
        try connectionDurably(side) { () throws(PostgresError) in try catalog.set(moves) }
        return parted
    }

    private static func connectionDurably(
        _ connection: Connection, _ body: () throws(PostgresError) -> Void
    ) throws(PostgresError) {
        try body()
        // setval is in the log when the statement ends, and the next commit flushes it.
        try connection.script(
            "BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_catalog.pg_current_xact_id(); COMMIT",
            doing: "setting sequences on \(connection.label)")
    }

    /// What each sequence must at least be able to leave between the sides.
    static let least: Int64 = 1000

    /// Sequences of `side` that cannot be put far enough beyond the other side's, and why.
    package static func obstacles(
        _ side: Connection, from other: Connection
    ) throws(PostgresError) -> [(name: QualifiedName, what: String)] {
        let there = Dictionary(try SequenceCatalog(connection: other).states().map { ($0.name, $0) }) { first, _ in
            first
        }
        return try SequenceCatalog(connection: side).states().compactMap { state in
            guard let beyond = there[state.name] else { return nil }
            if state.cycles || beyond.cycles {
                return (state.name, "goes round in a circle: both sides would give out the same")
            }
            guard let room = state.room(with: beyond) else { return nil }
            let values = room / 2 / Int64(clamping: state.increment.magnitude)
            return values < least ? (state.name, "has only \(values) values left for each side") : nil
        }
    }

    /// Where each sequence of `side` stands beyond the other side's, before anybody has taken a value from it: there its range
    /// begins.
    package static func ranges(
        of side: Connection, beyond other: Connection
    ) throws(PostgresError) -> [SequenceRange] {
        let there = Dictionary(try SequenceCatalog(connection: other).states().map { ($0.name, $0) }) { first, _ in
            first
        }
        return try SequenceCatalog(connection: side).states().compactMap { state in
            guard let begins = state.position?.value, let gap = there[state.name]?.left(before: state) else {
                return nil
            }
            return SequenceRange(name: state.name, begins: begins, gap: gap)
        }
    }

    /// How near each sequence of `giver`, which goes on from lower values (in the sequence's own direction), has come to where the
    /// range of `ahead` begins; where that was not written down, to where it stands.
    package static func distances(
        _ giver: Connection, _ ahead: Connection, _ ranges: [SequenceRange]
    ) throws(PostgresError) -> [SequenceDistance] {
        let begins = Dictionary(ranges.map { ($0.name, $0) }) { first, _ in first }
        let beyond = Dictionary(try SequenceCatalog(connection: ahead).states().map { ($0.name, $0) }) { first, _ in
            first
        }
        return try SequenceCatalog(connection: giver).states().compactMap { state in
            guard let other = beyond[state.name] else { return nil }
            return state.distance(to: begins[state.name], or: other)
        }
    }
}

extension SequenceState {
    /// As far as the gap, or half of what room there is.
    func parted(from other: SequenceState) -> Position? {
        guard isMadeLike(other), !cycles, let here = position, let there = other.position, mayWrite else { return nil }
        let up = increment > 0
        let furthest = up ? max(here.value, there.value) : min(here.value, there.value)
        let gap = min(SequenceParting.gap, (room(with: other) ?? 0) / 2)
        // Apart already: nothing is moved again by whoever repeats this.
        guard gap > 0, here.distance(beyond: there, up: up) < gap / 2 else { return nil }
        let steps = max(1, gap / Int64(increment.magnitude))
        return Position(value: furthest + steps * increment, isCalled: true)
    }

    /// From the furthest that either side has come to, to the last there may be. Nil where that cannot be said.
    func room(with other: SequenceState) -> Int64? {
        guard isMadeLike(other), let here = position, let there = other.position else { return nil }
        let up = increment > 0
        let room =
            up
            ? maximum.subtractingReportingOverflow(max(here.value, there.value))
            : min(here.value, there.value).subtractingReportingOverflow(minimum)
        return room.overflow ? .max : room.partialValue
    }

    /// Nil for one that cannot be kept apart, or of which nothing is known.
    func distance(to range: SequenceRange?, or other: SequenceState) -> SequenceDistance? {
        guard isMadeLike(other), !cycles, let here = position else { return nil }
        if let range {
            let begins = Position(value: range.begins, isCalled: true)
            let left = begins.distance(beyond: here, up: increment > 0) / Int64(increment.magnitude)
            return SequenceDistance(name: name, left: max(0, left), gap: range.gap)
        }
        guard let left = left(before: other) else { return nil }
        let gap = min(SequenceParting.gap, room(with: other) ?? SequenceParting.gap)
        return SequenceDistance(name: name, left: left, gap: gap / Int64(increment.magnitude))
    }

    /// How many values this one may give out before it comes to where the other one stands; nil when it is beyond it.
    func left(before other: SequenceState) -> Int64? {
        guard isMadeLike(other), !cycles, let here = position, let there = other.position else { return nil }
        let distance = there.distance(beyond: here, up: increment > 0)
        return distance > 0 ? distance / Int64(increment.magnitude) : nil
    }
}

extension SequenceState.Position {
    /// Negative when it is not.
    fileprivate func distance(beyond other: Self, up: Bool) -> Int64 {
        let (far, near) = up ? (value, other.value) : (other.value, value)
        let difference = far.subtractingReportingOverflow(near)
        return difference.overflow ? (far > near ? .max : .min) : difference.partialValue
    }
}
