// Connections that break in every way a wire can: reset, cut in the middle of a message, a few bytes a second, silent for a
// while. Nothing is lost or doubled, and the run goes on by itself.

import Foundation
import TestSupport
import Testing

@Suite struct WireTests {
    @Test(arguments: ["old", "new"]) func brokenInEveryWay(side: String) throws {
        let s = try Scenario.prepared(
            "wire", extra: "limits: { memory: 4MB }",
            """
            CREATE TABLE t (a int PRIMARY KEY, b text);
            CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
            """)
        defer { s.end() }
        let relay = try Relay(to: side == "old" ? s.pair.old : s.pair.new)
        defer { relay.end() }
        let through = "host=127.0.0.1 port=\(relay.port) dbname=\(s.name) user=postgres"
        try s.writeConfiguration(
            old: side == "old" ? through : nil, new: side == "new" ? through : nil, extra: "limits: { memory: 4MB }")
        let run = try s.start("run")
        try s.catchUp()
        var row = 0
        // What is cut are answers, and new has less to say than old.
        let late = side == "old" ? 300_000 : 1500
        for way: Relay.Way in [.reset, .cut(after: 3), .cut(after: 777), .cut(after: late), .reset] {
            row += 20_000
            let before = run.interruptions
            // One large transaction, and small ones behind it.
            try s.old.sql(rows("t", from: row, count: 5000) + rows("loose", from: row, count: 30))
            relay.set(way)
            try s.old.sql((0..<20).map { rows("loose", from: row + $0, count: 1) }.joined())
            try s.old.sql(rows("t", from: row + 10_000, count: 5000))
            try run.waitForInterruptions(moreThan: before)
            relay.set(.open)
            try s.catchUp()
        }
        try s.old.sql(rows("t", from: 500_000, count: 200))
        for way: Relay.Way in [.trickle(100), .still] {
            relay.set(way)
            try s.old.sql(rows("loose", from: 600_000, count: 30))
            rest(.seconds(2))
        }
        relay.set(.open)
        try s.catchUp()
        try s.expectSame()
        try s.expectSlotNotAhead()
        #expect(run.status == nil)
        #expect(try run.stop() == .exited(0))
    }

    /// As a proxy may that speaks less of the protocol than tandem asks for.
    @Test(arguments: ["old", "new"]) func anotherProtocolIsSpoken(side: String) throws {
        let s = try Scenario.prepared("haggle", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let relay = try Relay(to: side == "old" ? s.pair.old : s.pair.new)
        defer { relay.end() }
        let through = "host=127.0.0.1 port=\(relay.port) dbname=\(s.name) user=postgres"
        try s.writeConfiguration(old: side == "old" ? through : nil, new: side == "new" ? through : nil)
        relay.set(.haggle)
        let refused = try s.tandem("run", within: .seconds(30))
        #expect(refused.status == .exited(1), "\(refused.stderr)")
        #expect(refused.stderr.contains("connecting to \(side)"), "\(refused.stderr)")
        #expect(refused.stderr.contains("protocol") || refused.stderr.contains("received v"), "\(refused.stderr)")

        relay.set(.open)
        let run = try s.start("run")
        try s.catchUp()
        relay.set(.haggle)
        try run.waitForInterruptions(moreThan: 0)
        try s.old.sql(rows("t", count: 100))
        rest(.seconds(1))
        #expect(run.status == nil, "\(run.tail)")
        relay.set(.open)
        try s.catchUp()
        try s.expectSame()
        try s.expectSlotNotAhead()
        #expect(try run.stop() == .exited(0))
    }
}

extension Replicator {
    /// How often the stream has been broken off.
    fileprivate var interruptions: Int { log.components(separatedBy: "event=\"stream interrupted\"").count - 1 }

    fileprivate func waitForInterruptions(moreThan count: Int) throws {
        let found = poll(within: .seconds(120)) { () -> Bool? in
            if self.status != nil { return false }
            return self.interruptions > count ? true : nil
        }
        guard found == true else { throw HarnessFailure(.timeLimit, "not interrupted after \(count) times: \(tail)") }
    }
}
