// Whether a table can be copied again: asked by whoever requests it, before anything is written down. Where rows of several tables
// share one on new, to empty it would take the others' rows.

internal import Apply
package import Model
package import Postgres
package import State
package import Threading

package enum AgainExamination {
    package static func refuseShared(
        _ leaf: SourceLeaf, _ stream: StreamName, _ source: ConnectionTarget, on connection: Connection,
        target: Connection, stop: StopSignal
    ) throws {
        // What else is in the way is told by the runner, and tried again.
        let statements = try? CopyStatements(
            leaf, stream: stream, source: source, on: connection, target: target, stop: stop)
        guard statements?.isShared == true else { return }
        throw StateError.refused(
            "\(leaf.name) \(shared)",
            hint: "make the partitions on new that old has, then again; or `tandem verify --repair`")
    }

    static let shared = "shares its table on new with other partitions"
}
