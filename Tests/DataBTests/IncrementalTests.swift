// Batches by timestamp: what a batch must not miss, and what it must leave alone.

import Model
import Postgres
import TestSupport
import Testing

@testable import DataB

@Suite(.blocking) struct IncrementalTests {
    private static let table = "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, at timestamptz);"
    private static let entry = "table: b.t, modified: at, every: 1s, deletes: 1h, margin: 1ms"

    private static func scenario(_ title: String, rows: String = "", table: String = table) throws -> Scenario {
        try .derived(title, tables: table, rows: rows, dataB: [entry])
    }

    @Test func rowsComeAndOnlyThoseThatDifferAreTouched() throws {
        let s = try Self.scenario(
            "b_rows",
            rows: "INSERT INTO t SELECT i, 'v' || i, i, now() - interval '1 day' FROM generate_series(1, 1000) i")
        defer { s.end() }
        let trial = try Trial(s)
        #expect(try trial.batch("t").written == 1000)
        try s.expectSame("t")
        let before = try s.new.sql("SELECT sum(xmin::text::int8) FROM b.t WHERE id > 3")
        // One changes, one says so and does not, one is other bytes of the same number.
        try s.old.sql(
            """
            UPDATE b.t SET v = 'new', at = now() WHERE id = 1; UPDATE b.t SET at = at WHERE id = 2;
            UPDATE b.t SET n = '3.00', at = now() WHERE id = 3;
            INSERT INTO b.t VALUES (2000, 'two', 2, now())
            """)
        let report = try trial.batch("t")
        #expect((report.read, report.written) == (3, 3))
        try s.expectSame("t")
        #expect(try s.new.sql("SELECT sum(xmin::text::int8) FROM b.t WHERE id > 3 AND id < 2000") == before)
        // O8: nothing at all has changed.
        #expect(try trial.batch("t").read == 0)
    }

    /// What counts is what the server has counted; the planner looks into an index as well, where a condition asks it to.
    @Test func aTableThatHasNotChangedCostsOneProbe() throws {
        let s = try Self.scenario(
            "b_probe",
            rows:
                "INSERT INTO t SELECT i, 'v', i, now() - i * interval '1 min' FROM generate_series(60, 20000) i; ANALYZE t",
            table: Self.table + "CREATE INDEX by_time ON t (at);")
        defer { s.end() }
        guard let version = Int(try s.old.value("SHOW server_version_num") ?? ""), version >= 150_000 else { return }
        let trial = try Trial(s)
        try trial.batch("t")
        func probes() throws -> [String] {
            _ = try trial.session.source.query("SELECT pg_stat_force_next_flush()", doing: "counting")
            return try s.old.sql(
                "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE relname = 't' UNION ALL"
                    + " SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 't'"
            ).split(separator: "\n").map(String.init)
        }
        let before = try probes()
        #expect(try trial.batch("t").read == 0)
        let after = try probes()
        #expect(Int(after[0]) == Int(before[0]).map { $0 + 1 } && after[1] == before[1], "\(before) \(after)")
    }

    /// O1: all rows bear one timestamp, and more come that bear it, too.
    @Test func equalTimestampsAtTheBoundaryAreReadAgain() throws {
        let s = try Self.scenario(
            "b_equal",
            rows: "INSERT INTO t SELECT i, 'v', 1, date_trunc('hour', now()) FROM generate_series(1, 1000) i")
        defer { s.end() }
        let trial = try Trial(s)
        try trial.batch("t")
        let mark = try trial.mark("t") ?? ""
        try s.old.sql("INSERT INTO b.t SELECT i, 'w', 2, '\(mark)' FROM generate_series(1001, 1100) i")
        #expect(try trial.batch("t").written == 100)
        try s.expectSame("t")
    }

    /// O2: written before the batch, committed after it. `now()` is the start of the transaction. And a prepared
    /// transaction does not say when it began.
    @Test func whatCommitsLateIsNotMissed() throws {
        let s = try Self.scenario("b_late", rows: "INSERT INTO t VALUES (1, 'v', 1, now())")
        defer { s.end() }
        let trial = try Trial(s)
        let late = try s.old.session()
        _ = try late.send("BEGIN; INSERT INTO b.t VALUES (2, 'late', 2, now())")
        try trial.batch("t")
        try s.old.sql("INSERT INTO b.t VALUES (3, 'after', 3, clock_timestamp())")
        try trial.batch("t")
        #expect(try s.new.sql("SELECT id FROM b.t ORDER BY 1") == "1\n3")
        _ = try late.send("COMMIT")
        try trial.batch("t")
        try s.expectSame("t")

        let mark = try trial.mark("t")
        try s.old.sql("BEGIN; INSERT INTO b.t VALUES (4, 'p', 2, now()); PREPARE TRANSACTION 'b_\(s.name)'")
        try s.old.sql("INSERT INTO b.t VALUES (5, 'v', 3, now())")
        let report = try trial.batch("t")
        #expect(report.heldBy?.contains("'b_\(s.name)'") == true)
        #expect(try s.new.value("SELECT count(*) FROM b.t") == "4")
        #expect(try trial.mark("t") == mark)
        try s.old.sql("COMMIT PREPARED 'b_\(s.name)'")
        try trial.batch("t")
        try s.expectSame("t")
    }

