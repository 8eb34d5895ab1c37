// An event that can be polled beside a socket: `raise` from any thread makes it readable until it is lowered. Whether there is
// anything to lower is known without asking the kernel: whoever looks at every turn mostly finds nothing.

internal import CLinux
internal import Glibc
internal import Synchronization

package final class Wakeup: Sendable {
    package let descriptor: Int32
    /// Set behind the write and unset before the read: one that is readable is not passed over for long, it is met again.
    private let isRaised = Atomic<Bool>(false)

    package init() {
        descriptor = tandem_eventfd()
        precondition(descriptor >= 0, "eventfd: no descriptor left; raise the limit of open files (ulimit -n)")
    }

    deinit { close(descriptor) }

    /// Safe inside a signal handler.
    package func raise() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
        isRaised.store(true, ordering: .releasing)
    }

    /// Whether it was raised since it was last lowered; lowers it.
    package func take() -> Bool {
        guard isRaised.load(ordering: .acquiring), isRaised.exchange(false, ordering: .acquiringAndReleasing) else {
            return false
        }
        var value: UInt64 = 0
        return read(descriptor, &value, 8) == 8
    }

    package func lower() { _ = take() }
}
