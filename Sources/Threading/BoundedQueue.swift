// A queue between two threads, bounded in bytes. The producer asks for room and never blocks inside `push`, because
// it has a connection to keep alive; the consumer polls the wake-up beside its own socket.

package final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var items: [Element] = []
        var bytes = 0
        var consumerWaits = true
        var producerWaits = false
    }

    private let state = Monitor(State())
    private let limit: Int

    /// Readable when something was pushed to an empty queue.
    package let filled = Wakeup()
    /// Readable when room was made for a producer that found none; the producer lowers it before it asks again.
    package let drained = Wakeup()

    package init(limit: Int) { self.limit = limit }

    package var bytes: Int { state.withLock { $0.bytes } }

    /// One element is always let in, however large: otherwise it could never pass.
    package var hasRoom: Bool {
        state.withLock {
            let room = $0.items.isEmpty || $0.bytes < limit
            $0.producerWaits = !room
            return room
        }
    }

    /// On the consumer's own thread nobody needs to be woken.
    package func push(_ element: Element, bytes: Int, isConsumer: Bool = false) {
        let wake = state.withLock { state in
            state.items.append(element)
            state.bytes += bytes
            let wake = state.consumerWaits
            state.consumerWaits = false
            return wake
        }
        if wake && !isConsumer { filled.raise() }
    }

    /// Everything that is there. When that is nothing, the next push raises `filled`.
    package func takeAll() -> [Element] {
        filled.lower()
        let (items, wake) = state.withLock { state in
            let taken = (state.items, state.producerWaits)
            state.items = []
            state.bytes = 0
            state.consumerWaits = true
            state.producerWaits = false
            return taken
        }
        if wake { drained.raise() }
        return items
    }
}
