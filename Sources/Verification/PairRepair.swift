// Repairs what a verification found, table by table, and looks again. Holds the one connection that writes.

internal import Model
package import Postgres
internal import State
package import Threading

package final class PairRepair {
    private let comparison: PairComparison
    private let writer: SideDesk
    private let settings: ComparisonSettings

    package init(
        _ comparison: PairComparison, target: ConnectionTarget, _ settings: ComparisonSettings, stop: StopSignal
    ) throws {
        self.comparison = comparison
        self.settings = settings
        let stream = comparison.stream
        writer = try SideDesk(target, for: .apply, as: "\(stream) repair", stop: stop) { connection in
            try TargetSide(connection, stream).attachRepairOrigin()
            // The stream and everybody else on new come first; and what was repaired is there when it is said to be.
            try connection.script(
                "SET lock_timeout = '2s'; SET synchronous_commit = local",
                doing: "preparing to repair on \(connection.label)")
        }
    }

    package func close() { writer.close() }

    deinit { close() }

    /// The outcome as it is after the repair: what still differs, and how many rows are equal now.
    package func repair(_ outcome: TableOutcome) throws -> TableOutcome {
        guard let report = outcome.report, !report.differences.isEmpty else { return outcome }
        let table = try comparison.look(up: outcome.table, onNew: outcome.table)
        let keys = report.differences.map(\.settlingKey)
        var repair = RepairReport()
        let failures = try TableRepair(table).run(keys, comparison.desks, writer: writer)
        let again = TableComparison(
            table, comparison.desks, comparison.settling(follows: outcome.kind == .dataA ? .stream : .nothing),
            settings,
            stop: comparison.stop)
        again.suspects = keys
        try again.settle()
        var after = outcome
        after.report?.differences = again.report.differences
        after.report?.unsettled += again.report.unsettled
        after.report?.reason = again.report.reason ?? report.reason
        repair.repaired = report.differences.count - again.report.differences.count - again.report.unsettled.count
        repair.failures = again.report.differences.isEmpty ? [] : failures
        after.repair = repair
        return after
    }
}
