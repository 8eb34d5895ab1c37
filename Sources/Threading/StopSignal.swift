// The one way to ask threads to end: raised once, never lowered. Pollable beside sockets, awaitable beside nothing.

internal import Glibc
internal import Synchronization

package final class StopSignal: Sendable {
    private let raised = Atomic<Bool>(false)
    private let wakeup = Wakeup()

    package init() {}

    package var isRaised: Bool { raised.load(ordering: .acquiring) }

    /// Readable once the signal is raised, and for ever after.
    package var descriptor: Int32 { wakeup.descriptor }

    /// Safe inside a signal handler: an atomic store and a write to an eventfd.
    package func raise() {
        raised.store(true, ordering: .releasing)
        wakeup.raise()
    }

    /// Sleeps at most `seconds`; true when the signal was raised meanwhile.
    @discardableResult
    package func wait(seconds: Double) -> Bool {
        Poll.wait(for: [.readable(descriptor)], until: Monotonic.now.adding(seconds: seconds))
        return isRaised
    }
}
