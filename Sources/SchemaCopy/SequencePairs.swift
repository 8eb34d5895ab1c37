// Sequences of both sides beside each other: which cannot be carried in either direction, and why.

package import Model
package import Postgres

package enum SequencePairs {
    /// A sequence that the other side lacks, has made otherwise, or that tandem's role may not read and set on both.
    package static func unmatched(
        _ old: Connection, _ new: Connection
    ) throws(PostgresError) -> [(name: QualifiedName, what: String)] {
        let there = Dictionary(try SequenceCatalog(connection: new).states().map { ($0.name, $0) }) { first, _ in first
        }
        var found: [(name: QualifiedName, what: String)] = []
        for state in try SequenceCatalog(connection: old).states() {
            guard let other = there[state.name] else {
                found.append((state.name, "is not on new"))
                continue
            }
            if !state.isMadeLike(other) {
                found.append((state.name, "has another type, INCREMENT, bounds or CYCLE on new"))
            } else if state.position == nil || other.position == nil {
                found.append((state.name, "may not be read by tandem's role on both sides"))
            } else if !state.mayWrite || !other.mayWrite {
                found.append((state.name, "may not be set by tandem's role on both sides"))
            }
        }
        return found
    }
}
