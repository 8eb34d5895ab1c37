// What would keep rows of new from coming back to old, found before anything has to: every carried table of new is mapped onto
// old's exactly as the applier will. The words are those with which the stream would block.

internal import Apply
package import Model
package import Postgres
internal import State
package import Threading

package struct ReverseObstacles {
    package struct Obstacle: Sendable {
        package let table: QualifiedName
        package let what: String
        package let remedy: String?
    }

    private let plan: StreamPlan
    private let stop: StopSignal

    package init(_ plan: StreamPlan, stop: StopSignal) {
        self.plan = plan.isForward ? plan.opposite : plan
        self.stop = stop
    }

    /// Of these tables and their partitions. Both connections belong to the calling thread.
    package func read(_ tables: [QualifiedName], new: Connection, old: Connection) throws -> [Obstacle] {
        let trial = MappingTrial(plan.stream, source: plan.source, target: old, stop: stop)
        return try SourceSide(new, plan.stream).leafTables(of: tables).compactMap { leaf in
            try trial.obstacle(leaf).map { Obstacle(table: leaf.name, what: $0.what, remedy: $0.hint) }
        }
    }
}
