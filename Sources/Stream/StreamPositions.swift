// The positions the threads of a stream share besides what the applier has applied. Atomic; they only grow.

internal import Model
internal import Synchronization
internal import Threading

final class StreamPositions: Sendable {
    private let receivedEnd = Atomic<UInt64>(0)
    private let durableEnd: Atomic<UInt64>
    private let spilledBytes = Atomic<Int>(0)
    private let skippedCount = Atomic<Int>(0)

    /// Raised when more became durable, so that the source is told soon.
    let durableMoved = Wakeup()

    init(durable: LSN) { durableEnd = Atomic(durable.raw) }

    var received: LSN {
        get { LSN(receivedEnd.load(ordering: .relaxed)) }
        set { receivedEnd.store(newValue.raw, ordering: .relaxed) }
    }

    /// What the target holds even if it crashes now: the only position the source is ever told to forget.
    var durable: LSN { LSN(durableEnd.load(ordering: .acquiring)) }

    func nowDurable(_ position: LSN) {
        guard position > durable else { return }
        durableEnd.store(position.raw, ordering: .releasing)
        durableMoved.raise()
    }

    /// Transactions that tandem itself had written on the source.
    var skipped: Int {
        get { skippedCount.load(ordering: .relaxed) }
        set { skippedCount.store(newValue, ordering: .relaxed) }
    }

    var spilled: Int {
        get { spilledBytes.load(ordering: .relaxed) }
        set { spilledBytes.store(newValue, ordering: .relaxed) }
    }
}
