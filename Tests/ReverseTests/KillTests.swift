// Killed at each place while the stream back applies, and both servers crashed: nothing lost, nothing twice.

import TestSupport
import Testing

@Suite(.blocking) struct KillTests {
    private static let places = [
        "after-batch-sent:2", "before-target-commit:2", "after-target-commit:2", "during-large-transaction:2",
        "after-stream-commit", "before-feedback:3", "after-feedback:3",
    ]

    private static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text);
        CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
        """

    private func inCharge(_ s: Scenario) throws -> Replicator {
        try s.both(Self.tables)
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.move(toStep: 2, truth: "old")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try s.flip()
        return run
    }

    private func work(_ s: Scenario, _ round: Int) throws {
        let from = round * 100_000
        try s.new.sql(
            """
            INSERT INTO loose VALUES (\(round), 'twin'); INSERT INTO loose VALUES (\(round), 'twin');
            INSERT INTO t SELECT i, 'small' FROM generate_series(\(from), \(from) + 40) i;
            BEGIN; INSERT INTO t SELECT i, repeat(md5(i::text), 10) FROM generate_series(\(from) + 1000, \(from) + 4000) i;
            INSERT INTO loose SELECT \(round), repeat(md5(i::text), 3) FROM generate_series(1, 3000) i; COMMIT;
            UPDATE t SET v = 'changed' WHERE id % 10 = 0 AND id >= \(from); DELETE FROM t WHERE id = \(from) + 7;
            """)
    }

    @Test func aRunKilledAnywhereIsCompletedByTheNext() throws {
        let s = try Scenario("backkill", extra: "strategy: pause\nlimits: { memory: 4MB }")
        defer { s.end() }
        #expect(try inCharge(s).stop() == .exited(0))
        for (round, place) in Self.places.enumerated() {
            try work(s, round)
            let killed = try s.start("run", environment: ["TANDEM_FAILPOINT": place])
            #expect(try killed.wait() == .signalled(9), "\(place) \(killed.tail)")
        }
        let last = try s.start("run")
        try s.catchUp(.reverse)
        try s.expectSame()
        #expect(try s.old.value("SELECT count(*) FROM loose") == "\(Self.places.count * 3002)")
        #expect(
            try s.old.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0", "\(last.log.suffix(3000))")
        #expect(try last.stop() == .exited(0))
    }

    @Test func eitherServerMayCrash() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("backcrash", on: pair, extra: "strategy: pause\nlimits: { memory: 4MB }")
        defer { s.end() }
        let run = try inCharge(s)
        for (round, cluster) in [pair.new, pair.old].enumerated() {
            try work(s, 2 * round)
            cluster.kill()
            try cluster.start()
            try s.waitForRoles(forward: "watch", reverse: "apply")
            try work(s, 2 * round + 1)
            try s.catchUp(.reverse)
            try s.expectSame()
        }
        #expect(try s.old.value("SELECT count(*) FROM loose") == "\(4 * 3002)")
        #expect(try run.stop() == .exited(0))
    }
}
