// This machine's clock jumps, back and ahead, while the stream runs. What waits does so by the monotonic clock, and lag is what
// the servers' own clocks say, so nothing happens.

import Foundation
import TestSupport
import Testing

@Suite struct ClockTests {
    private static let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

    @Test func jumpsDisturbNothing() throws {
        guard FileManager.default.fileExists(atPath: Self.library) else {
            Issue.record("no libfaketime: run 'make deps'")
            return
        }
        let s = try Scenario.prepared("clock", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let offset = "\(s.directory)/offset"
        func jump(_ to: String) throws { try to.write(toFile: offset, atomically: false, encoding: .utf8) }
        try jump("+0")
        let environment = [
            "LD_PRELOAD": Self.library, "FAKETIME_TIMESTAMP_FILE": offset, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        ]
        func year() throws -> Int? {
            let said = try Command("/bin/date", ["+%Y"], environment: environment).run().stdout
            return Int(said.filter(\.isNumber))
        }
        let now = try #require(try year())
        let run = try s.start("run", environment: environment)
        try s.catchUp()
        var row = 0
        for by in ["-2h", "+1d", "-30d", "+3600d", "+0"] {
            try jump(by)
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
