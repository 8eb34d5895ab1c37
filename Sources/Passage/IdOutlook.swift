// How long ids still last while instances of two modes take them from both sides: for `status`, from what the databases say.

package import Model
package import Postgres
internal import Protocol
internal import SchemaCopy
internal import State
package import Stream

package struct IdOutlook: Sendable, Equatable {
    /// Those of old, which gives out the lower ids, the nearest to their ends first.
    package let distances: [SequenceDistance]

    /// Nil unless both sides give out ids.
    package init?(_ standing: PairStanding, _ plan: StreamPlan, old: Connection, new: Connection) throws {
        guard standing.strategy == .dualWrite, standing.row?.truth == .new else { return nil }
        let ranges = try SequenceRanges(new, plan.stream).read()
        distances = try SequenceParting.distances(old, new, ranges).sorted {
            ($0.left, $0.name.description) < ($1.left, $1.name.description)
        }
    }
}
