// Brings one side's sequences to where the other side's stand, once at the end of the copy and every few seconds from then
// on. Logical replication does not carry them. Never backwards in the direction in which a sequence counts: a value that
// was given out on either side is not given out again. What cannot be carried is named once.

package import Model
package import Postgres
package import Telemetry

/// Used by one thread.
package final class SequenceCopy {
    /// Of one side, as it was last carried: what has not moved since is not looked at on the other.
    private var carried: [QualifiedName: SequenceState.Position] = [:]
    private var said: Set<String> = []
    private let log: Log

    package init(log: Log) { self.log = log }

    /// What cannot be carried, by name; for the status.
    package private(set) var problems: [QualifiedName: String] = [:]

    /// One pass; how many sequences were set. Both connections belong to the calling thread.
    @discardableResult
    package func carry(from source: Connection, to target: Connection) throws(PostgresError) -> Int {
        var found: [QualifiedName: String] = [:]
        var moved: [(state: SequenceState, to: SequenceState.Position)] = []
        for state in try SequenceCatalog(connection: source).states() {
            guard let position = state.position else {
                found[state.name] = "tandem's role may not read it on \(source.label): GRANT SELECT ON SEQUENCE"
                continue
            }
            if carried[state.name] != position || problems[state.name] != nil { moved.append((state, position)) }
        }
        let set = try moved.isEmpty ? 0 : move(moved, on: target, &found)
        problems = found
        say(found)
        return set
    }

    private func move(
        _ moved: [(state: SequenceState, to: SequenceState.Position)], on target: Connection,
        _ found: inout [QualifiedName: String]
    ) throws(PostgresError) -> Int {
        let catalog = SequenceCatalog(connection: target)
        let there = Dictionary(try catalog.states().map { ($0.name, $0) }) { first, _ in first }
        var moves: [(name: QualifiedName, to: SequenceState.Position)] = []
        var settled: [(QualifiedName, SequenceState.Position)] = []
        for (state, position) in moved {
            guard let other = there[state.name] else {
                found[state.name] = "\(target.label) does not have it"
                continue
            }
            // What is said of it does not keep a value from being carried that has a place there.
            if !state.isMadeLike(other) {
                found[state.name] = "its type, INCREMENT, bounds or CYCLE are not the same on \(target.label)"
            }
            guard let here = other.position, other.mayWrite else {
                found[state.name] = "tandem's role may not set it on \(target.label): GRANT SELECT, UPDATE ON SEQUENCE"
                continue
            }
            guard other.holds(position) else {
                found[state.name] = "its value is outside of the bounds it has on \(target.label)"
                continue
            }
            if here != position && other.mayMove(from: here, to: position) { moves.append((state.name, position)) }
            settled.append((state.name, position))
        }
        try catalog.set(moves)
        for (name, position) in settled { carried[name] = position }
        return moves.count
    }

    private func say(_ found: [QualifiedName: String]) {
        for (name, reason) in found.sorted(by: { $0.key < $1.key }) where said.insert("\(name) \(reason)").inserted {
            log.warning("sequence not carried as it is", [.relation: name, .reason: reason])
        }
    }
}
