// Stopping, sleeping, polling and joining: what ends a thread, and what waits for one.

import Testing
import Threading

@Suite struct StopSignalTests {
    @Test func stopsOnceAndForEver() {
        let stop = StopSignal()
        #expect(!stop.isRaised)
        #expect(!stop.wait(seconds: 0))
        stop.raise()
        stop.raise()
        #expect(stop.isRaised)
        #expect(stop.wait(seconds: 60))
        #expect(stop.wait(seconds: 60))
        #expect(Poll.wait(for: [.readable(stop.descriptor)], until: .now) == [0])
    }

    @Test(.timeLimit(.minutes(1)))
    func endsASleepElsewhere() throws {
        let stop = StopSignal()
        let woken = Monitor(false)
        let sleeper = try Thread("sleeper") {
            let raised = stop.wait(seconds: 600)
            woken.change { $0 = raised }
        }
        stop.raise()
        sleeper.join()
        #expect(woken.withLock { $0 })
    }

    @Test func sleepsItsTimeOut() {
        let start = Monotonic.now
        #expect(!StopSignal().wait(seconds: 0.05))
        #expect(start.age >= 0.05)
    }
}

@Suite struct ThreadTests {
    @Test func joinWaitsForTheBody() throws {
        let state = Monitor(0)
        let thread = try Thread("a name longer than the kernel's fifteen bytes") {
            StopSignal().wait(seconds: 0.05)
            state.change { $0 = 1 }
        }
        thread.join()
        #expect(state.withLock { $0 } == 1)
    }

    /// Others have its handle by then.
    @Test(.timeLimit(.minutes(1)))
    func joiningAgainWaitsForNobodyElse() throws {
        let gone = try Thread("gone") {}
        gone.join()
        let hold = StopSignal()
        let others = try (0..<8).map { _ in try Thread("other") { while !hold.wait(seconds: 30) {} } }
        let isBack = Monitor(false)
        let again = try Thread("again") {
            gone.join()
            isBack.change { $0 = true }
        }
        #expect(isBack.wait(seconds: 20) { $0 ? true : nil } == true)
        hold.raise()
        for thread in others { thread.join() }
        again.join()
    }

    @Test func everyThreadIsItsOwn() throws {
        let seen = Monitor<[UInt]>([])
        let hold = Monitor(false)
        let threads = try (0..<4).map { number in
            try Thread("thread \(number)") {
                seen.change { $0.append(Thread.current) }
                _ = hold.wait { $0 ? true : nil }
            }
        }
        _ = seen.wait { $0.count == 4 ? true : nil }
        hold.change { $0 = true }
        for thread in threads { thread.join() }
        #expect(Set(seen.withLock { $0 } + [Thread.current]).count == 5)
    }

    @Test @MainActor func theBodyRunsOffTheMainActor() throws {
        let state = Monitor<UInt>(0)
        try Thread("worker") { state.change { $0 = Thread.current } }.join()
        #expect(state.withLock { $0 } != Thread.current)
    }
}

@Suite struct PollTests {
    @Test func namesTheReadyOnes() {
        let wakeups = (0..<3).map { _ in Wakeup() }
        let interests = wakeups.map { Poll.Interest.readable($0.descriptor) }
        #expect(Poll.wait(for: interests, until: .now) == [])
        wakeups[2].raise()
        wakeups[0].raise()
        wakeups[0].raise()
        #expect(Poll.wait(for: interests, until: nil) == [0, 2])
        wakeups[0].lower()
        #expect(Poll.wait(for: interests, until: nil) == [2])
        wakeups[0].lower()
        #expect(Poll.wait(for: [.both(wakeups[0].descriptor)], until: nil) == [0])
    }

    @Test func waitsUntilTheDeadline() {
        let wakeup = Wakeup()
        let deadline = Monotonic.now.adding(seconds: 0.05)
        #expect(Poll.wait(for: [.readable(wakeup.descriptor)], until: deadline) == [])
        #expect(Monotonic.now >= deadline)
        #expect(Poll.wait(for: [], until: .now) == [])
    }

    @Test func aClosedDescriptorIsReportedNotWaitedFor() {
        #expect(Poll.wait(for: [.readable(1_000_000)], until: Monotonic.now.adding(seconds: 60)) == [0])
    }
}

@Suite struct MonotonicTests {
    @Test func goesForward() {
        let start = Monotonic.now
        #expect(start.adding(seconds: 2).seconds(since: start) == 2)
        #expect(start.adding(seconds: -1) < start)
        #expect(start.age >= 0)
    }
}
