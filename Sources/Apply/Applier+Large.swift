// A large transaction goes to the target in pieces of one target transaction: it becomes visible whole, and memory
// never holds more than two pieces. While the target works on one the next is read and put together, and what the target has
// room for is sent meanwhile. Pieces that only insert into one table go by COPY, one that goes on for several pieces.

internal import Assembly
internal import Batching
internal import Bytes
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import Spill

extension Applier {
    /// Inside an open target transaction. `total` only counts; `shapes` are those it met.
    func applyLarge(
        _ buffer: TransactionBuffer, counting total: Batch, _ shapes: inout Set<Int>
    ) throws -> ApplyFailure? {
        guard let failure = try applyPieces(of: buffer, counting: total, &shapes) else { return nil }
        // What is still being copied is rolled back with the rest; the first reason counts.
        _ = try finishCopy()
        return failure
    }

    private func applyPieces(
        of buffer: TransactionBuffer, counting total: Batch, _ shapes: inout Set<Int>
    ) throws -> ApplyFailure? {
        var piece = Batch()
        for index in 0..<buffer.pieces {
            let bytes = ByteBuffer(capacity: 1024)
            if index < (buffer.spilled?.blocks ?? 0) {
                try buffer.spilled?.block(index, into: bytes)
            } else {
                bytes.append(try buffer.piece(index, scratch: bytes))
            }
            if let failure = try resolve(bytes.bytes, without: buffer.rolledBack, closing: &piece, total) {
                return failure
            }
            bytes.bytes.visitShapes(without: buffer.rolledBack) { shapes.insert($0) }
            do throws(BatchError) {
                try piece.add(piece: bytes, without: buffer.rolledBack, plans: mappings.plan)
            } catch {
                return .batch(error, table: table(of: error))
            }
            if isSending { _ = try writer.connection.push(doing: Self.doing) }
            if piece.bytes >= Self.pieceSize, let failure = try send(&piece, total) { return failure }
            Failpoint.pass(.duringLargeTransaction)
        }
        return try send(&piece, total) ?? finishOpenGroup()
    }

    private static var pieceSize: Int { 2 << 20 }
    private static var doing: String { "applying a large transaction" }
    private var isSending: Bool { copying != nil || writer.openGroups > 0 }

    /// Tables not seen before are looked up between pieces, when the connection is free.
    private func resolve(
        _ records: UnsafeRawBufferPointer, without rolledBack: Set<UInt32>, closing piece: inout Batch,
        _ total: Batch
    ) throws -> ApplyFailure? {
        var isKnown = true
        records.visitShapes(without: rolledBack) { if mappings.plan($0) == nil { isKnown = false } }
        if isKnown { return nil }
        if let failure = try send(&piece, total) { return failure }
        if let failure = try finishOpenGroup() { return failure }
        return try resolve(records, without: rolledBack)
    }

    /// One piece runs on the target while the next is read and put together.
    private func send(_ piece: inout Batch, _ total: Batch) throws -> ApplyFailure? {
        total.count(piece)
        let batch = piece
        piece = Batch()
        if !setup.hasTwins, let rows = batch.asCopy(mappings, goingOn: copying?.mapping) {
            return try withExtendedLifetime(batch) { try copy(rows) }
        }
        if let failure = try finishOpenGroup() { return failure }
        try writer.queue(batch)
        try writer.queueSync()
        _ = try writer.connection.push(doing: Self.doing)
        return nil
    }

    private func finishOpenGroup() throws -> ApplyFailure? {
        if let failure = try finishCopy() { return failure }
        while writer.openGroups > 0 {
            if case .failed(let failure) = try writer.wait(doing: Self.doing) { return failure }
        }
        return nil
    }

    // MARK: COPY

    /// A COPY that more pieces may add to.
    struct OpenCopy {
        let mapping: TableMapping
        var bytes = 0

        var doing: String { "copying rows into \(mapping.table.name)" }
        /// The target tells what it cannot take only at the end: that must not be too far away.
        var isLong: Bool { bytes >= 32 << 20 }
    }

    /// Behind what is on its way; returns when most of it is sent.
    private func copy(_ rows: CopyRows) throws -> ApplyFailure? {
        if let open = copying, open.mapping !== rows.mapping || open.isLong, let failure = try finishCopy() {
            return failure
        }
        if copying == nil, let failure = try finishOpenGroup() ?? startCopy(rows) { return failure }
        guard let doing = copying?.doing else { return nil }
        // Of the piece before: no more than that may wait here.
        try writer.connection.flush(doing: doing)
        copying?.bytes += try rows.encode { part throws(PostgresError) in
            try writer.connection.addCopy(part, doing: doing)
        }
        return nil
    }