    /// O3, O4: what timestamps do not tell is found by comparing, and told apart from what they do.
    @Test func nullAndBackwardTimestampsAreFoundByComparing() throws {
        let s = try Self.scenario(
            "b_untold",
            rows: "INSERT INTO t SELECT i, 'v', 1, now() - interval '1 h' FROM generate_series(1, 5000) i")
        defer { s.end() }
        let trial = try Trial(s)
        try trial.batch("t")
        try s.old.sql(
            """
            UPDATE b.t SET v = 'back', at = '2001-01-01' WHERE id = 1; UPDATE b.t SET v = 'null', at = NULL WHERE id = 2;
            UPDATE b.t SET v = 'bc', at = '4000-01-01 BC' WHERE id = 3; UPDATE b.t SET at = '-infinity' WHERE id = 4;
            UPDATE b.t SET v = 'for ever', at = 'infinity' WHERE id = 5; UPDATE b.t SET v = 'silent' WHERE id = 6;
            DELETE FROM b.t WHERE id IN (7, 4999); UPDATE b.t SET id = 9000, at = now() WHERE id = 8
            """)
        try trial.batch("t")
        #expect(try s.new.value("SELECT v FROM b.t WHERE id = 5") == "for ever")
        #expect(try s.new.value("SELECT count(*) FROM b.t WHERE id IN (7, 8, 4999, 9000)") == "4")
        // A row that a batch would bring is no finding.
        try s.old.sql("INSERT INTO b.t VALUES (9001, 'late', 1, clock_timestamp())")
        let report = try trial.compare("t", step: 100)
        try s.expectSame("t")
        #expect((report.untold, report.deleted, report.late) == (5, 3, 1))
        #expect(report.ranges > 40 && report.differing <= 4)
        #expect(report.readOnSource < 5000 + 4 * 101 + 20)
        #expect(try trial.compare("t").differing == 0)
    }

    /// O4: deletes are guarded by what was seen, and by a look at old that is later than the one that listed the row.
    @Test func whatIsThereAgainIsNotDeleted() throws {
        let s = try Self.scenario("b_guard", rows: "INSERT INTO t VALUES (1, 'v', 1, now()), (2, 'w', 1, now())")
        defer { s.end() }
        let trial = try Trial(s)
        try trial.batch("t")
        // Old's rows come and go under the comparison: gone when it lists, there when it looks again, in a snapshot.
        try s.old.sql(
            """
            ALTER TABLE b.t RENAME TO kept;
            CREATE VIEW b.t AS SELECT * FROM b.kept WHERE id <> 2 OR current_setting('transaction_read_only') = 'on'
            """)
        let report = try trial.compare("t")
        #expect(report.deleted == 0)
        #expect(try s.new.sql("SELECT id FROM b.t ORDER BY 1") == "1\n2")
    }

    /// O3: local times, an hour that comes twice, a server far from UTC; and dates.
    @Test func timestampsWithoutZoneAndDatesFollowTheServersZones() throws {
        let s = try Scenario.derived(
            "b_local",
            tables: "CREATE TABLE l (id int PRIMARY KEY, at timestamp); CREATE TABLE d (id int PRIMARY KEY, at date);",
            dataB: [
                "table: b.l, modified: at, every: 1s, margin: 1ms", "table: b.d, modified: at, every: 1s, margin: 1ms",
            ])
        defer { s.end() }
        try s.old.sql("ALTER DATABASE \"\(s.old.name)\" SET timezone = 'America/Los_Angeles'")
        let trial = try Trial(s)
        for number in 1...2 {
            // Each by another clock: the server's own, and UTC.
            try s.old.sql(
                """
                INSERT INTO b.l VALUES (\(number * 2), now()::timestamp), (\(number * 2 + 1), now() AT TIME ZONE 'UTC');
                INSERT INTO b.d VALUES (\(number), now()::date)
                """)
            try trial.batch("l")
            try trial.batch("d")
            try s.expectSame("l", "d")
        }
        let mark = try trial.mark("l") ?? ""
        #expect(try s.old.value("SELECT '\(mark)'::timestamp < (now() AT TIME ZONE 'UTC') - interval '6 h'") == "t")
    }

    /// O5: only old's own clock counts, wherever this machine's stands.
    @Test func thisMachinesClockDoesNotMatter() throws {
        let s = try Self.scenario("b_clock", rows: "INSERT INTO t VALUES (0, 'v', 1, now())")
        defer { s.end() }
        guard let clock = try FalseClock(in: s.directory) else { return }
        try s.prepare()
        for (number, by) in ["-30d", "+3600d", "-2h"].enumerated() {
            try clock.set(by)
            try s.old.sql(
                "INSERT INTO b.t VALUES (\(number + 1), 'w', 1, now()); UPDATE b.t SET v = '\(by)', at = now() WHERE id = 0"
            )
            try s.carry(environment: clock.environment)
            try s.expectSame("t")
        }
    }

