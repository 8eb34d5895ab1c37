// This machine's clock jumps, back and ahead, while the stream runs. What waits does so by the monotonic clock, and lag is what
// the servers' own clocks say, so nothing happens.

import Foundation
import TestSupport
import Testing

@Suite struct ClockTests {
    @Test func jumpsDisturbNothing() throws {
        let s = try Scenario.prepared("clock", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        guard let clock = try FalseClock(in: s.directory) else { return }
        let environment = clock.environment
        func year() throws -> Int? {
            let said = try Command("/bin/date", ["+%Y"], environment: environment).run().stdout
            return Int(said.filter(\.isNumber))
        }
        let now = try #require(try year())
        let run = try s.start("run", environment: environment)
        try s.catchUp()
        var row = 0
        for by in ["-2h", "+1d", "-30d", "+3600d", "+0"] {
            try clock.set(by)
            if by == "+3600d" { #expect(try year() ?? 0 > now + 8) }
            // Past a heartbeat, a status and a feedback on the new clock.
            for _ in 0..<3 {
                row += 100
                try s.old.sql(rows("t", from: row, count: 100))
                rest(.milliseconds(700))
            }
            try s.catchUp()
            let lag = try s.tandem("lag", "--max", "60s")
            #expect(lag.status == .exited(0), "after \(by): \(lag.stdout)\(lag.stderr)")
            try s.expectSlotNotAhead()
        }
        #expect(run.status == nil)
        #expect(!run.log.contains("stream interrupted"), "\(run.tail)")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}