    private func startCopy(_ rows: CopyRows) throws -> ApplyFailure? {
        let open = OpenCopy(mapping: rows.mapping)
        try writer.connection.leavePipeline()
        do throws(PostgresError) {
            try writer.connection.startCopy(rows.sql, doing: open.doing)
            try writer.connection.addCopy(CopyRows.head.bytes, doing: open.doing)
        } catch {
            return try notCopied(open, error)
        }
        copying = open
        return nil
    }

    private func finishCopy() throws -> ApplyFailure? {
        guard let open = copying else { return nil }
        copying = nil
        do throws(PostgresError) {
            try writer.connection.addCopy(CopyRows.tail.bytes, doing: open.doing)
            _ = try writer.connection.endCopy(doing: open.doing)
        } catch {
            return try notCopied(open, error)
        }
        try writer.connection.enterPipeline()
        return nil
    }

    private func notCopied(_ open: OpenCopy, _ error: PostgresError) throws -> ApplyFailure {
        if error.sqlState == nil { throw error }
        try writer.connection.enterPipeline()
        return .server(error, table: open.mapping.table.name)
    }
}

/// Rows for a COPY in binary.
struct CopyRows {
    let mapping: TableMapping
    private let rows: [RowReference]
    private let buffer = ByteBuffer(capacity: 1 << 18)

    init(_ mapping: TableMapping, rows: [RowReference]) { (self.mapping, self.rows) = (mapping, rows) }

    /// Before the first row of a COPY, and after the last. Only read.
    static let head = {
        let head = ByteBuffer(capacity: 32)
        head.append(text: "PGCOPY\n")
        head.append(bigEndian: UInt32(0xff0d_0a00))
        head.append(bigEndian: Int32(0))
        head.append(bigEndian: Int32(0))
        return head
    }()

    static let tail = {
        let tail = ByteBuffer(capacity: 2)
        tail.append(bigEndian: Int16(-1))
        return tail
    }()

    /// Part by part; how many bytes they were.
    func encode<Failure: Error>(_ give: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) -> Int {
        let carried = mapping.plan.carried
        var tuple = Tuple()
        var total = 0
        for row in rows {
            row.read(into: &tuple)
            buffer.append(bigEndian: Int16(carried.count))
            for index in carried { append(tuple.columns[index]) }
            guard buffer.count >= Self.part else { continue }
            total += buffer.count
            try give(buffer.bytes)
            buffer.truncate()
        }
        guard buffer.count > 0 else { return total }
        total += buffer.count
        try give(buffer.bytes)
        return total
    }

    private static let part = 1 << 18

    private func append(_ column: Tuple.Column) {
        if column.state == .binary {
            buffer.append(column.start, column.length + 4)
        } else {
            buffer.append(bigEndian: Int32(-1))
        }
    }

    var sql: String {
        let names = mapping.plan.carried.map { mapping.column($0).sql }.joined(separator: ", ")
        return "COPY \(mapping.table.name.sql) (\(names)) FROM STDIN (FORMAT binary)"
    }
}

extension Batch {
    private static var worthCopying: Int { 500 }

    /// The rows to copy, when this batch is nothing but many inserts into one table whose types match exactly, or any number
    /// into the one that is being copied.
    func asCopy(_ mappings: Mappings, goingOn open: TableMapping?) -> CopyRows? {
        guard changes >= (open == nil ? Self.worthCopying : 1), leftOut == 0, noted.isEmpty, notedWhole.isEmpty,
            segments.count == 1,
            segments[0].truncation == nil,
            segments[0].tables.count == 1
        else { return nil }
        let table = segments[0].tables[0]
        let rows: [RowReference]
        if !table.inserts.isEmpty {
            rows = table.inserts
        } else if !table.keyed.entries.isEmpty, table.keyed.entries.allSatisfy({ $0.kind == .insert }) {
            rows = table.keyed.entries.map(\.new)
        } else {
            rows = table.images.pairs.compactMap { $0.old == nil ? $0.new : nil }
            guard rows.count == table.images.pairs.count else { return nil }
        }
        guard let first = rows.first, rows.allSatisfy({ $0.shape == first.shape }),
            let mapping = mappings.mapping(ofShape: first.shape), mapping.isCopyable,
            changes >= Self.worthCopying || mapping === open
        else { return nil }
        return CopyRows(mapping, rows: rows)
    }
}
