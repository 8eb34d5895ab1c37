// How Data B is doing, as lines for people and as a list for machines.

internal import DataB
internal import Foundation
internal import Model
internal import Postgres
internal import Protocol
internal import State

struct DataBLines {
    struct Table: Encodable, Sendable {
        let table: String
        let status: DerivedStatus
        /// Seconds since the moment that new's rows show.
        let freshness: Double?
        let final: FinalVerdict?
    }

    let tables: [Table]
    private let isPaused: Bool
    /// Its writers are stopped, and nobody can have it go on before step 1 comes again.
    private let restsByStep: Bool

    /// Nil when the configuration has no Data B.
    init?(_ plan: DataBPlan, new: Connection) throws {
        guard !plan.tables.isEmpty else { return nil }
        let state = DataBState(new, plan.stream)
        let isThere = try state.isThere
        let requests = isThere ? try state.requests() : []
        isPaused = try isThere && state.isPaused()
        restsByStep = try EpochBook(new, plan.stream).read().map { $0.step > .following } ?? false
        var tables: [Table] = []
        for table in plan.tables {
            let request = requests.first { $0.table == table.name }
            let progress = isThere ? try state.progress(table.name) : nil
            tables.append(
                Table(
                    table: table.name.description,
                    status: request?.status.flatMap { DerivedStatus.decode($0) } ?? DerivedStatus(),
                    freshness: progress?.age,
                    final: request?.final.flatMap { FinalVerdict.decode($0) }))
        }
        self.tables = tables
    }

    /// Label and text.
    func lines(isRunning: Bool) -> [(label: String, text: String)] {
        var lines: [(String, String)] = []
        if isPaused {
            lines.append(
                (
                    "data b",
                    restsByStep
                        ? "at rest from step 2 on, where its writers are stopped"
                        : Terminal.alarming("paused: `tandem b resume` goes on")
                ))
        }
        for (number, table) in tables.enumerated() {
            lines.append((number == 0 && !isPaused ? "data b" : "", "\(table.table): \(fresh(table, isRunning))"))
            lines += Self.details(table).map { ("", "  " + $0) }
            if let problem = table.status.problem {
                let state = table.status.sqlstate.map { " [\($0)]" } ?? ""
                let text = withoutControls(problem)
                lines.append(("", "  " + Terminal.alarming(text.hasSuffix("]") ? text : text + state)))
                if let hint = table.status.hint { lines.append(("remedy", withoutControls(hint))) }
            }
        }
        return lines
    }

    private func fresh(_ table: Table, _ isRunning: Bool) -> String {
        var text = table.freshness.map { "as of \(readable(seconds: $0)) ago" } ?? "nothing of it is on new yet"
        switch table.status.state {
        case .working where isRunning: text += ", at work"
        case .paused: text += restsByStep ? "" : ", paused"
        case .failing: text += ", failing"
        case .waiting, .working, .postponed: break
        }
        guard isRunning else { return text + "; nothing runs" }
        if let next = table.status.nextRun, !isPaused, ![.working, .paused].contains(table.status.state) {
            text += ", next in \(readable(seconds: max(0, next.timeIntervalSinceNow)))"
        }
        return text
    }

    private static func details(_ table: Table) -> [String] {
        var details: [String] = []
        if let batch = table.status.batch {
            let rows = "\(counted(batch.read, "row")) read, \(batch.written) changed here"
            let what = batch.isRefresh ? "refreshed" : "last batch: \(rows)"
            details.append("\(what), in \(readable(seconds: batch.seconds))")
            if let holder = batch.heldBy {
                details.append(
                    "rows since \(batch.mark ?? "the beginning") are read each time: \(withoutControls(holder))")
            }
        }
        if let comparison = table.status.comparison {
            let ago =
                table.status.comparisonAt.map { ", \(readable(seconds: max(0, -$0.timeIntervalSinceNow))) ago" } ?? ""
            details.append(
                "last comparison\(ago): \(comparison.deleted) deleted, \(comparison.untold) found whose timestamp did not"
                    + " tell; \(counted(comparison.readOnSource, "row")) read on old, \(readable(bytes: UInt64(comparison.bytes)))"
                    + " moved, in \(readable(seconds: comparison.seconds))")
        }
        if let final = table.final {
            details.append(
                "final copy: " + (final.isIdentical ? "identical" : "differed") + ", \(final.at.formatted(.iso8601))")
        }
        return details
    }
}
