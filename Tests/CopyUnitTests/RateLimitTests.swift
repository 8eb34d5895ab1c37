// What `limits.copy_rate` promises: never more bytes than were earned, however many take them; and the switch that holds all.

import Testing
import Threading

@testable import InitialCopy

@Suite struct RateLimitTests {
    /// Takes `bytes` in small steps; seconds that passed.
    private func take(_ bytes: Int, from limit: RateLimit, _ stop: StopSignal = StopSignal()) -> Double {
        let began = Monotonic.now
        for _ in 0..<(bytes / 1000) { limit.took(1000, stop: stop, or: { false }) }
        return began.age
    }

    /// A quarter of a second's bytes may come at once, all further ones are waited for: less time is a limit not kept.
    @Test func noMoreThanWasEarned() {
        #expect(take(500_000, from: RateLimit(bytesPerSecond: 1_000_000)) >= 0.24)
    }

    @Test func allTogether() throws {
        let limit = RateLimit(bytesPerSecond: 1_000_000)
        let began = Monotonic.now
        let workers = try (0..<2).map { _ in
            try Thread("rate") { for _ in 0..<250 { limit.took(1000, stop: StopSignal(), or: { false }) } }
        }
        workers.forEach { $0.join() }
        #expect(began.age >= 0.24)
    }

    /// Time in which nothing was read cannot be saved up for later.
    @Test func restIsNotSaved() {
        let limit = RateLimit(bytesPerSecond: 1_000_000)
        StopSignal().wait(seconds: 0.5)
        #expect(take(400_000, from: limit) >= 0.14)
    }

    /// Whoever gives up, is asked to stop or finds the rest ended goes on.
    @Test func restingHolds() {
        let limit = RateLimit(bytesPerSecond: 0)
        limit.isResting = true
        var asked = 0
        limit.took(1, stop: StopSignal()) {
            asked += 1
            return asked > 2
        }
        #expect(asked == 3)
        let stop = StopSignal()
        stop.raise()
        limit.took(1, stop: stop, or: { false })
        limit.isResting = false
        limit.took(1_000_000_000, stop: StopSignal(), or: { false })
    }
}
