// A table of Data B and the way it is brought along, and the plan of all of them: pure values. A plan has a direction: from
// old to new, and from new to old once truth has moved there.

package import Configuration
internal import InitialCopy
package import Model
package import Postgres

package struct DerivedTable: Sendable, Hashable {
    package enum Way: Sendable, Hashable {
        /// Rows whose timestamp has moved on; clocks that write it may be so many seconds behind.
        case modified(column: String, margin: Double)
        /// All of it at once.
        case full
    }

    package let name: QualifiedName
    package let way: Way
    /// Seconds between batches.
    package let every: Double
    /// Seconds between comparisons of all rows; nil when there are none.
    package let deletes: Double?

    package init(name: QualifiedName, way: Way, every: Double, deletes: Double? = nil) {
        (self.name, self.way, self.every, self.deletes) = (name, way, every, deletes)
    }

    var column: String? { if case .modified(let column, _) = way { column } else { nil } }
    var margin: Double { if case .modified(_, let margin) = way { margin } else { 0 } }
}

package struct DataBPlan: Sendable {
    package let stream: StreamName
    package let pair: String
    /// The side that is read, and the one that is written.
    package let source: ConnectionTarget
    package let target: ConnectionTarget
    /// New, where requests and status are whatever the direction.
    package let new: ConnectionTarget
    package let tables: [DerivedTable]
    /// Says of every relation whether anything carries it.
    package let selection: TableSelection
    let copying: CopySettings
    /// Seconds without a write that prove that writers have stopped.
    package let quiet: Double

    package init(
        _ configuration: Configuration, pair: String, old: ConnectionTarget, new: ConnectionTarget, direction: Direction
    ) {
        self.pair = pair
        stream = StreamName(migration: configuration.migration, pair: pair, direction: direction)
        (source, target) = direction == .forward ? (old, new) : (new, old)
        self.new = new
        tables = configuration.dataB.compactMap { table in
            guard let name = table.pattern.literalName else { return nil }
            let way: DerivedTable.Way =
                switch table.refresh {
                case .full: .full
                case .modified(let column): .modified(column: column, margin: table.margin)
                }
            return DerivedTable(name: name, way: way, every: table.every, deletes: table.deletes)
        }
        selection = TableSelection(configuration)
        copying = CopySettings(configuration)
        quiet = configuration.gates.quiet
    }

    /// Marks what batches write, beside the stream's own origin.
    package var origin: String { "\(stream)_b" }
    package var isForward: Bool { stream.direction == .forward }
}
