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
        var (failures, left, again) = (
            try TableRepair(table).run(keys, comparison.desks, writer: writer), keys.count,
            try settle(keys, outcome.kind, table)
        )
        // A row may have had to wait until another gave up a value that must be unique: as long as any gets through.
        while !again.report.differences.isEmpty, again.report.differences.count < left {
            left = again.report.differences.count
            let rest = again.report.differences.map(\.settlingKey)
            failures = try TableRepair(table).run(rest, comparison.desks, writer: writer)
            let unsettled = again.report.unsettled
            again = try settle(rest, outcome.kind, table)
            again.report.unsettled += unsettled
        }
        var after = outcome
        after.report?.differences = again.report.differences
        after.report?.unsettled += again.report.unsettled
        after.report?.reason = again.report.reason ?? report.reason
        repair.repaired = report.differences.count - again.report.differences.count - again.report.unsettled.count
        repair.failures = again.report.differences.isEmpty ? [] : failures
        after.repair = repair
        return after
    }

    private func settle(
        _ keys: [[String]], _ kind: VerificationScope.Kind, _ table: ComparedTable
    ) throws -> TableComparison {
        let again = TableComparison(
            table, comparison.desks, comparison.settling(follows: kind == .dataA ? .stream : .nothing), settings,
            stop: comparison.stop)
        again.suspects = keys
        try again.settle()
        return again
    }
}
