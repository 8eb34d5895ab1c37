// An event that can be polled beside a socket: `raise` from any thread makes it readable until it is lowered.

internal import CLinux
internal import Glibc

package final class Wakeup: Sendable {
    package let descriptor: Int32

    package init() {
        descriptor = tandem_eventfd()
        precondition(descriptor >= 0, "eventfd: no descriptor left; raise the limit of open files (ulimit -n)")
    }

    deinit { close(descriptor) }

    package func raise() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Whether it was raised since it was last lowered; lowers it.
    package func take() -> Bool {
        var value: UInt64 = 0
        return read(descriptor, &value, 8) == 8
    }

    package func lower() {
        var value: UInt64 = 0
        _ = read(descriptor, &value, 8)
    }
}
