// Applying where applications write the same rows: what cannot be made equal to the image because something is in the way is
// made equal to the source instead, together with what is in the way. An orphan may hold a unique value; and an image that
// lags may collide with a row that is right, so that reading only the other row again could go on for ever. So the row's own
// key and all that stand in its way, and in theirs, are read from one moment of the source, and written in the transaction at
// hand. Changes still to come bring the target back to where the source is by then.
//
// A row that came without a large value that did not change, and is not there, is read again in the same way.

internal import Assembly
internal import Batching
internal import Model
internal import PGOutput
internal import Postgres
internal import State
internal import Telemetry

extension Applier {
    /// Change by change, making room where there is none.
    func applyMakingRoom(_ transaction: Transaction) throws -> ApplyFailure? {
        try writer.queueBegin(progress: transaction.commit.end, at: transaction.commit.time)
        if let failure = try writer.finishGroup(doing: "beginning a transaction") { return failure }
        let batch = Batch()
        var shapes = Set<Int>()
        var made: [QualifiedName: Int] = [:]
        var failure = try eachChange(of: transaction) { record, _ in
            shapes.insert(record.shape)
            return try self.place(record, of: transaction, counting: batch, &made)
        }
        if failure == nil {
            try writer.queueChecks(ofShapes: shapes)
            try queueLeftOut(batch)
            for (table, rows) in made {
                try queueTally(table, .inTheWay, found: rows, repaired: rows, transaction.commit.end)
            }
            failure = try writer.finishGroup(doing: "applying")
        }
        if let failure {
            try writer.rollback()
            return failure
        }
        if let failure = try commit(batch.noting(transaction)) { return failure }
        for (table, rows) in made { log.info("made room", [.relation: table, .count: rows]) }
        return nil
    }

    private func place(
        _ record: ChangeRecord, of transaction: Transaction, counting total: Batch, _ made: inout [QualifiedName: Int]
    ) throws -> ApplyFailure? {
        let batch = Batch()
        do throws(BatchError) { try batch.add(record, plans: mappings.plan) } catch {
            return .batch(error, table: table(of: error))
        }
        total.count(batch)
        for statement in writer.plan(batch) {
            try writer.queue(control: "SAVEPOINT change", doing: "applying")
            try writer.queue(statement)
            try writer.queue(control: "RELEASE SAVEPOINT change", doing: "applying")
            guard let failure = try writer.finishGroup(doing: "applying") else { continue }
            guard case .rows(let group) = statement, !group.mapping.keyColumns.isEmpty,
                failure.isConflict || failure.mayBeMissing
            else { return failure }
            if failure.isConflict {
                try writer.queue(control: "ROLLBACK TO SAVEPOINT change", doing: "making room")
                if let failure = try writer.finishGroup(doing: "making room") { return failure }
            }
            let (rows, problem) = try makeAsOnSource(batch, group.mapping, transaction)
            if case .unseen = problem { return problem }
            if let problem { return rows == 0 ? failure : problem }
            made[group.mapping.table.name, default: 0] += rows
            // The row's old key and its new one were both read again.
            return nil
        }
        return nil
    }

    /// How many rows were written, and what went wrong.
    private func makeAsOnSource(
        _ batch: Batch, _ mapping: TableMapping, _ transaction: Transaction
    ) throws -> (rows: Int, failure: ApplyFailure?) {
        guard try reread.sees(transaction.xid) else { return (0, .unseen(table: mapping.table.name)) }
        var wanted = batch.keys(of: mapping).map { Wanted(key: $0, mapping: mapping) }
        var known = Set<[String]>()
        var truth: [SourceRow] = []
        let text = mapping.asText
        do {
            try reread.atOneMoment {
                var place = 0
                while place < wanted.count, wanted.count < Self.mostInTheWay {
                    defer { place += 1 }
                    guard let row = try reread.row(wanted[place].key, wanted[place].mapping) else { continue }
                    truth.append(row)
                    for other in try inTheWay(of: row, text) where known.insert(other.key(text)).inserted {
                        wanted.append(Wanted(key: other.tuple, mapping: text, row: other))
                    }
                }
            }
        } catch let error as PostgresError where error.sqlState != nil {
            return (0, .server(error, table: mapping.table.name))
        }
        for each in wanted {
            let removal = RowGroup(each.mapping, .delete)
            removal.isCounted = false
            removal.append(each.key)
            try writer.queue(removal, text: each.mapping === text)
        }
        for row in truth {
            let group = RowGroup(text, .place)
            group.append(row.tuple)
            for part in group.inOneStatement { try writer.queue(part, text: true) }
        }
        return (wanted.count, try writer.finishGroup(doing: "making room"))
    }

    private static let mostInTheWay = 1000

    private struct Wanted {
        let key: Tuple
        let mapping: TableMapping
        /// Keeps the key's bytes.
        var row: SourceRow?
    }

    private func inTheWay(of row: SourceRow, _ text: TableMapping) throws -> [SourceRow] {
        var found: [SourceRow] = []
        for index in text.exclusiveIndexes {
            let group = RowGroup(text, .inTheWay(index))
            group.append(row.tuple)
            let statement = text.statement(.inTheWay(index), of: stream)
            try writer.outsidePipeline {
                let connection = writer.connection
                let rows = try connection.query(
                    binary: statement.sql, group.parameters, types: statement.parameterTypes,
                    doing: "looking for what is in the way in \(text.table.name) on \(connection.label)")
                for row in 0..<rows.rows {
                    found.append(
                        try SourceRow(
                            rows, row: row, columns: text.shape.columns.count, carried: text.plan.carried))
                }
            }
        }
        return found
    }
}

extension SourceRow {
    fileprivate func key(_ mapping: TableMapping) -> [String] {
        mapping.keyColumns.map { String(decoding: tuple.columns[$0].value, as: UTF8.self) }
    }
}

extension Batch {
    /// The keys a single change is about: the one before and the one after.
    fileprivate func keys(of mapping: TableMapping) -> [Tuple] {
        let entries = segments.flatMap(\.tables).filter { $0.target == mapping.table.number }.flatMap(\.keyed.entries)
        return entries.flatMap { entry -> [Tuple] in
            var (old, new) = (Tuple(), Tuple())
            entry.old.read(into: &old)
            entry.new.read(into: &new)
            return entry.kind == .rekey ? [old, new] : [new]
        }
    }
}

extension ApplyFailure {
    /// Fewer rows were changed than came: the row is not there.
    fileprivate var mayBeMissing: Bool {
        if case .rowCount(_, let expected, let touched) = self { return touched < expected }
        return false
    }
}
