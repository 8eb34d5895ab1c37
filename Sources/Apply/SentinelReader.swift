// Finds a mark at which the stream has to halt, in a transaction that is about to be taken. It is the only change of its
// transaction, so most transactions are told by their first record.

internal import Assembly
internal import Batching
internal import Bytes
internal import Model
internal import PGOutput
internal import State

struct SentinelReader {
    private let stream: StreamName
    private let book: ShapeBook
    private var rows = RowPair()
    /// Shapes that were looked up: whether they are the heartbeat table's.
    private var known: [Int: Bool] = [:]
    /// A mark's transaction is no larger.
    private static let most = 1024

    init(_ setup: ApplySetup) { (stream, book) = (setup.stream, setup.book) }

    mutating func halt(in transaction: Transaction) -> Sentinel? {
        switch transaction.content {
        case .slice(let page, let from, let count):
            guard count <= Self.most else { return nil }
            return halt(in: UnsafeRawBufferPointer(start: page.base + from, count: count))
        case .buffer(let buffer):
            let scratch = ByteBuffer()
            guard buffer.pieces == 1, let piece = try? buffer.piece(0, scratch: scratch), piece.count <= Self.most
            else { return nil }
            return withExtendedLifetime(scratch) { halt(in: piece) }
        }
    }

    private mutating func halt(in records: UnsafeRawBufferPointer) -> Sentinel? {
        var cursor = ByteCursor(records)
        guard let record = try? ChangeRecord.next(&cursor), record.kind != .truncate, isHeartbeat(record.shape),
            let shape = book[record.shape], (try? rows.read(record.rows)) != nil,
            let found = Heartbeat.sentinel(rows.new, shape, stream), found.kind == .halt
        else { return nil }
        return found
    }

    private mutating func isHeartbeat(_ shape: Int) -> Bool {
        if let answer = known[shape] { return answer }
        let answer = book[shape]?.name == Heartbeat.table
        known[shape] = answer
        return answer
    }
}