    /// A unique value of a row that old has deleted since, and two that are swapped: a comparison makes room.
    @Test func aUniqueValueThatADeletedRowHoldsMakesRoom() throws {
        let s = try Self.scenario(
            "b_unique",
            rows: "INSERT INTO t VALUES (1, 'one', 1, now()), (2, 'two', 2, now()), (3, 'three', 3, now())",
            table: Self.table + "CREATE UNIQUE INDEX ON t (v);")
        defer { s.end() }
        let trial = try Trial(s)
        try trial.batch("t")
        try s.old.sql(
            """
            DELETE FROM b.t WHERE id = 1; UPDATE b.t SET v = 'one', at = now() WHERE id = 2;
            UPDATE b.t SET v = 'two', at = now() WHERE id = 3
            """)
        let status = try trial.carry("t")
        #expect(status.comparison?.deleted == 1)
        try s.expectSame("t")
    }

    /// O7, O8: emptied in between; columns altered between two batches, new's along with old's or not.
    @Test func tablesThatAreEmptiedOrAltered() throws {
        let s = try Self.scenario(
            "b_altered", rows: "INSERT INTO t SELECT i, '1', 1, now() FROM generate_series(1, 100) i")
        defer { s.end() }
        let trial = try Trial(s)
        try trial.batch("t")
        try s.old.sql("TRUNCATE b.t; INSERT INTO b.t VALUES (5, '5', 1, clock_timestamp())")
        try trial.batch("t")
        #expect(try trial.compare("t").deleted == 99)
        try s.expectSame("t")
        try s.old.sql("ALTER TABLE b.t ALTER v TYPE int USING v::int; INSERT INTO b.t VALUES (2, 7, 1, now())")
        try trial.batch("t")
        #expect(try s.new.value("SELECT v FROM b.t WHERE id = 2") == "7")
        try s.old.sql("ALTER TABLE b.t ADD w varchar(9); UPDATE b.t SET w = 'wide', at = now() WHERE id = 2")
        var problem: (any Explained)?
        do { try trial.batch("t") } catch { problem = error as? any Explained }
        #expect(problem?.description.contains("lacks column") == true && problem?.hint?.contains("ADD COLUMN") == true)
        try s.new.sql("ALTER TABLE b.t ADD w varchar(9)")
        try trial.batch("t")
        try s.expectSame("t")
        try s.old.sql("TRUNCATE b.t")
        try trial.compare("t")
        #expect(try s.new.value("SELECT count(*) FROM b.t") == "0")
    }

    /// O1: batches that are cut, among them where more rows than fit bear one timestamp. Rows without one come first.
    @Test func batchesThatAreCutLeaveNoGap() throws {
        let s = try Self.scenario("b_cut", table: Self.table + "CREATE INDEX ON t (at);")
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO b.t SELECT i, 'v', 1, timestamptz '2024-01-01' + (i / 10) * interval '1 s' FROM generate_series(1, 1000) i;
            INSERT INTO b.t SELECT i, 'same', 1, '2024-02-01' FROM generate_series(1001, 2000) i;
            INSERT INTO b.t SELECT i, 'null', 1, NULL FROM generate_series(2001, 2100) i; ANALYZE b.t
            """)
        let trial = try Trial(s, slice: 100)
        #expect(try trial.batch("t").read > 2100)
        try s.expectSame("t")
        try s.old.sql("UPDATE b.t SET at = clock_timestamp(), v = 'moved' WHERE id % 2 = 0; ANALYZE b.t")
        #expect(try trial.batch("t").written == 1050)
        try s.expectSame("t")
    }

    /// Without the right to see since when others' transactions are open, nothing is guessed.
    @Test func aRoleThatSeesNoTransactionsIsRefused() throws {
        let s = try Self.scenario("b_blind", rows: "INSERT INTO t VALUES (1, 'v', 1, now())")
        defer { s.end() }
        let role = "blind_\(s.name)"
        try s.old.sql(
            "CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA b TO \(role); GRANT SELECT ON ALL TABLES IN SCHEMA b TO \(role)"
        )
        defer { _ = try? s.old.sql("DROP OWNED BY \(role); DROP ROLE \(role)") }
        try s.writeConfiguration(
            dataA: ["public.*"], old: s.old.cluster.connection(database: s.old.name, user: role),
            extra: "data_b: [{\(Self.entry)}]")
        var problem: (any Explained)?
        do { try Trial(s).batch("t") } catch { problem = error as? any Explained }
        #expect(problem?.hint == "GRANT pg_read_all_stats TO \"\(role)\";", "\(String(describing: problem))")
    }
}
