// What to stream from where to where, the same for every attempt.

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
    package let source: ConnectionTarget
    package let target: ConnectionTarget
    package let strategy: Strategy
    package let initialCopy: InitialCopy
    package let limits: Limits
    package let verify: Verifying
    package let spill: String
    package let evidence: EvidenceLog
    package let tables: TableChoice
    /// From old to new, as long as old is what counts.
    package let dataB: DataBPlan
    let copy: CopySettings

    package init(_ configuration: Configuration, _ pair: Pair) {
        self.pair = pair.name
        stream = StreamName(migration: configuration.migration, pair: pair.name, direction: .forward)
        source = ConnectionTarget(conninfo: pair.old, label: "old of \(pair.name)")
        target = ConnectionTarget(conninfo: pair.new, label: "new of \(pair.name)")
        strategy = configuration.strategy
        initialCopy = configuration.initialCopy
        limits = configuration.limits
        verify = configuration.verify
        spill = configuration.spill
        evidence = EvidenceLog(directory: configuration.evidence, stream: stream)
        dataB = DataBPlan(configuration, pair: pair.name, old: source, new: target, direction: .forward)
        tables = TableChoice(configuration)
        copy = CopySettings(configuration)
    }
}

package enum Until: Sendable {
    /// Everything committed on the source by the time the stream is ready to start.
    case caughtUp
    case position(LSN)
}
