// Killed in every phase of the copy, while old is being written, and started again: nothing lost, nothing doubled, no slot
// left over.

import TestSupport
import Testing

@Suite(.blocking) struct CopyKillTests {
    private static let places = [
        "after-slot-created", "after-origin-created", "after-table-snapshot", "after-table-snapshot:3",
        "during-table-copy", "during-table-copy:9", "after-range-copied", "after-range-copied:4",
        "before-table-copied", "before-table-copied:2", "after-table-copied:2", "before-table-done",
        "after-table-done:2", "after-copy-complete", "before-target-commit", "after-target-commit:2",
    ]

    @Test(arguments: places)
    func aCopyKilledThereIsCompletedByTheNext(place: String) throws {
        let s = try Scenario.copying(
            "copykill", extra: "jobs: 2\ncopy: {range: 64kB}\nlimits: {memory: 8MB}",
            tables: """
                CREATE TABLE keyed (a int PRIMARY KEY, b text);
                CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
                CREATE TABLE small (a int); ALTER TABLE small REPLICA IDENTITY FULL;
                CREATE TABLE parted (a int, b text, PRIMARY KEY (a)) PARTITION BY HASH (a);
                CREATE TABLE part_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                CREATE TABLE part_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
                """,
            rows: """
                INSERT INTO keyed SELECT i, repeat('k', i % 90) FROM generate_series(1, 6000) i;
                INSERT INTO loose SELECT i % 500, repeat('l', i % 90) FROM generate_series(1, 6000) i;
                INSERT INTO small SELECT i % 7 FROM generate_series(1, 100) i;
                INSERT INTO parted SELECT i, 'p' FROM generate_series(1, 300) i;
                """)
        defer { s.end() }
        let writing = try s.old.session(applicationName: "writing")
        try writing.start(
            """
            DO $$ BEGIN FOR i IN 10001..60000 LOOP
                INSERT INTO keyed VALUES (i, 'meanwhile'); COMMIT; PERFORM pg_sleep(0.02);
            END LOOP; END $$
            """)
        let killed = try s.tandem(
            "run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": place], within: .seconds(120))
        #expect(killed.status == .signalled(9), "\(killed.stderr)")
        try s.old.sql(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'writing'
            """)
        try s.old.sql(
            """
            UPDATE keyed SET b = 'after' WHERE a % 10 = 0; DELETE FROM keyed WHERE a % 10 = 1;
            INSERT INTO loose SELECT i, 'after' FROM generate_series(1, 50) i; DELETE FROM loose WHERE a = 3;
            UPDATE small SET a = 100 WHERE a = 2; UPDATE parted SET b = 'after' WHERE a < 50;
            """)
        try s.copy()
        try s.expectSame()
        #expect(try s.slots == "1")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }

    /// Rows that changed while their table was being copied are read again, and new is told of both in one transaction.
    @Test func killedWhileRowsAreReadAgain() throws {
        let s = try Scenario.copying(
            "copymend", extra: "jobs: 1\ncopy: {range: 64kB}",
            tables: "CREATE TABLE keyed (a int PRIMARY KEY, b text)",
            rows: "INSERT INTO keyed SELECT i, repeat('k', i % 90) FROM generate_series(1, 6000) i")
        defer { s.end() }
        let first = try s.tandem(
            "run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": "after-range-copied:3"],
            within: .seconds(120))
        #expect(first.status == .signalled(9), "\(first.stderr)")
        // The copy rests until the stream has noted what changed.
        #expect(try s.tandem("pause").exitCode == 0)
        try s.old.sql("UPDATE keyed SET a = a + 10000, b = 'moved' WHERE a % 3 = 0; DELETE FROM keyed WHERE a % 5 = 1")
        let second = try s.start("run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": "during-mending"])
        let isNoted = try poll(within: .seconds(90)) {
            try s.new.value("SELECT count(*) > 3000 FROM tandem.touched") == "t" ? true : nil
        }
        #expect(isNoted == true, "\(second.tail)")
        #expect(try s.tandem("resume").exitCode == 0)
        #expect(try second.wait() == .signalled(9), "\(second.tail)")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.touched") == "0")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }

    /// A row whose key changed to an equal one and back was noted under both, and is one row.
    @Test func keysThatAreEqualAndNotTheSameAreReadOnce() throws {
        let s = try Scenario.copying(
            "copyequal", extra: "jobs: 1\ncopy: {range: 64kB}",
            tables: """
                CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
                CREATE TABLE keyed (a text COLLATE ci PRIMARY KEY, b text)
                """,
            rows: "INSERT INTO keyed SELECT 'key' || i, repeat('k', i % 90) FROM generate_series(1, 6000) i")
        defer { s.end() }
        let first = try s.tandem(
            "run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": "after-range-copied:3"],
            within: .seconds(120))
        #expect(first.status == .signalled(9), "\(first.stderr)")
        #expect(try s.tandem("pause").exitCode == 0)
        try s.old.sql("UPDATE keyed SET a = upper(a) WHERE length(b) < 9")
        try s.old.sql("UPDATE keyed SET a = lower(a), b = b || 'again' WHERE length(b) < 5")
        let second = try s.start("run", "--until", "caught-up")
        try s.new.wait(for: "SELECT count(*) > 700 FROM tandem.touched", toBe: "t")
        #expect(try s.tandem("resume").exitCode == 0)
        #expect(try second.wait() == .exited(0), "\(second.tail)")
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.touched") == "0")
    }
}
