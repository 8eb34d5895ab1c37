// Who reads the stream: the applying thread only while it waits for nothing else, and never both.

import Glibc
import Synchronization
import Testing
import Threading

@testable import Apply

@Suite struct ShortcutTests {
    private let shortcut = Shortcut()

    private var isClosedRaised: Bool { !Poll.wait(for: [.readable(shortcut.closed.descriptor)], until: .now).isEmpty }

    @Test func nobodyOpensItForWhoDoesNotWait() {
        #expect(!shortcut.open(5))
        #expect(shortcut.socket == nil)
        #expect(shortcut.open(5))
        #expect(shortcut.socket == 5)
        shortcut.close()
        #expect(isClosedRaised)
        #expect(!shortcut.open(5), "it has begun something else")
        #expect(shortcut.socket == nil)
    }

    @Test func itIsReadWhileItIsOpenAndThereIsSomebodyToReadFor() {
        var reads = 0
        shortcut.lead {
            reads += 1
            return reads < 3
        }
        shortcut.read()
        #expect(reads == 0)
        _ = shortcut.socket
        #expect(shortcut.open(5))
        shortcut.read()
        shortcut.read()
        #expect(shortcut.isOpen && !isClosedRaised)
        // More came than one thread should do.
        shortcut.read()
        #expect(!shortcut.isOpen && isClosedRaised)
        shortcut.read()
        #expect(reads == 3)
        #expect(shortcut.open(5))
        shortcut.end()
        shortcut.read()
        #expect(reads == 3 && !shortcut.isOpen)
    }

    @Test func closingWhatIsClosedWakesNobody() {
        _ = shortcut.socket
        shortcut.close()
        #expect(!isClosedRaised)
        _ = shortcut.socket
        #expect(shortcut.open(5))
        shortcut.takeBack()
        shortcut.close()
        #expect(!isClosedRaised)
    }

    /// One opens, the other closes, both as fast as they can: it never stays open for somebody who has said that he is busy.
    @Test(.timeLimit(.minutes(1)))
    func openingAndClosingAtOnceLeavesItClosed() throws {
        let rounds = 1000
        let round = Atomic<Int>(0)
        let opener = try Thread("opener") { [shortcut] in
            while round.load(ordering: .acquiring) < rounds { _ = shortcut.open(5) }
        }
        var left = 0
        for number in 1...rounds {
            _ = shortcut.socket
            shortcut.close()
            if !Self.isShut(shortcut) { left += 1 }
            round.store(number, ordering: .releasing)
        }
        opener.join()
        #expect(left == 0)
        #expect(!shortcut.isOpen)
    }

    /// What is being opened just now is shut at once by whoever opens it.
    private static func isShut(_ shortcut: Shortcut) -> Bool {
        for _ in 0..<1000 where shortcut.isOpen { sched_yield() }
        return !shortcut.isOpen
    }
}
