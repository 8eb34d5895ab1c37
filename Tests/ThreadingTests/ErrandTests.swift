// Work that may block is waited for, or left behind.

import Testing
import Threading

@Suite struct ErrandTests {
    @Test func bringsBackWhatItWentFor() throws {
        for number in 0..<50 { #expect(try Errand.run("errand", stop: nil) { number } == number) }
    }

    @Test(.timeLimit(.minutes(1)))
    func isLeftBehindOnARequestToStop() throws {
        let (stop, begun, late) = (StopSignal(), Monitor(false), Monitor<Int?>(nil))
        let gate = Monitor(false)
        let stopper = try Thread("stopper") {
            _ = begun.wait { $0 ? true : nil }
            stop.raise()
        }
        let value = try Errand.run("errand", stop: stop, left: { value in late.change { $0 = value } }) {
            begun.change { $0 = true }
            _ = gate.wait { $0 ? true : nil }
            return 7
        }
        #expect(value == nil)
        #expect(late.withLock { $0 } == nil)
        // What it brings later is not lost: a connection would stay open.
        gate.change { $0 = true }
        #expect(late.wait { $0 } == 7)
        stopper.join()
    }

    @Test(.timeLimit(.minutes(1)))
    func isLeftBehindWhenItsTimeIsUp() throws {
        let (gate, late) = (Monitor(false), Monitor(false))
        let value = try Errand.run("errand", stop: nil, seconds: 0.1, left: { _ in late.change { $0 = true } }) {
            _ = gate.wait { $0 ? true : nil }
            return true
        }
        #expect(value == nil)
        gate.change { $0 = true }
        #expect(late.wait { $0 ? true : nil } == true)
    }

    @Test(.timeLimit(.minutes(1)))
    func isLeftBehindWhenItIsForgotten() throws {
        let (gate, late) = (Monitor(false), Monitor<Int?>(nil))
        _ = try Errand("errand", left: { value in late.change { $0 = value } }) {
            _ = gate.wait { $0 ? true : nil }
            return 7
        }
        #expect(late.withLock { $0 } == nil)
        gate.change { $0 = true }
        #expect(late.wait { $0 } == 7)
    }

    @Test(.timeLimit(.minutes(1)))
    func whatItHasBroughtGoesSomewhereWhenItIsForgotten() throws {
        let (brought, late) = (Monitor(false), Monitor<Int?>(nil))
        var errand: Errand<Int>? = try Errand("errand", left: { value in late.change { $0 = value } }) {
            brought.change { $0 = true }
            return 7
        }
        _ = brought.wait { $0 ? true : nil }
        _ = withExtendedLifetime(errand) { brought.wait(seconds: 0.05) { _ in Bool?.none } }
        errand = nil
        #expect(late.wait { $0 } == 7)
    }
}
