// Existing rows read on a standby of old: old is locked against TRUNCATE, holds no snapshot, and is spared the reading.

import TestSupport
import Testing

@Suite(.blocking) struct CopyFromStandbyTests {
    private static let tables = """
        CREATE TABLE big (a int PRIMARY KEY, b text, c text);
        CREATE TABLE small (a int PRIMARY KEY, b text);
        CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;
        """
    private static let rows = """
        INSERT INTO big SELECT i, repeat('b', i % 50), repeat('c', 100) FROM generate_series(1, 12000) i;
        INSERT INTO small SELECT i, 's' FROM generate_series(1, 100) i; INSERT INTO bag SELECT i % 10, 'x' FROM generate_series(1, 500) i;
        """

    @Test func rowsComeFromThereAndChangesFromOld() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.copying("onstandby", on: pair, tables: Self.tables, rows: Self.rows)
        defer { s.end() }
        let standby = try Cluster("reader", standbyOf: pair.old)
        defer { standby.remove() }
        try standby.start()
        let there = standby[s.name].connection
        let slow = "jobs: 2\ncopy: {range: 64kB}\nlimits: {snapshot: 300ms, copy_rate: 300kB}"
        func configure(_ standby: String) throws {
            try s.writeConfiguration(standby: standby, initialCopy: "all", extra: slow)
        }

        // A standby that stands still shows less than old does: nothing is read before it has come so far.
        try configure(there)
        try standby.sql("SELECT pg_wal_replay_pause()")
        try s.old.sql("UPDATE small SET b = 'later'; INSERT INTO big VALUES (-1, 'later', NULL)")
        let run = try s.start("run")
        try s.new.wait(for: "SELECT count(*) FROM bag", toBe: "500", within: .seconds(120))
        rest(.milliseconds(500))
        #expect(try s.new.value("SELECT (SELECT count(*) FROM big) + (SELECT count(*) FROM small)") == "0")
        // Nothing of what is read there holds back old's vacuum; TRUNCATE waits all the same.
        let sessions = "FROM pg_stat_activity WHERE application_name LIKE '%copy _'"
        try pair.old.wait(for: "SELECT count(*) > 0 \(sessions) AND state = 'idle in transaction'", toBe: "t")
        try pair.old.wait(for: "SELECT count(backend_xmin) \(sessions)", toBe: "0")
        let locks =
            "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'big'::regclass AND mode = 'AccessShareLock' AND granted"
        #expect(try s.old.value(locks) == "t")
        // The standby will show these already; old's own snapshot, which says what the copy holds, does not.
        try s.old.sql(
            """
            UPDATE small SET b = 'between' WHERE a < 50; DELETE FROM big WHERE a BETWEEN 10 AND 30; UPDATE big SET a = -a WHERE a = 40;
            INSERT INTO big SELECT -500000 - i, 'between', NULL FROM generate_series(1, 100) i
            """)
        try standby.sql("SELECT pg_wal_replay_resume()")

        try s.new.wait(for: "SELECT count(*) > 2 FROM tandem.copied_range", toBe: "t", within: .seconds(120))
        #expect(try standby.value("SELECT count(*) > 0 \(sessions)") == "t")
        for round in 1...4 {
            try s.old.sql(
                """
                UPDATE big SET b = 'moved \(round)' WHERE a % 7 = \(round); UPDATE big SET a = -a WHERE a % 211 = \(round) + 1;
                DELETE FROM big WHERE a % 97 = \(round); INSERT INTO big SELECT 100000 * \(round) + i, 'new' FROM generate_series(1, 50) i;
                UPDATE small SET b = 'round \(round)' WHERE a % 5 = \(round); INSERT INTO bag VALUES (\(round), 'more')
                """)
        }
        try s.waitForCopy(of: "big", toBe: "done")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.touched") == "0")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")

        // Wrong servers are told by name.
        try configure(s.new.connection + " connect_timeout=7")
        let primary = try s.tandem("preflight", "--only", "reading-standby")
        #expect(primary.exitCode == 3 && primary.stdout.contains("no standby"), "\(primary.stdout)\(primary.stderr)")
        try configure(there)
        #expect(try s.tandem("preflight", "--only", "reading-standby").exitCode == 0)
        try standby.sql("SELECT pg_promote()")
        #expect(try s.tandem("preflight", "--only", "reading-standby").exitCode == 3)
    }
}
