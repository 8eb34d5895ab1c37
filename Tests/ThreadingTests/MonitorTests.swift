// Waiting for another thread's change: seen at once, timed out when there is none, never missed.

import Testing
import Threading

@Suite struct MonitorTests {
    @Test func whatIsThereAlreadyIsNotWaitedFor() {
        let monitor = Monitor(5)
        #expect(monitor.wait(seconds: 0) { $0 == 5 ? "five" : nil } == "five")
        #expect(monitor.wait { $0 } == 5)
    }

    @Test func timeRunsOut() {
        let monitor = Monitor(false)
        let start = Monotonic.now
        #expect(monitor.wait(seconds: 0.05) { $0 ? true : nil } == nil)
        #expect(start.age >= 0.05)
        #expect(start.age < 5)
    }

    @Test func noTimeIsNoWait() {
        let monitor = Monitor(false)
        let start = Monotonic.now
        #expect(monitor.wait(seconds: 0) { $0 ? true : nil } == nil)
        #expect(monitor.wait(seconds: -1) { $0 ? true : nil } == nil)
        #expect(start.age < 2)
    }

    @Test func aChangeWakesEverybodyWhoWaits() throws {
        let monitor = Monitor((open: false, passed: 0))
        let waiting = try (0..<3).map { number in
            try Thread("waiter \(number)") { monitor.wait { state in state.open ? state.passed += 1 : nil } }
        }
        monitor.change { $0.open = true }
        for thread in waiting { thread.join() }
        #expect(monitor.withLock { $0.passed } == 3)
    }

    @Test func twoThreadsTakeTurns() throws {
        let monitor = Monitor(0)
        let rounds = 2_000
        let odd = try Thread("odd") {
            for turn in 0..<rounds { monitor.takeTurn(2 * turn + 1) }
        }
        for turn in 0..<rounds { monitor.takeTurn(2 * turn) }
        odd.join()
        #expect(monitor.withLock { $0 } == 2 * rounds)
    }

    @Test func theLockIsGivenBackWhenTheBodyThrows() {
        struct Refused: Error {}
        let monitor = Monitor(1)
        #expect(throws: Refused.self) {
            try monitor.withLock { (state: inout Int) throws(Refused) -> Int in
                state = 2
                throw Refused()
            }
        }
        #expect(monitor.withLock { $0 } == 2)
    }
}

extension Monitor<Int> {
    fileprivate func takeTurn(_ turn: Int) {
        _ = wait { $0 == turn ? true : nil }
        change { $0 += 1 }
    }
}
