// What has been delivered and not yet taken into a batch: a cursor over deliveries, so that a batch can stop in front of
// a transaction that has to wait (a large one, or one of a table not looked up yet).

internal import Assembly
internal import Bytes
internal import Model
internal import PGOutput
internal import Threading

struct Intake {
    private let queue: BoundedQueue<Delivery>
    private var waiting: [Delivery] = []
    private var delivery = 0
    private var transaction = 0
    /// The highest position known to have nothing below it that is not delivered.
    private(set) var quiet = LSN.zero
    private(set) var hasEnded = false

    init(_ queue: BoundedQueue<Delivery>) { self.queue = queue }

    /// The next transaction, without taking it.
    mutating func peek() -> Transaction? {
        while true {
            if delivery == waiting.count {
                waiting = queue.takeAll()
                delivery = 0
                transaction = 0
                if waiting.isEmpty { return nil }
            }
            switch waiting[delivery] {
            case .transactions(let list) where transaction < list.count: return list[transaction]
            case .transactions: transaction = 0
            case .quiet(let position): quiet = max(quiet, position)
            case .end: hasEnded = true
            }
            // What was taken is freed at once, not with the last of its neighbours.
            waiting[delivery] = .transactions([])
            delivery += 1
        }
    }

    mutating func advance() { transaction += 1 }
}

extension Transaction {
    /// The shapes of every change in a transaction that lies in memory, by walking over the heads.
    func visitShapes(_ body: (Int) -> Void) {
        guard case .slice(let page, let from, let count) = content else { return }
        UnsafeRawBufferPointer(start: page.base + from, count: count).visitShapes(body)
    }
}

extension UnsafeRawBufferPointer {
    /// Changes that were rolled back ask for nothing: what they altered was never so.
    func visitShapes(without rolledBack: Set<UInt32> = [], _ body: (Int) -> Void) {
        var cursor = ByteCursor(self)
        while let record = try? ChangeRecord.next(&cursor) {
            if rolledBack.contains(record.subtransaction) { continue }
            if record.kind == .truncate {
                (try? TruncateRecord(record.rows))?.shapes.forEach(body)
            } else {
                body(record.shape)
            }
        }
    }
}
