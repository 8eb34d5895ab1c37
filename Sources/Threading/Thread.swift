// The one place where threads are made. A thread ends when its body returns; whoever made it joins it, or leaves it to
// itself for good.

internal import CLinux
internal import Glibc
internal import Synchronization

/// The system gives this process no more threads.
package struct NoMoreThreads: Error, CustomStringConvertible {
    let code: Int32

    package var description: String {
        "cannot start a thread: \(String(cString: strerror(code))); raise the limit of processes (ulimit -u, or TasksMax"
            + " of the service)"
    }
}

package final class Thread: @unchecked Sendable {  // the handle is written once, before `init` returns
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private var handle = pthread_t()
    private let isLeft = Atomic<Bool>(false)

    package init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(NoMoreThreads) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let outcome = pthread_create(
            &handle, nil,
            { raw in
                guard let raw else { return nil }
                let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                pthread_setname_np(pthread_self(), String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
                start.body()
                return nil
            }, start.toOpaque())
        guard outcome == 0 else {
            start.release()
            throw NoMoreThreads(code: outcome)
        }
    }

    /// Whoever comes second is not held up: the system gives the handle of a thread that was joined to another one, and waiting
    /// for that one may be for ever.
    package func join() { if isTaken() { pthread_join(handle, nil) } }

    /// Nobody will join it: what it holds goes when it ends.
    package func leave() { if isTaken() { pthread_detach(handle) } }

    private func isTaken() -> Bool { !isLeft.exchange(true, ordering: .relaxed) }

    /// Tells one thread from another; only compared, never dereferenced.
    package static var current: UInt { UInt(pthread_self()) }
}
