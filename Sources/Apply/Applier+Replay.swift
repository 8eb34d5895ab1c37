// Exact replay: the source's own order, each part committed by itself. What failed together is tried in two halves, and so on:
// one row that is different among thousands of transactions does not cost each of them a commit. A few are applied one by one,
// first each transaction as a whole, then, if it still fails, change by change. What fails even so stops the stream before
// that transaction.

internal import Assembly
internal import Batching
internal import Bytes
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import Spill
internal import Threading

extension Applier {
    func replay(_ batch: Batch) throws { try replay(batch.transactions) }

    func replay(_ transactions: [Transaction]) throws {
        shortcut.close()
        try replay(part: transactions[...])
    }

    /// Where applications write the same rows each transaction is by itself, as ever.
    private func replay(part: ArraySlice<Transaction>) throws {
        guard part.count > Self.few, !setup.hasTwins else {
            for transaction in part {
                try replay(transaction)
                Failpoint.pass(.duringReplay)
            }
            return
        }
        let middle = part.startIndex + part.count / 2
        for half in [part[..<middle], part[middle...]] {
            if try !applyTogether(half) { try replay(part: half) }
            Failpoint.pass(.duringReplay)
        }
    }

    /// So few are not tried together.
    private static let few = 4

    /// False when nothing of them is committed: they do not fit into one batch, or something in them fails.
    private func applyTogether(_ part: ArraySlice<Transaction>) throws -> Bool {
        let batch = Batch()
        for transaction in part {
            guard case .slice = transaction.content, missingShape(transaction) == nil,
                !gate.mayStop(transaction.commit.end), try admit(transaction, isTaken: true)
            else { return false }
            do throws(BatchError) { try batch.add(transaction, plans: mappings.plan) } catch { return false }
        }
        try sendPart(batch, writer.plan(batch))
        return try perform(batch) == nil
    }

    private func replay(_ transaction: Transaction) throws {
        var briefly = Backoff()
        var patiently = Backoff(first: 0.25, longest: 5)
        while let failure = try attempt(transaction) {
            if failure.isTransient {
                try giveWay(failure, transaction, &briefly)
            } else {
                try standStill(failure, transaction, &patiently)
            }
        }
    }

    private func attempt(_ transaction: Transaction) throws -> ApplyFailure? {
        try waitForGate(transaction)
        guard var failure = try applyWhole(transaction) else { return nil }
        if mappings.mayBeOutdated(failure) {
            try changed()
            guard let again = try applyWhole(transaction) else { return nil }
            failure = again
        }
        if failure.isTransient { return failure }
        if case .mapping = failure { return failure }
        if setup.hasTwins { return try applyMakingRoom(transaction) }
        let (second, inRepair) = try applyChangeByChange(transaction, repairingBy: .rereading)
        guard let second, inRepair, second.isConflict else { return second }
        return try applyChangeByChange(transaction, repairingBy: .image).failure
    }

    // MARK: a transaction at once

    /// Nil when it is committed; otherwise nothing of it is.
    private func applyWhole(_ transaction: Transaction) throws -> ApplyFailure? {
        let batch = Batch()
        try writer.queueBegin(progress: transaction.commit.end, at: transaction.commit.time)
        if let failure = try writer.finishGroup(doing: "beginning a transaction") { return failure }
        var failure = try fill(transaction, into: batch)
        if failure == nil {
            try queueLeftOut(batch)
            failure = try writer.finishGroup(doing: "applying")
        }
        if let failure {
            try writer.rollback()
            return failure
        }
        return try commit(batch.noting(transaction))
    }

    /// A small transaction goes into the batch; a large one goes to the target piece by piece.
    private func fill(_ transaction: Transaction, into batch: Batch) throws -> ApplyFailure? {
        switch transaction.content {
        case .slice(let page, let from, let count):
            let records = UnsafeRawBufferPointer(start: page.base + from, count: count)
            if let failure = try resolve(records) { return failure }
            do throws(BatchError) { try batch.add(transaction, plans: mappings.plan) } catch {
                return .batch(error, table: table(of: error))
            }
            try writer.queue(batch)
            try writer.queueChecks(batch)
            return nil
        case .buffer(let buffer):
            var shapes = Set<Int>()
            if let failure = try applyLarge(buffer, counting: batch, &shapes) { return failure }
            try writer.queueChecks(ofShapes: shapes)
            return nil
        }
    }

    func table(of error: BatchError) -> QualifiedName {
        switch error {
        case .noIdentity(let shape), .unreadable(let shape), .noPlan(let shape), .truncatesPart(let shape):
            mappings.name(shape)
        }
    }

    // MARK: mapping

    func resolve(_ records: UnsafeRawBufferPointer, without rolledBack: Set<UInt32> = []) throws -> ApplyFailure? {
        var shapes: [Int] = []
        var seen = Set<Int>()
        records.visitShapes(without: rolledBack) { shape in
            if mappings.plan(shape) == nil && seen.insert(shape).inserted { shapes.append(shape) }
        }
        return shapes.isEmpty ? nil : try resolve(shapes)
    }

    /// Looks tables up; the first that cannot be mapped is the failure.
    func resolve(_ shapes: [Int]) throws -> ApplyFailure? {
        do {
            // While tables are copied their keys are still to come: what is looked up too early would be looked up wrongly.
            let more = !gate.mayStop(LSN(.max))
            try writer.outsidePipeline { try mappings.resolve(shapes, more: more) }
            return nil
        } catch let problem as MappingProblem {
            return .mapping(problem)
        } catch let error as PostgresError where error.sqlState != nil {
            return .server(error, table: nil)
        }
    }

