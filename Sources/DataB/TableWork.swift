// One piece of work on one table: its batch, and its comparison when that is due, or when the batch met a unique value that
// a row holds which the other side no longer has.

internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

struct TableWork {
    let session: BatchSession
    let table: DerivedTable
    let work: BatchWork
    let finish: ((QualifiedName) throws -> Void)?
    /// Rows that are hashed together.
    var step = 10_000
    var slice = 2_000_000

    /// What came of it is in `status`, as far as it came.
    func run(_ status: inout DerivedStatus) throws {
        var batch = TableBatch(session, table, finish: finish)
        batch.slice = slice
        var isCompared = false
        do { status.batch = try batch.run() } catch let error as PostgresError where error.sqlState == "23505" {
            guard table.column != nil else { throw error }
            session.giveUp()
            session.log.info("comparing", [.relation: table.name, .reason: "a unique value is taken"])
            try compare(batch, &status)
            isCompared = true
            status.batch = try batch.run()
        }
        status.batchAt = Date()
        if work == .batchAndComparison, !isCompared { try compare(batch, &status) }
    }

    private func compare(_ batch: TableBatch, _ status: inout DerivedStatus) throws {
        guard let layout = try batch.layout() else { return }
        var comparison = try TableComparison(session, layout, step: step)
        let report = try comparison.run(mark: try session.state.progress(table.name).mark)
        status.comparison = report
        status.comparisonAt = Date()
        status.foundInAll += report.found
        guard report.found > 0 else { return }
        session.log.warning(
            "found by comparing",
            [
                .relation: table.name, .rows: report.found,
                .detail: "\(report.deleted) deleted, \(report.untold) whose timestamp did not tell",
            ])
    }
}
