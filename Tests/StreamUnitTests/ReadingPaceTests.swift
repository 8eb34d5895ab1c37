// How long the receiving thread stays away from its socket: by what came, and where from.

import Testing
import Threading

@testable import Stream

@Suite struct ReadingPaceTests {
    private static let start = Monotonic.now

    /// So many reads, a millisecond apart, and what the last one is answered with.
    private func rest(isWithinOneHost: Bool, reads: Int, messages: Int = 100, bytes: Int = 10_000) -> Double? {
        var pace = ReadingPace(isWithinOneHost: isWithinOneHost)
        var answer: Double?
        for read in 0..<reads {
            answer = pace.rest(after: messages, bytes: bytes, at: Self.start.adding(seconds: Double(read) / 1000))
        }
        return answer
    }

    @Test func littleIsWaitedForAtTheSocket() {
        #expect(rest(isWithinOneHost: true, reads: 100, messages: ReadingPace.busy - 1) == nil)
    }

    @Test func aFloodGathersForLongWhereItsPacketsCostUs() {
        #expect(rest(isWithinOneHost: true, reads: 10) == ReadingPace.short)
        #expect(rest(isWithinOneHost: true, reads: 100) == ReadingPace.long)
        #expect(rest(isWithinOneHost: false, reads: 100) == ReadingPace.short)
    }

    @Test func largeMessagesAreNotLeftToGather() {
        #expect(rest(isWithinOneHost: true, reads: 100, bytes: 100 * ReadingPace.small) == ReadingPace.short)
    }

    @Test func aTransactionOfManyRowsNowAndThenIsNoFlood() {
        var pace = ReadingPace(isWithinOneHost: true)
        for read in 0..<100 {
            let at = Self.start.adding(seconds: Double(read) / 1000)
            let answer = pace.rest(after: read % 10 == 9 ? 0 : 100, bytes: 10_000, at: at)
            #expect(answer == (read % 10 == 9 ? nil : ReadingPace.short))
        }
    }
}
