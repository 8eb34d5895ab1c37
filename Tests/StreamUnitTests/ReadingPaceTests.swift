// How long the receiving thread stays away from its socket: by what came, and where from.

import Testing
import Threading

@testable import Stream

@Suite struct ReadingPaceTests {
    private static let start = Monotonic.now

    /// So many reads, a millisecond apart, and what the last one is answered with.
    private func rest(isWithinOneHost: Bool, reads: Int, messages: Int = 500, bytes: Int = 50_000) -> Double? {
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
        #expect(rest(isWithinOneHost: true, reads: 100, bytes: 500 * ReadingPace.small) == ReadingPace.short)
    }

    @Test func aTransactionOfManyRowsNowAndThenIsNoFlood() {
        var pace = ReadingPace(isWithinOneHost: true)
        for read in 0..<100 {
            let at = Self.start.adding(seconds: Double(read) / 1000)
            let answer = pace.rest(after: read % 10 == 9 ? 0 : 100, bytes: 10_000, at: at)
            #expect(answer == (read % 10 == 9 ? nil : ReadingPace.short))
        }
    }

    /// Staying away makes much of little: what a few hundred transactions a second leave in that time is no flood that goes on.
    @Test func whatALongAbsenceAloneGathersEndsIt() {
        var pace = ReadingPace(isWithinOneHost: true)
        var now = Self.start
        func rest(_ messages: Int) -> Double? {
            now = now.adding(seconds: 0.015)
            return pace.rest(after: messages, bytes: messages * 80, at: now)
        }
        for _ in 0..<3 { _ = rest(50) }
        #expect(rest(ReadingPace.much) == ReadingPace.long)
        #expect(rest(ReadingPace.much) == ReadingPace.long)
        #expect(rest(ReadingPace.much - 1) == nil)
        // And what follows is looked at for as long as at first.
        #expect(rest(50) == ReadingPace.short)
        #expect(rest(50) == ReadingPace.short)
        #expect(rest(50) == ReadingPace.long)
    }
}
