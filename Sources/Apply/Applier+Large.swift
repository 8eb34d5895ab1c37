// A large transaction goes to the target in pieces of one target transaction: it becomes visible whole, and memory
// never holds more than a piece. Pieces that only insert into one table go by COPY.

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
            if piece.bytes >= Self.pieceSize, let failure = try send(&piece, total) { return failure }
            Failpoint.pass(.duringLargeTransaction)
        }
        return try send(&piece, total) ?? finishOpenGroup()
    }

    private static var pieceSize: Int { 2 << 20 }

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
        if let failure = try finishOpenGroup() { return failure }
        total.count(piece)
        let batch = piece
        piece = Batch()
        if !setup.hasTwins, let copy = batch.asCopy(mappings) {
            return try writer.outsidePipeline { try self.copy(copy) }
        }
        try writer.queue(batch)
        try writer.queueSync()
        _ = try writer.connection.push(doing: "applying a large transaction")
        return nil
    }

    private func finishOpenGroup() throws -> ApplyFailure? {
        while writer.openGroups > 0 {
            if case .failed(let failure) = try writer.wait(doing: "applying a large transaction") { return failure }
        }
        return nil
    }

    // MARK: COPY

    private func copy(_ copy: CopyRows) throws -> ApplyFailure? {
        let table = copy.mapping.table.name
        let doing = "copying rows into \(table)"
        do throws(PostgresError) {
            try writer.connection.startCopy(copy.sql, doing: doing)
            try writer.connection.putCopy(copy.bytes, doing: doing)
            _ = try writer.connection.endCopy(doing: doing)
            return nil
        } catch {
            if error.sqlState == nil { throw error }
            return .server(error, table: table)
        }
    }
}

/// Rows for one COPY in binary.
struct CopyRows {
    let mapping: TableMapping
    private let buffer = ByteBuffer(capacity: 1 << 20)

    init(_ mapping: TableMapping, rows: some Sequence<RowReference>) {
        self.mapping = mapping
        buffer.append(text: "PGCOPY\n")
        buffer.append(bigEndian: UInt32(0xff0d_0a00))
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: Int32(0))
        let carried = mapping.plan.carried
        var tuple = Tuple()
        for row in rows {
            row.read(into: &tuple)
            buffer.append(bigEndian: Int16(carried.count))
            for index in carried { append(tuple.columns[index]) }
        }
        buffer.append(bigEndian: Int16(-1))
    }

    private func append(_ column: Tuple.Column) {
        if column.state == .binary {
            buffer.append(column.start, column.length + 4)
        } else {
            buffer.append(bigEndian: Int32(-1))
        }
    }

    var bytes: UnsafeRawBufferPointer { buffer.bytes }

    var sql: String {
        let names = mapping.plan.carried.map { mapping.column($0).sql }.joined(separator: ", ")
        return "COPY \(mapping.table.name.sql) (\(names)) FROM STDIN (FORMAT binary)"
    }
}

extension Batch {
    private static var worthCopying: Int { 500 }

    /// The rows to copy, when this batch is nothing but many inserts into one table whose types match exactly.
    func asCopy(_ mappings: Mappings) -> CopyRows? {
        guard changes >= Self.worthCopying, leftOut == 0, noted.isEmpty, notedWhole.isEmpty, segments.count == 1,
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
            let mapping = mappings.mapping(ofShape: first.shape), mapping.isCopyable
        else { return nil }
        return CopyRows(mapping, rows: rows)
    }
}
