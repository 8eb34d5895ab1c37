// When a source that sends nothing is asked, and when that is said.

import Testing
import Threading

@testable import Stream

@Suite struct SilenceTests {
    private static let start = Monotonic.now

    private func after(_ seconds: Double) -> Monotonic { Self.start.adding(seconds: seconds) }

    @Test func itIsAskedBeforeItIsSaidAndSaidOnce() {
        var silence = Silence(longest: 10, at: Self.start)
        #expect([4, 6].map { silence.isToBeAsked(at: after($0)) } == [false, true])
        let begins = [9, 11, 12].map { silence.hasBegun(at: after($0)) }
        #expect(begins == [false, true, false])
        let ends = [13, 14].map { silence.ends(at: after($0)) }
        #expect(ends == [true, false])
        #expect(!silence.isToBeAsked(at: after(18)))
        let beginsAgain = [23, 25].map { silence.hasBegun(at: after($0)) }
        #expect(beginsAgain == [false, true])
    }

    @Test func whatIsNotListenedForIsNotMissed() {
        var silence = Silence(longest: 10, at: Self.start)
        silence.notListening(at: after(9))
        let begins = [18, 20].map { silence.hasBegun(at: after($0)) }
        #expect(begins == [false, true])
    }
}
