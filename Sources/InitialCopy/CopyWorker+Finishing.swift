// A table whose rows are all on new: keys, indexes, statistics, and handing it over to the stream.

internal import Apply
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

extension CopyWorker {
    /// The stream goes on with the table once everything that makes it quick and checked is there too.
    func finish(_ oid: UInt32, _ known: CopyStatements? = nil) throws {
        do {
            try mark()
            let side = try target()
            guard let record = try side.copiedTable(oid), let snapshot = record.snapshot else { throw lost(oid) }
            if record.state == .done { return finished(record, snapshot, record.until) }
            try resolve(oid)
            let statements = try known ?? statements(oid, side.connection)
            if let base = base(oid) {
                guard let statements, let key = statements.key else {
                    throw Changed(table: record.name, what: "was altered or dropped")
                }
                if board.entry(oid)?.isMade != true {
                    try mendBeforeIndexes(record, statements, key)
                    try complete(statements.destination, side.connection)
                    board.change(oid) { $0.isMade = true }
                }
                try handOver(record, base, statements, key)
            } else {
                if let statements, !statements.isShared { try complete(statements.destination, side.connection) }
                Failpoint.pass(.beforeTableDone)
                try side.nowDone(oid)
                finished(record, snapshot, record.until)
            }
        } catch let changed as Changed {
            disconnect()
            context.log.warning("begins again", [.relation: changed.table, .reason: changed.what])
            try again(oid, changed)
        } catch {
            putBack(oid, .copied, error)
            throw error
        }
    }

    /// What new says of the table could not be heard before, and the stream has waited since.
    private func resolve(_ oid: UInt32) throws {
        guard board.entry(oid)?.isUncertain == true else { return }
        board.change(oid) { $0.isUncertain = false }
        guard let base = base(oid) else { return }
        gate.set(oid, .noting(base.snapshot, until: base.until))
    }

    func finished(_ record: CopiedTable, _ snapshot: TransactionSnapshot, _ until: LSN) {
        Failpoint.pass(.afterTableDone)
        settle(record.oid, snapshot, until)
        context.log.info("table copied", [.relation: record.name, .rows: record.rows, .bytes: record.bytes])
    }

    private func complete(_ table: QualifiedName, _ target: Connection) throws {
        try context.finisher.table(table, signal)
        try target.script("ANALYZE \(table.sql)", doing: "gathering statistics of \(table)")
        if context.settings.prewarms { try Prewarming(on: target).warm(table, on: target) }
    }

    func settle(_ oid: UInt32, _ snapshot: TransactionSnapshot, _ until: LSN) {
        gate.set(oid, .done(snapshot, until: until))
        board.change(oid) { entry in
            entry.phase = .done
            entry.attempt = nil
            entry.base = nil
            entry.waitsFor = nil
            entry.isUncertain = false
            entry.problem = nil
            entry.failures = 0
        }
        if board.isComplete { context.moved.raise() }
    }
}
