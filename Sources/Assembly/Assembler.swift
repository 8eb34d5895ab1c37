// Messages in, whole transactions out, in commit order. Small transactions lie one after another in a page; a large one
// and every streamed one has its own buffer. One byte budget holds for everything open: past it the largest goes to a
// spill file. Runs on the receiving thread; does no waiting. Ends (commits, positions) count, never begins.

internal import Bytes
package import Model
internal import PGOutput
package import Spill

package struct AssemblyError: Explained, Equatable {
    package let problem: String

    package init(problem: String) { self.problem = problem }

    package var description: String { "the source's replication stream makes no sense: \(problem)" }
    package var hint: String? { "the stream starts again from new's own progress; if it repeats, report it" }
}

package struct Assembler {
    package struct Limits: Sendable {
        /// Bytes of open transactions in memory.
        package let memory: Int
        /// A transaction above this leaves the shared page.
        package let small: Int

        package init(memory: Int, small: Int = 1 << 20) {
            self.memory = memory
            self.small = small
        }
    }

    private struct Open {
        let xid: UInt32
        var origin: String?
        var changes = 0
        /// Where its records begin in the page; meaningless once it has its own buffer.
        let start: Int
        var buffer: TransactionBuffer?
    }

    private struct Streamed {
        let buffer: TransactionBuffer
        var origin: String?
        /// How this transaction alone sees tables it has altered.
        var shapes: [UInt32: RelationShape] = [:]
    }

    private let book: ShapeBook
    private let limits: Limits
    private let directory: SpillDirectory
    private let afterSpilledBlock: () -> Void

    private var decoder = Decoder()
    private var shapes: [UInt32: RelationShape] = [:]
    private var open: Open?
    private var streamed: [UInt32: Streamed] = [:]
    private var page = ByteBuffer(capacity: 1 << 16)
    private var ready: [Transaction] = []

    /// Transactions that end here or before are already on the target.
    private let applied: LSN
    /// End of the last transaction delivered or skipped.
    package private(set) var delivered: LSN

    package init(
        book: ShapeBook, limits: Limits, directory: SpillDirectory, applied: LSN,
        afterSpilledBlock: @escaping () -> Void = {}
    ) {
        self.book = book
        self.limits = limits
        self.directory = directory
        self.applied = applied
        self.afterSpilledBlock = afterSpilledBlock
        delivered = applied
    }

    // MARK: what is held

    package var openMemory: Int {
        streamed.values.reduce(open?.buffer?.memory ?? 0) { $0 + $1.buffer.memory }
    }

    package var openTransactions: Int { streamed.count + (open == nil ? 0 : 1) }

    /// Bytes of whole transactions not taken yet.
    package var readyBytes: Int { ready.isEmpty ? 0 : page.count }

    /// Between transactions: a position heard now is above everything delivered.
    package var isBetweenTransactions: Bool { open == nil && decoder.streaming == nil }

    // MARK: in

    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
        switch try decoder.decode(bytes) {
        case .begin(let xid, _, _): try begin(xid)
        case .commit(let commit): try finish(commit)
        case .origin(let name): note(origin: name)
        case .relation(let message): note(message)
        case .type(let oid, let name): book.note(type: oid, name: name)
        case .change(let kind, let xid, let relation, let rows):
            let shape = try shape(relation)
            try append(kind, shape: shape.number, subtransaction: xid, rows: rows)
        case .truncate(let xid, let message): try truncate(message, subtransaction: xid)
        case .logicalMessage: break
        case .streamStart(let xid, let first): startBlock(xid, first: first)
        case .streamStop: break
        case .streamCommit(let xid, let commit): try finish(streamed: xid, commit)
        case .streamAbort(let xid, let sub): abort(xid, subtransaction: sub)
        }
    }

    private mutating func begin(_ xid: UInt32) throws {
        guard open == nil else { throw AssemblyError(problem: "a transaction begins inside another") }
        open = Open(xid: xid, start: page.count)
    }

    private mutating func note(origin name: String) {
        if let xid = decoder.streaming { streamed[xid]?.origin = name } else { open?.origin = name }
    }

    private mutating func note(_ message: RelationMessage) {
        if let xid = decoder.streaming, let transaction = streamed[xid] {
            let known = transaction.shapes[message.oid] ?? shapes[message.oid]
            streamed[xid]?.shapes[message.oid] = book.add(message, after: known)
        } else {
            shapes[message.oid] = book.add(message, after: shapes[message.oid])
        }
    }

    private func shape(_ relation: UInt32) throws -> RelationShape {
        let known = decoder.streaming.map { streamed[$0]?.shapes[relation] } ?? shapes[relation]
        guard let known else { throw AssemblyError(problem: "a change of table \(relation), which was not described") }
        return known
    }

    private mutating func append(
        _ kind: ChangeKind, shape: Int, subtransaction: UInt32, rows: UnsafeRawBufferPointer
    ) throws {
        if let xid = decoder.streaming {
            guard let buffer = streamed[xid]?.buffer else {
                throw AssemblyError(problem: "a change of streamed transaction \(xid), which was not started")
            }
            buffer.append(kind, shape: shape, subtransaction: subtransaction, rows: rows)
            return
        }
        guard open != nil else { throw AssemblyError(problem: "a change outside any transaction") }
        open?.changes += 1
        if let buffer = open?.buffer {
            buffer.append(kind, shape: shape, subtransaction: 0, rows: rows)
        } else {
            ChangeRecord.append(to: page, kind, shape: shape, subtransaction: 0, rows: rows)
            moveOutWhenLarge()
        }
    }

    /// A transaction that outgrows the page gets a buffer of its own, which can spill.
    private mutating func moveOutWhenLarge() {
        guard let transaction = open, page.count - transaction.start > limits.small else { return }
        let buffer = TransactionBuffer(xid: transaction.xid)
        let records = UnsafeRawBufferPointer(
            start: page.base + transaction.start, count: page.count - transaction.start)
        buffer.append(records: records, changes: transaction.changes)
        page.truncate(to: transaction.start)
        open?.buffer = buffer
    }

    private mutating func truncate(_ message: TruncateMessage, subtransaction: UInt32) throws {
        let shapes = try message.relations.map { try shape($0).number }
        let rows = TruncateRecord.rows(shapes, cascade: message.cascade, restartIdentity: message.restartIdentity)
        try append(.truncate, shape: 0, subtransaction: subtransaction, rows: rows.bytes)
    }

    // MARK: streamed transactions

    private mutating func startBlock(_ xid: UInt32, first: Bool) {
        // A first block of a known transaction: the server sends it again from its beginning.
        if first { streamed[xid]?.buffer.discard() }
        if first || streamed[xid] == nil { streamed[xid] = Streamed(buffer: TransactionBuffer(xid: xid)) }
    }

    private mutating func abort(_ xid: UInt32, subtransaction: UInt32) {
        if xid == subtransaction {
            streamed.removeValue(forKey: xid)?.buffer.discard()
        } else {
            streamed[xid]?.buffer.rollBack(subtransaction: subtransaction)
        }
    }

    private mutating func finish(streamed xid: UInt32, _ commit: CommitMessage) throws {
        guard let transaction = streamed.removeValue(forKey: xid) else {
            throw AssemblyError(problem: "streamed transaction \(xid) commits and was not started")
        }
        shapes.merge(transaction.shapes) { $1 }
        deliver(xid, commit, origin: transaction.origin, transaction.buffer.changes, .buffer(transaction.buffer))
    }

    // MARK: out

    private mutating func finish(_ commit: CommitMessage) throws {
        guard let transaction = open else { throw AssemblyError(problem: "a commit without a transaction") }
        open = nil
        let content =
            transaction.buffer.map { Transaction.Content.buffer($0) }
            ?? .slice(page, from: transaction.start, count: page.count - transaction.start)
        deliver(transaction.xid, commit, origin: transaction.origin, transaction.changes, content)
    }

    private mutating func deliver(
        _ xid: UInt32, _ commit: CommitMessage, origin: String?, _ changes: Int, _ content: Transaction.Content
    ) {
        let known = commit.end <= applied
        delivered = max(delivered, commit.end)
        switch content {
        case .slice(_, let from, _) where known || changes == 0: page.truncate(to: from)
        case .buffer(let buffer) where known: buffer.discard()
        default: break
        }
        guard !known, changes > 0 else { return }
        ready.append(Transaction(xid: xid, commit: commit, origin: origin, changes: changes, content: content))
    }

    /// The whole transactions so far. Records of one still open move to the next page.
    package mutating func takeReady() -> [Transaction] {
        guard !ready.isEmpty else { return [] }
        let taken = ready
        ready = []
        let next = ByteBuffer(capacity: 1 << 16)
        if let transaction = open, transaction.buffer == nil {
            next.append(page.base + transaction.start, page.count - transaction.start)
            open = Open(
                xid: transaction.xid, origin: transaction.origin, changes: transaction.changes, start: 0)
        }
        page = next
        return taken
    }

    // MARK: the budget

    package var isOverBudget: Bool { openMemory > limits.memory }

    /// Spills the largest open transactions until the budget holds.
    package mutating func makeRoom() throws(SpillError) {
        while isOverBudget {
            let buffers = streamed.values.map(\.buffer) + (open?.buffer.map { [$0] } ?? [])
            guard let largest = buffers.max(by: { $0.memory < $1.memory }), largest.memory > 0 else { return }
            try largest.spill(into: directory, afterBlock: afterSpilledBlock)
        }
    }
}
