// Servers that go down in the middle of a copy and come back: it goes on by itself, with what it had. On a pair of their own.

import TestSupport
import Testing

@Suite struct CopyOutageTests {
    @Test func bothServersComeBackInTheMiddle() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.copying(
            "restarts", on: pair, extra: "jobs: 2\ncopy: {range: 64kB}\nlimits: {copy_rate: 250kB}",
            tables: """
                CREATE TABLE keyed (a int PRIMARY KEY, b text);
                CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
                """,
            rows: """
                INSERT INTO keyed SELECT i, repeat('k', i % 100) FROM generate_series(1, 15000) i;
                INSERT INTO loose SELECT i % 500, repeat('l', i % 90) FROM generate_series(1, 4000) i;
                """)
        defer { s.end() }
        let run = try s.start("run")
        try partsReach(3, s)
        let kept = try parts(s)
        try pair.old.restart(.immediate)
        try s.old.sql("UPDATE keyed SET b = 'old was away', a = -a WHERE a % 100 = 1; DELETE FROM loose WHERE a = 7")
        try partsReach(kept.count + 2, s)
        #expect(Set(kept).isSubset(of: try parts(s)))
        try pair.new.restart(.immediate)
        try s.old.sql("UPDATE keyed SET b = 'new was away' WHERE a % 100 = 2; INSERT INTO loose VALUES (0, 'more')")
        try partsReach(1, s)
        try pair.new.restart(.fast)
        try pair.old.restart(.fast)
        try s.waitForCopy(of: "keyed", toBe: "done")
        try s.waitForCopy(of: "loose", toBe: "done")
        try s.catchUp()
        #expect(try run.stop() == .exited(0))
        try s.expectSame()
        #expect(try s.slots == "1")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }

    /// Each with the transaction that has copied it.
    private func parts(_ s: Scenario) throws -> [String] {
        try s.new.value("SELECT coalesce(string_agg(first_page || ':' || xmin, ' '), '') FROM tandem.copied_range")?
            .split(separator: " ").map(String.init) ?? []
    }

    /// Each with the transaction that has copied it.
    private func partsReach(_ count: Int, _ s: Scenario) throws {
        try s.new.wait(
            for: "SELECT count(*) >= \(count) FROM tandem.copied_range", toBe: "t", within: .seconds(120))
    }
}
