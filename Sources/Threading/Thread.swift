// The one place where threads are made. A thread ends when its body returns; whoever made it joins it.

internal import CLinux
internal import Glibc

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

    package init(_ name: String, _ body: @escaping @Sendable () -> Void) {
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
        precondition(outcome == 0, "pthread_create: \(outcome)")
    }

    package func join() { pthread_join(handle, nil) }

    /// Tells one thread from another; only compared, never dereferenced.
    package static var current: UInt { UInt(pthread_self()) }
}