    // MARK: change by change

    /// `inRepair` when it was not a change that failed, but making a different row equal.
    private func applyChangeByChange(
        _ transaction: Transaction, repairingBy source: Differences.Source
    ) throws -> (failure: ApplyFailure?, inRepair: Bool) {
        try writer.queueBegin(progress: transaction.commit.end, at: transaction.commit.time)
        if let failure = try writer.finishGroup(doing: "beginning a transaction") { return (failure, false) }
        let batch = Batch()
        var differences = Differences()
        var shapes = Set<Int>()
        var seesIt: Bool?
        var inRepair = false
        func makeEqual() throws -> ApplyFailure? {
            let failure = try repair(&differences, by: source, seesIt: seesIt ?? true)
            inRepair = failure != nil
            return failure
        }
        var failure = try eachChange(of: transaction) { record, piece in
            shapes.insert(record.shape)
            if let failure = try self.apply(record, of: piece, counting: batch, &differences) { return failure }
            guard !differences.rows.isEmpty else { return nil }
            if seesIt == nil { seesIt = try reread.sees(transaction.xid) }
            // The change's own row is not what a later change makes of it.
            let isAtOnce = source == .image || seesIt == false || differences.rows.count >= Differences.most
            return isAtOnce ? try makeEqual() : nil
        }
        if failure == nil { failure = try makeEqual() }
        if failure == nil { try tell(differences, at: transaction.commit.end) }
        if failure == nil {
            try writer.queueChecks(ofShapes: shapes)
            try queueLeftOut(batch)
            failure = try writer.finishGroup(doing: "applying")
        }
        if let failure {
            try writer.rollback()
            return (failure, inRepair)
        }
        if let failure = try commit(batch.noting(transaction)) { return (failure, false) }
        progress.found(differences: differences.count)
        return (nil, false)
    }

    /// With the piece a change lies in, where the transaction itself does not keep it.
    func eachChange(
        of transaction: Transaction, _ body: (ChangeRecord, ByteBuffer?) throws -> ApplyFailure?
    ) throws -> ApplyFailure? {
        switch transaction.content {
        case .slice(let page, let from, let count):
            let records = UnsafeRawBufferPointer(start: page.base + from, count: count)
            return try eachChange(in: records, without: []) { try body($0, nil) }
        case .buffer(let buffer):
            for index in 0..<buffer.pieces {
                // Another one for each: somebody may keep it for a row in it.
                let piece = ByteBuffer()
                let records = try buffer.piece(index, scratch: piece)
                if let failure = try eachChange(in: records, without: buffer.rolledBack, { try body($0, piece) }) {
                    return failure
                }
            }
            return nil
        }
    }

    private func eachChange(
        in records: UnsafeRawBufferPointer, without rolledBack: Set<UInt32>,
        _ body: (ChangeRecord) throws -> ApplyFailure?
    ) throws -> ApplyFailure? {
        if let failure = try resolve(records, without: rolledBack) { return failure }
        var cursor = ByteCursor(records)
        while let record = try ChangeRecord.next(&cursor) {
            if rolledBack.contains(record.subtransaction) { continue }
            if let failure = try body(record) { return failure }
        }
        return nil
    }

    /// One change as a batch of its own. A row that is there already, or is not there, is a difference and no failure.
    private func apply(
        _ record: ChangeRecord, of piece: ByteBuffer?, counting total: Batch, _ differences: inout Differences
    ) throws -> ApplyFailure? {
        let batch = Batch()
        if let piece { batch.keep(piece) }
        do throws(BatchError) { try batch.add(record, plans: mappings.plan) } catch {
            return .batch(error, table: table(of: error))
        }
        total.count(batch)
        for statement in writer.plan(batch) {
            if case .rows(let group) = statement, group.operation == .insert, let key = batch.insertedKey(group.mapping)
            {
                let (count, failure) = try writer.count(key)
                if let failure { return failure }
                if count > 0 {
                    differences.note(.existing, group.mapping, batch)
                    continue
                }
            }
            try writer.queue(statement)
            guard let failure = try writer.finishGroup(doing: "applying") else { continue }
            guard case .rowCount(let table, let expected, let touched) = failure, touched < expected,
                case .rows(let group) = statement
            else { return failure }
            _ = table
            differences.note(group.operation.isRemoval ? .missingDelete : .missingUpdate, group.mapping, batch)
        }
        return nil
    }
}

extension Batch {
    /// A probe for the key of the one row this batch inserts; nil for tables without a key.
    fileprivate func insertedKey(_ mapping: TableMapping) -> RowGroup? {
        guard !mapping.keyColumns.isEmpty, let row = rowOf(mapping) else { return nil }
        var tuple = Tuple()
        row.read(into: &tuple)
        let probe = RowGroup(mapping, .probe)
        probe.append(tuple)
        return probe
    }

    /// The one row of a batch of a single change, as it shall be.
    func rowOf(_ mapping: TableMapping) -> RowReference? {
        segments.last?.tables.first { $0.target == mapping.table.number }?.keyed.entries.first?.new
    }
}

extension Operation {
    fileprivate var isRemoval: Bool {
        switch self {
        case .delete, .deleteImage: true
        case .insert, .update, .rekey, .probe, .updateImage, .shared, .note, .noteWhole, .place, .placeMissing,
            .inTheWay:
            false
        }
    }
}
