// Whole source transactions on their way into one target transaction: what they come to per table and key, in as few
// segments as order allows, and the transactions themselves for the case that they must be replayed one by one.
// Pure: no I/O, no clock. Owned by the applying thread.

package import Assembly
package import Bytes
package import PGOutput

package final class Batch {
    package private(set) var transactions: [Transaction] = []
    package private(set) var segments: [Segment] = []
    package private(set) var changes = 0
    package private(set) var bytes = 0
    /// Changes of tables that are set aside.
    package private(set) var leftOut = 0
    /// The same by shape.
    package private(set) var leftOutOf: [Int: Int] = [:]
    /// Rows, old or new, whose keys are noted for a table that is being copied.
    package private(set) var noted: [RowReference] = []
    /// Shapes of such tables of which nobody can say which rows changed.
    package private(set) var notedWhole: Set<Int> = []

    private let arena = Arena()
    private var rows = RowPair()
    /// Keeps the bytes alive that rows point at, when they are not in a transaction's own content.
    private var kept: [ByteBuffer] = []

    package init() {}

    package var isEmpty: Bool { transactions.isEmpty }

    /// The end of the last transaction: the progress the target makes by committing this batch.
    package var end: CommitMessage? { transactions.last?.commit }

    package typealias Plans = (Int) -> TablePlan?

    /// Takes in a whole transaction that lies in memory.
    package func add(_ transaction: Transaction, plans: Plans) throws(BatchError) {
        transactions.append(transaction)
        bytes += transaction.bytes
        guard case .slice(let page, let from, let count) = transaction.content else { return }
        try add(records: UnsafeRawBufferPointer(start: page.base + from, count: count), without: [], plans: plans)
    }

    /// Takes in one piece of a large transaction; `transaction` is noted with its last piece.
    package func add(
        piece: ByteBuffer, without rolledBack: Set<UInt32>, plans: Plans
    ) throws(BatchError) {
        kept.append(piece)
        bytes += piece.count
        try add(records: piece.bytes, without: rolledBack, plans: plans)
    }

    /// For rows in it, as long as this batch lives.
    package func keep(_ piece: ByteBuffer) { kept.append(piece) }

    private func add(
        records: UnsafeRawBufferPointer, without rolledBack: Set<UInt32>, plans: Plans
    ) throws(BatchError) {
        var cursor = ByteCursor(records)
        while let record = Self.next(&cursor) {
            if !rolledBack.isEmpty && rolledBack.contains(record.subtransaction) { continue }
            try add(record, plans: plans)
        }
    }

    private static func next(_ cursor: inout ByteCursor) -> ChangeRecord? {
        do { return try ChangeRecord.next(&cursor) } catch { preconditionFailure("our own record is damaged") }
    }

    /// Counts what another batch holds, without holding it.
    package func count(_ other: Batch) {
        changes += other.changes
        leftOut += other.leftOut
        leftOutOf.merge(other.leftOutOf) { $0 + $1 }
    }

    /// This batch stands for that transaction, whose changes went another way.
    package func noting(_ transaction: Transaction) -> Batch {
        if transactions.isEmpty { transactions = [transaction] }
        return self
    }

    /// Takes in a single change: what exact replay does, one batch a change.
    package func add(_ record: ChangeRecord, plans: Plans) throws(BatchError) {
        if record.kind == .truncate { return try truncate(record, plans: plans) }
        guard let plan = plans(record.shape) else { throw .noPlan(shape: record.shape) }
        guard !plan.isSetAside else {
            leaveOut(record.shape)
            return
        }
        do { try rows.read(record.rows) } catch { throw .unreadable(shape: record.shape) }
        guard rows.counts(plan.columns) else { throw .unreadable(shape: record.shape) }
        changes += 1
        if plan.isNoted { return note(record.shape, plan) }
        if segments.isEmpty { segments.append(Segment()) }
        let last = segments.count - 1
        let shape = plan.equal ?? record.shape
        if try segments[last].add(record.kind, shape: shape, plan, rows, arena) { return }
        segments.append(Segment())
        guard try segments[last + 1].add(record.kind, shape: shape, plan, rows, arena) else {
            preconditionFailure("an empty segment refuses nothing")
        }
    }

    /// The key before the change, where it came along, and the one after it.
    private func note(_ shape: Int, _ plan: TablePlan) {
        guard case .key(let columns) = plan.locator else {
            notedWhole.insert(shape)
            return
        }
        let hasOld = rows.oldKind != .none
        if hasOld, let start = rows.oldStart { noted.append(RowReference(shape: shape, start: start)) }
        guard let start = rows.newStart else {
            if !hasOld { notedWhole.insert(shape) }
            return
        }
        guard arena.key(rows.new, columns, fallback: hasOld ? rows.old : nil) != nil else {
            notedWhole.insert(shape)
            return
        }
        guard hasOld, rows.new.isPartial else { return noted.append(RowReference(shape: shape, start: start)) }
        let lent = rows.oldKind == .full ? nil : columns
        let woven = WovenRow(rows.new, over: rows.old, lending: lent, in: arena)
        noted.append(RowReference(shape: shape, start: woven.start))
    }

    private func truncate(_ record: ChangeRecord, plans: Plans) throws(BatchError) {
        guard let message = try? TruncateRecord(record.rows) else { throw .unreadable(shape: record.shape) }
        var targets: [Int] = []
        var parts: [Int: (first: Int, count: Int, of: Int)] = [:]
        for shape in message.shapes {
            guard let plan = plans(shape) else { throw .noPlan(shape: shape) }
            if plan.isSetAside {
                leaveOut(shape)
            } else if plan.isNoted {
                notedWhole.insert(shape)
            } else if plan.isPart {
                parts[plan.target, default: (shape, 0, plan.parts)].count += 1
            } else if !targets.contains(plan.target) {
                targets.append(plan.target)
            }
        }
        // All parts are the whole; some would take the others' rows along.
        for (target, part) in parts.sorted(by: { $0.key < $1.key }) where !targets.contains(target) {
            guard part.count == part.of else { throw .truncatesPart(shape: part.first) }
            targets.append(target)
        }
        changes += 1
        guard !targets.isEmpty else { return }
        segments.append(Segment(truncation: .init(targets: targets, restartIdentity: message.restartIdentity)))
    }

    private func leaveOut(_ shape: Int) {
        leftOut += 1
        leftOutOf[shape, default: 0] += 1
    }
}
