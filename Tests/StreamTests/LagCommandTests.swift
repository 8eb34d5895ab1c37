// `lag` and `status`: true with and without a running replicator, and when a side cannot be reached.

import Foundation
import TestSupport
import Testing

/// One line of `lag --json`.
private struct LagLine: Decodable {
    var pair: String
    var stream: String
    var seconds: Double?
    var bound: String
    var reason: String?
    var bytes: Int?
    var walHeld: Int?
    var walLimit: Int
    var walOverLimit: Bool
    var running: Bool
    var state: String?

    static func read(_ text: some StringProtocol) throws -> LagLine {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let text = text.hasPrefix("[") ? String(text.dropFirst().prefix { $0 != "]" }) : String(text)
        return try decoder.decode(LagLine.self, from: Data(text.utf8))
    }
}

extension Scenario {
    fileprivate func lag() throws -> LagLine { try LagLine.read(tandem("lag", "--json").stdout) }
}

@Suite(.blocking) struct LagCommandTests {
    private static let tables = "CREATE TABLE t (a int PRIMARY KEY, b text)"

    @Test func whatNeverRanIsUnknown() throws {
        let s = try Scenario("neverran")
        defer { s.end() }
        try s.both(Self.tables)
        for _ in 0..<2 {
            let plain = try s.tandem("lag")
            #expect(plain.status == .exited(0))
            #expect(plain.stdout.contains("unknown") && plain.stdout.contains("never ran"))
            #expect(try s.tandem("lag", "--max", "1h").status == .exited(3))
            let line = try s.lag()
            #expect(line.bound == "unknown" && line.seconds == nil && !line.running)
            try s.prepare()
            #expect(try s.tandem("abort", "--yes").status == .exited(0))
        }
    }

    @Test func anIdleOldIsFollowedClosely() throws {
        let s = try Scenario.prepared("idle", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        rest(.milliseconds(2500))
        let line = try s.lag()
        #expect(line.pair == s.name && line.stream == s.slotName)
        #expect(line.bound == "exact" && line.running && line.state == "streaming")
        #expect((line.seconds ?? 99) < 5)
        #expect((line.bytes ?? .max) < 16 << 20)
        #expect(line.walLimit == 20 << 30 && !line.walOverLimit && line.walHeld != nil)
        #expect(try s.tandem("lag", "--max", "30s").status == .exited(0))
        #expect(try s.tandem("lag", "--max", "0.000001s").status == .exited(3))
        #expect(try run.stop() == .exited(0))

        // Stopped: what new shows bounds the lag, and grows older.
        try s.old.sql("INSERT INTO t VALUES (1, 'not seen')")
        rest(.seconds(4))
        let stopped = try s.lag()
        #expect(stopped.bound == "at_most" && !stopped.running && stopped.state == "stopped")
        #expect((stopped.seconds ?? 0) >= 3)
        #expect((stopped.bytes ?? 0) > 0)
        let plain = try s.tandem("lag")
        #expect(plain.stdout.contains("at most") && plain.stdout.contains("stopped"))
        #expect(try s.tandem("lag", "--max", "1s").status == .exited(3))
    }

    @Test func whatIsBlockedLagsMoreAndMore() throws {
        let s = try Scenario.prepared("lagging", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql("INSERT INTO t VALUES (1, 'late')")
        try s.waitUntilNewWaitsForALock()
        rest(.seconds(3))
        let line = try s.lag()
        #expect(line.bound == "exact")
        #expect((line.seconds ?? 0) >= 2)
        try lock.send("COMMIT")
        try s.catchUp()
        #expect(
            poll(within: .seconds(90)) { (try? s.lag().seconds).flatMap { $0 }.map { $0 < 2 } == true ? true : nil }
                == true)
        #expect(try run.stop() == .exited(0))
    }

    @Test func aSideThatCannotBeReachedMakesItUnknown() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("unreachable", on: pair, Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.new.wait(for: "SELECT count(*) FROM tandem.heartbeat", toBe: "1")
        #expect(try run.stop() == .exited(0))
        for side in [pair.old, pair.new] {
            try side.stop()
            let line = try s.lag()
            #expect(line.bound == "unknown" && line.seconds == nil)
            #expect(line.reason?.contains(side === pair.old ? "old" : "new") == true, "\(line)")
            #expect(try s.tandem("lag", "--max", "1h").status == .exited(3))
            let status = try s.tandem("status")
            #expect(status.status == .exited(1))
            #expect(status.stdout.contains("unreachable"))
            try side.start()
        }
        #expect(try s.lag().bound != "unknown")
        #expect(try s.tandem("status").status == .exited(0))
    }

    @Test func watchingEndsWhenInterrupted() throws {
        let s = try Scenario.prepared("watching", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let watch = try s.start("lag", "--watch", "--json")
        let seen = poll(within: .seconds(90)) { watch.output.split(separator: "\n").count >= 3 ? true : nil }
        #expect(seen == true)
        watch.signal(2)
        #expect(try watch.wait(within: .seconds(90)) == .exited(0))
        for line in watch.output.split(separator: "\n") { #expect(try LagLine.read(line).pair == s.name) }
        #expect(run.status == nil)
        run.kill()
    }

    @Test func statusTellsWhatIsThereAndInWhichState() throws {
        let s = try Scenario.prepared("statusscreen", Self.tables)
        defer { s.end() }
        #expect(try s.tandem("status").stdout.contains("never ran"))
        let run = try s.start("run")
        try s.catchUp()
        try s.new.wait(for: "SELECT status LIKE '%streaming%' FROM tandem.stream_status", toBe: "t")
        let status = try s.tandem("status")
        #expect(status.status == .exited(0))
        for part in [
            "streaming", "slot \(s.slotName)", "publication of 2 tables", "origin \(s.slotName)", "pid \(run.pid)",
        ] {
            #expect(status.stdout.contains(part), "\(status.stdout)")
        }
        let json = try s.tandem("status", "--json").stdout
        let screens = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]]
        #expect(screens?.count == 1)
        #expect(screens?.first?["slot"] as? String == s.slotName)
        #expect(screens?.first?["published_tables"] as? Int == 2)
        run.kill()
        #expect(
            poll(within: .seconds(90)) { (try? s.tandem("status").stdout.contains("not running")) == true ? true : nil }
                == true)
    }
}
