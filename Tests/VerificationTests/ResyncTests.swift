// A slot that was lost, and new level again without being loaded afresh.

import TestSupport
import Testing

@Suite(.blocking) struct ResyncTests {
    @Test func levelAgainAfterALostSlot() throws {
        let s = try Scenario("resync")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (id int PRIMARY KEY, v int UNIQUE); CREATE TABLE bag (a int); ALTER TABLE bag REPLICA IDENTITY FULL;
            CREATE TABLE same (id int PRIMARY KEY);
            INSERT INTO t SELECT g, g FROM generate_series(1, 2000) g; INSERT INTO bag SELECT g % 10 FROM generate_series(1, 100) g;
            """)
        try s.prepare()
        let first = try s.start("run")
        try s.catchUp()
        #expect(try s.tandem("resync", "--yes").exitCode == 3, "nothing is lost")
        #expect(try first.stop() == .exited(0))
        #expect(try s.tandem("resync", "--yes").exitCode == 3, "nothing is lost")

        try s.old.sql("SELECT pg_catalog.pg_drop_replication_slot('\(s.slotName)')")
        // What nobody will ever send: also values that moved from row to row.
        try s.old.sql(
            """
            DELETE FROM t WHERE id < 50; UPDATE t SET v = v + 5000 WHERE id BETWEEN 100 AND 200;
            UPDATE t SET v = id - 1000 WHERE id BETWEEN 1150 AND 1160; INSERT INTO t VALUES (3000, 3);
            INSERT INTO bag VALUES (3), (77); DELETE FROM bag WHERE a = 4;
            """)
        let lost = try s.tandem("run")
        #expect(lost.exitCode == 6 && lost.stderr.contains("tandem resync"))
        #expect(try s.tandem("resync").exitCode == 2, "it asks first")
        // Killed with the new slot made, nothing claims to be level.
        let died = try s.tandem("resync", "--yes", environment: ["TANDEM_FAILPOINT": "after-slot-created"])
        #expect(died.status == .signalled(9))
        #expect(try s.tandem("run").exitCode == 6)

        let done = try s.tandem("resync", "--yes")
        #expect(done.exitCode == 0, "\(done.stderr)")
        #expect(done.stdout.contains("public.t: ") && !done.stdout.contains("public.same"))
        try s.old.sql("UPDATE t SET v = v + 100000 WHERE id = 1999; INSERT INTO same VALUES (1)")
        _ = try s.start("run")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try s.verify(expecting: 0).verdict == "equal")
        #expect(try s.tandem("evidence", "show").stdout.contains("resync done"))
    }

    /// A running stream compares by itself: everything, again and again, and rows that have just changed; `status` tells.
    @Test func aRunningStreamCompares() throws {
        let s = try Scenario("continuous")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE quiet (id int PRIMARY KEY, v int); INSERT INTO quiet SELECT g, g FROM generate_series(1, 100) g;
            CREATE TABLE busy (id int PRIMARY KEY, v int, mine text); INSERT INTO busy SELECT g, g FROM generate_series(1, 100) g;
            """)
        try s.writeConfiguration(extra: "verify: { every: 20s }")
        try s.prepare()
        let run = try s.start("run")
        func verdicts(_ table: String) -> String {
            "SELECT string_agg(verdict || ' ' || differing, ',' ORDER BY at) FROM tandem.verification WHERE table_name = '\(table)'"
        }
        try s.new.wait(for: verdicts("quiet"), toBe: "equal 0")
        try s.new.wait(for: verdicts("busy"), toBe: "equal 0")
        try s.new.wait(for: "SELECT count(DISTINCT table_name) FROM tandem.verification", toBe: "3")
        let shown = try s.tandem("status").stdout
        #expect(shown.contains("3 of 3 tables compared and equal"), "\(shown)")

        // A row that changes all the time, but not in the column that new has otherwise: the stream does not send that.
        try s.both("ALTER TABLE busy ALTER mine SET STORAGE EXTERNAL")
        try s.old.sql("UPDATE busy SET mine = repeat('m', 5000) WHERE id = 5")
        try s.catchUp()
        try s.new.sql("UPDATE busy SET mine = repeat('n', 5000) WHERE id = 5")
        let found = try poll(within: .seconds(120), every: .seconds(3)) {
            try s.old.sql("UPDATE busy SET v = v + 1 WHERE id = 5")
            return run.log.contains("have just changed") ? true : nil
        }
        #expect(found == true, "\(run.tail)")
        try run.waitForLog("event=different")
        #expect(try s.tandem("status").stdout.contains("1 row differed"))
        #expect(try run.stop() == .exited(0))
    }
}
