// From the replication stream to the applying thread with nobody in between. While little comes, and the applying thread
// waits for nothing else, a thread that is woken only to wake it costs more than it does: then the applying thread waits for
// the stream's socket itself, and does there what the receiving one would have done.
//
//     open     source ─────────────────────▶ apply          one thread is woken for a transaction
//     closed   source ─▶ receive ─▶ queue ─▶ apply          both processors are used
//
// The receiving thread opens it and, whatever happens, still tells the source what is durable. It is closed when more comes
// than one thread should do, and when the applying one has something to do that may take long. Nobody touches the stream's
// connection but under this lock.

internal import Synchronization
package import Threading

package final class Shortcut: Sendable {
    /// By itself in a generic place, a function is wrapped once more each time it is looked at.
    private struct Reader {
        var read: (() -> Bool)?
    }

    private let reader = Monitor(Reader())
    /// The stream's socket while it is open.
    private let opened = Atomic<Int32>(shut)
    private let wanted = Atomic<Bool>(false)
    private static let shut: Int32 = -1
    /// Readable when the applying thread has closed it.
    package let closed = Wakeup()

    package init() {}

    // MARK: the receiving thread

    /// What the applying thread does when the socket is readable, under the lock; false when it is to be closed.
    package func lead(to read: @escaping () -> Bool) { reader.withLock { $0.read = read } }

    /// Nobody reads any more.
    package func end() {
        takeBack()
        reader.withLock { $0.read = nil }
    }

    /// With nobody else at the stream's connection.
    package func alone<Result>(_ body: () throws -> Result) throws -> Result {
        try reader.withLock { _ in try body() }
    }

    package var isOpen: Bool { opened.load(ordering: .acquiring) != Self.shut }

    /// Where the applying thread has nothing else to wait for. Whoever opens it wakes it, which may sleep without it.
    package func open(_ socket: Int32) -> Bool {
        guard wanted.load(ordering: .sequentiallyConsistent) else { return false }
        opened.store(socket, ordering: .sequentiallyConsistent)
        // It may have begun something else in between, and found nothing to close.
        if !wanted.load(ordering: .sequentiallyConsistent) { takeBack() }
        return isOpen
    }

    /// For the receiving thread again, without a word to it.
    package func takeBack() { opened.store(Self.shut, ordering: .sequentiallyConsistent) }

    // MARK: the applying thread

    /// The socket to wait for beside everything else.
    package var socket: Int32? {
        wanted.store(true, ordering: .sequentiallyConsistent)
        let socket = opened.load(ordering: .acquiring)
        return socket == Self.shut ? nil : socket
    }

    /// What has come is in the queue afterwards.
    package func read() {
        let isOver = reader.withLock { reader in
            guard isOpen, let read = reader.read else { return false }
            return !read()
        }
        if isOver { giveBack() }
    }

    /// Something else comes first, for who knows how long.
    package func close() {
        wanted.store(false, ordering: .sequentiallyConsistent)
        giveBack()
    }

    private func giveBack() {
        guard opened.exchange(Self.shut, ordering: .sequentiallyConsistent) != Self.shut else { return }
        closed.raise()
    }
}
