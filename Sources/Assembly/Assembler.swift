// Messages in, whole transactions out, in commit order. Small transactions lie one after another in a page; a large one
// and every streamed one has its own buffer. One byte budget holds for everything open: past it the largest goes to a
// spill file. Runs on the receiving thread; does no waiting. Ends (commits, positions) count, never begins.
//
// What tandem itself wrote on the source comes back here with the name of one of its replication origins: it is nobody's
// change, takes no memory, and only its end counts. The server says the name before the first change, also of a transaction
// that it sends while it is open.

internal import Bytes
package import Model
internal import PGOutput
package import Spill

package struct AssemblyError: Explained, Equatable {
    package let problem: String

    package init(problem: String) { self.problem = problem }

    package var description: String { "the source's replication stream makes no sense: \(problem)" }
    package var hint: String? { "the stream starts again from what is applied; if it repeats, report it" }
}

package final class Assembler {
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
        /// Its origin is one of ours.
        var isOurs = false
        var writer = 0
        var changes = 0
        /// Where its records begin in the page; meaningless once it has its own buffer.
        let start: Int
        var buffer: TransactionBuffer?
    }

    private struct Streamed {
        let buffer: TransactionBuffer
        var origin: String?
        var isOurs = false
        var writer = 0
        var changes = 0
        /// How this transaction alone sees tables it has altered.
        var shapes: [UInt32: Described] = [:]
    }

    private struct Described {
        let shape: RelationShape
        /// Descriptions are counted: of two, the later one holds.
        let order: Int
    }

    private let book: ShapeBook
    private let limits: Limits
    private let directory: SpillDirectory
    private let isOwn: (String) -> Bool
    private let afterSpilledBlock: () -> Void
    /// Prefix and content of a logical message; the bytes live as long as the call. What it says of who writes, as a number; 0
    /// when nothing.
    private let heard: (String, UnsafeRawBufferPointer, LSN) -> Int

    private var decoder = Decoder()
    private var shapes: [UInt32: Described] = [:]
    private var descriptions = 0
    /// The table of the last change, while nothing but changes comes.
    private var current: (relation: UInt32, shape: Int)?
    private var open: Open?
    private var streamed: [UInt32: Streamed] = [:]
    /// Of the streamed transaction whose block is open.
    private var block: TransactionBuffer?
    /// The block's transaction is one of ours.
    private var skipsBlock = false
    private var page = ByteBuffer(capacity: 1 << 16)
    private var ready: [Transaction] = []

    /// Transactions that end here or before are already on the target.
    private let applied: LSN
    /// End of the last transaction delivered or skipped.
    package private(set) var delivered: LSN
    /// Transactions with changes that tandem itself had written on the source, and so were left out.
    package private(set) var skipped = 0

    /// `isOwn` says whether an origin's name is one of tandem's own for this pair.
    package init(
        book: ShapeBook, limits: Limits, directory: SpillDirectory, applied: LSN,
        isOwn: @escaping (String) -> Bool = { _ in false }, afterSpilledBlock: @escaping () -> Void = {},
        heard: @escaping (String, UnsafeRawBufferPointer, LSN) -> Int = { _, _, _ in 0 }
    ) {
        self.heard = heard
        self.book = book
        self.limits = limits
        self.directory = directory
        self.applied = applied
        self.isOwn = isOwn
        self.afterSpilledBlock = afterSpilledBlock
        delivered = applied
    }

    // MARK: what is held

    /// Bytes of open transactions that are large or streamed.
    package private(set) var openMemory = 0

    package var openTransactions: Int { streamed.count + (open == nil ? 0 : 1) }

    /// Bytes of whole transactions not taken yet.
    package private(set) var readyBytes = 0

    /// Between transactions: a position heard now is above everything delivered.
    package var isBetweenTransactions: Bool { open == nil && decoder.streaming == nil }

    // MARK: in

    package func take(_ bytes: UnsafeRawBufferPointer) throws {
        let message = try decoder.decode(bytes)
        if case .change(let kind, let xid, let relation, let rows) = message {
            return try append(kind, shape: try number(relation), subtransaction: xid, rows: rows)
        }
        current = nil
        switch message {
        case .begin(let xid, _, _): try begin(xid)
        case .commit(let commit): try finish(commit)
        case .origin(let name): note(origin: name)
        case .relation(let message): note(message)
        case .type(let oid, let name): book.note(type: oid, name: name)
        case .truncate(let xid, let message): try truncate(message, subtransaction: xid)
        case .change: break
        case .logicalMessage(let prefix, let content, let position): note(writer: heard(prefix, content, position))
        case .streamStart(let xid, let first): try startBlock(xid, first: first)
        case .streamStop: (block, skipsBlock) = (nil, false)
        case .streamCommit(let xid, let commit): try finish(streamed: xid, commit)
        case .streamAbort(let xid, let sub): try abort(xid, subtransaction: sub)
        }
    }

    /// Streamed transactions begin, commit and abort between others, and nothing else comes inside a block.
    private func checkBetween(_ what: String) throws {
        guard isBetweenTransactions else { throw AssemblyError(problem: "\(what) inside another transaction") }
    }

    private func begin(_ xid: UInt32) throws {
        try checkBetween("a transaction begins")
        open = Open(xid: xid, start: page.count)
    }

    private func note(origin name: String) {
        let isOurs = isOwn(name)
        if let xid = decoder.streaming {
            streamed[xid]?.origin = name
            streamed[xid]?.isOurs = isOurs
            skipsBlock = isOurs
        } else {
            open?.origin = name
            open?.isOurs = isOurs
        }
    }

    private func note(writer: Int) {
        guard writer != 0 else { return }
        if let xid = decoder.streaming { streamed[xid]?.writer = writer } else { open?.writer = writer }
    }

    private func note(_ message: RelationMessage) {
        descriptions += 1
        let known = decoder.streaming.flatMap { streamed[$0]?.shapes[message.oid] } ?? shapes[message.oid]
        let described = Described(shape: book.add(message, after: known?.shape), order: descriptions)
        if let xid = decoder.streaming {
            streamed[xid]?.shapes[message.oid] = described
        } else {
            shapes[message.oid] = described
        }
    }

    /// The number of a table's shape. The server describes a table anew inside every streamed transaction.
    private func number(_ relation: UInt32) throws -> Int {
        if let current, current.relation == relation { return current.shape }
        let described: Described?
        if let xid = decoder.streaming {
            described = streamed[xid]?.shapes[relation]
        } else {
            described = shapes[relation]
        }
        guard let described else {
            throw AssemblyError(problem: "a change of table \(relation), which was not described")
        }
        current = (relation, described.shape.number)
        return described.shape.number
    }

    private func append(
        _ kind: ChangeKind, shape: Int, subtransaction: UInt32, rows: UnsafeRawBufferPointer
    ) throws {
        if let block, skipsBlock {
            streamed[block.xid]?.changes += 1
            return
        }
        if block == nil, open?.isOurs == true {
            open?.changes += 1
            return
        }
        if let buffer = block ?? open?.buffer {
            openMemory += buffer.append(kind, shape: shape, subtransaction: subtransaction, rows: rows)
        }
        if block != nil { return }
        guard open != nil else { throw AssemblyError(problem: "a change outside any transaction") }
        open?.changes += 1
        guard open?.buffer == nil else { return }
        ChangeRecord.append(to: page, kind, shape: shape, subtransaction: 0, rows: rows)
        moveOutWhenLarge()
    }

    /// A transaction that outgrows the page gets a buffer of its own, which can spill.
    private func moveOutWhenLarge() {
        guard let transaction = open, page.count - transaction.start > limits.small else { return }
        let buffer = TransactionBuffer(xid: transaction.xid)
        let records = UnsafeRawBufferPointer(
            start: page.base + transaction.start, count: page.count - transaction.start)
        buffer.append(records: records, changes: transaction.changes)
        openMemory += buffer.memory
        page.truncate(to: transaction.start)
        open?.buffer = buffer
    }

    private func truncate(_ message: TruncateMessage, subtransaction: UInt32) throws {
        let shapes = try message.relations.map { try number($0) }
        let rows = TruncateRecord.rows(shapes, cascade: message.cascade, restartIdentity: message.restartIdentity)
        try withExtendedLifetime(rows) {
            try append(.truncate, shape: 0, subtransaction: subtransaction, rows: rows.bytes)
        }
    }

    // MARK: streamed transactions

    private func startBlock(_ xid: UInt32, first: Bool) throws {
        guard open == nil, block == nil else { throw AssemblyError(problem: "a block begins inside a transaction") }
        // A first block of a known transaction: the server sends it again from its beginning.
        if first, let old = streamed.removeValue(forKey: xid)?.buffer { forget(old) }
        if first { streamed[xid] = Streamed(buffer: TransactionBuffer(xid: xid)) }
        block = streamed[xid]?.buffer
        skipsBlock = streamed[xid]?.isOurs ?? false
        guard block != nil else {
            throw AssemblyError(problem: "streamed transaction \(xid) goes on, but its beginning never came")
        }
    }

    private func abort(_ xid: UInt32, subtransaction: UInt32) throws {
        try checkBetween("a streamed transaction aborts")
        if xid != subtransaction {
            streamed[xid]?.buffer.rollBack(subtransaction: subtransaction)
        } else if let buffer = streamed.removeValue(forKey: xid)?.buffer {
            forget(buffer)
        }
    }

    private func forget(_ buffer: TransactionBuffer) {
        openMemory -= buffer.memory
        buffer.discard()
    }

    private func finish(streamed xid: UInt32, _ commit: CommitMessage) throws {
        try checkBetween("a streamed transaction commits")
        guard let transaction = streamed.removeValue(forKey: xid) else {
            throw AssemblyError(problem: "streamed transaction \(xid) commits and was not started")
        }
        openMemory -= transaction.buffer.memory
        shapes.merge(transaction.shapes) { $0.order > $1.order ? $0 : $1 }
        let changes = transaction.isOurs ? transaction.changes : transaction.buffer.changes
        deliver(
            xid, commit, (transaction.origin, transaction.isOurs, transaction.writer), changes,
            .buffer(transaction.buffer))
    }

    // MARK: out

    private func finish(_ commit: CommitMessage) throws {
        guard let transaction = open else { throw AssemblyError(problem: "a commit without a transaction") }
        open = nil
        openMemory -= transaction.buffer?.memory ?? 0
        let content =
            transaction.buffer.map { Transaction.Content.buffer($0) }
            ?? .slice(page, from: transaction.start, count: page.count - transaction.start)
        deliver(
            transaction.xid, commit, (transaction.origin, transaction.isOurs, transaction.writer), transaction.changes,
            content)
    }

    private func deliver(
        _ xid: UInt32, _ commit: CommitMessage, _ from: (origin: String?, isOurs: Bool, writer: Int), _ changes: Int,
        _ content: Transaction.Content
    ) {
        let known = commit.end <= applied
        delivered = max(delivered, commit.end)
        switch content {
        case .slice(_, let start, _) where known || changes == 0 || from.isOurs: page.truncate(to: start)
        case .buffer(let buffer) where known || from.isOurs: buffer.discard()
        default: break
        }
        guard !known, changes > 0 else { return }
        guard !from.isOurs else { return skipped += 1 }
        let transaction = Transaction(
            xid: xid, commit: commit, origin: from.origin, changes: changes, writer: from.writer, content: content)
        readyBytes += transaction.bytes
        ready.append(transaction)
    }

    /// The whole transactions so far. Records of one still open move to the next page.
    package func takeReady() -> [Transaction] {
        guard !ready.isEmpty else { return [] }
        let taken = ready
        ready = []
        readyBytes = 0
        let next = ByteBuffer(capacity: 1 << 16)
        if let transaction = open, transaction.buffer == nil {
            next.append(page.base + transaction.start, page.count - transaction.start)
            open = Open(
                xid: transaction.xid, origin: transaction.origin, isOurs: transaction.isOurs,
                writer: transaction.writer, changes: transaction.changes, start: 0)
        }
        page = next
        return taken
    }

    // MARK: the budget

    package var isOverBudget: Bool { openMemory > limits.memory }

    /// Spills the largest open transactions until the budget holds.
    package func makeRoom() throws(SpillError) {
        while isOverBudget {
            let buffers = streamed.values.map(\.buffer) + (open?.buffer.map { [$0] } ?? [])
            guard let largest = buffers.max(by: { $0.memory < $1.memory }), largest.memory > 0 else { return }
            let before = largest.memory
            defer { openMemory -= before - largest.memory }
            try largest.spill(into: directory, afterBlock: afterSpilledBlock)
        }
    }
}
