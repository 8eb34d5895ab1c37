// What to stream from where to where, the same for every attempt. A plan has a direction: forward, from old to new, and
// reverse, from new to old, are the same code with the sides exchanged.

package import Configuration
package import DataB
package import Evidence
internal import InitialCopy
package import Model
package import Postgres
package import Protocol

package struct StreamPlan: Sendable {
    package let stream: StreamName
    package let pair: String
    /// What is read, and what is written.
    package let source: ConnectionTarget
    package let target: ConnectionTarget
    package let strategy: Strategy
    /// From which existing rows are read where that can be, when old itself is to be spared.
    package let standby: ConnectionTarget?
    package let initialCopy: InitialCopy
    package let limits: Limits
    package let verify: Verifying
    package let spill: String
    /// One for the pair, whatever the direction.
    package let evidence: EvidenceLog
    package let tables: TableChoice
    /// The same way as this stream.
    package let dataB: DataBPlan
    let copy: CopySettings
    private let configuration: Configuration
    private let configured: Pair

    package init(_ configuration: Configuration, _ pair: Pair, direction: Direction = .forward) {
        (self.configuration, configured) = (configuration, pair)
        self.pair = pair.name
        stream = StreamName(migration: configuration.migration, pair: pair.name, direction: direction)
        let old = ConnectionTarget(conninfo: pair.old, label: "old of \(pair.name)")
        let new = ConnectionTarget(conninfo: pair.new, label: "new of \(pair.name)")
        (source, target) = direction == .forward ? (old, new) : (new, old)
        strategy = configuration.strategy
        standby = pair.standby.map { ConnectionTarget(conninfo: $0, label: "the standby of old of \(pair.name)") }
        initialCopy = configuration.initialCopy
        limits = configuration.limits
        verify = configuration.verify
        spill = configuration.spill
        evidence = EvidenceLog(
            directory: configuration.evidence, stream: direction == .forward ? stream : stream.opposite)
        tables = TableChoice(configuration)
        dataB = DataBPlan(configuration, pair: pair.name, old: old, new: new, direction: direction)
        copy = CopySettings(configuration)
    }

    package var isForward: Bool { stream.direction == .forward }

    /// The stream of the same pair that goes the other way.
    package var opposite: StreamPlan { StreamPlan(configuration, configured, direction: stream.direction.opposite) }

    package var old: ConnectionTarget { isForward ? source : target }
    package var new: ConnectionTarget { isForward ? target : source }

    /// What belongs to source and target, by the names of the sides.
    package func sides<Value>(source: Value, target: Value) -> (old: Value, new: Value) {
        stream.direction.sides(source: source, target: target)
    }
}

package enum Until: Sendable {
    /// Everything committed on the source by the time the stream is ready to start.
    case caughtUp
    case position(LSN)
}
