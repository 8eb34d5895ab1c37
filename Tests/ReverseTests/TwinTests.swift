// Where applications write both sides: whatever they leave wrong on the side that is not in charge is found by what the log of
// either side tells, and made right; what the stream brings meets rows that are there already.

import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct TwinTests {
    private static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text, big text);
        ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
        CREATE TABLE u (id int PRIMARY KEY, name text NOT NULL UNIQUE, seat int UNIQUE, note text DEFAULT 'own');
        CREATE TABLE whole (a int, b text, PRIMARY KEY (b, a), v int);
        ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE swapped (a int, b text, v int, PRIMARY KEY (b, a));
        CREATE TABLE far (a int, b text, v int, PRIMARY KEY (a, b)); ALTER TABLE far ALTER b SET STORAGE EXTERNAL;
        CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, seq int GENERATED ALWAYS AS IDENTITY, v text);
        CREATE TABLE parted (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
        CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (200);
        CREATE TABLE apart (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
        """

    /// The same names, and other bounds.
    private static func parts(from bound: Int) -> String {
        """
        CREATE TABLE apart_1 PARTITION OF apart FOR VALUES FROM (0) TO (\(bound));
        CREATE TABLE apart_2 PARTITION OF apart FOR VALUES FROM (\(bound)) TO (200);
        """
    }

    private func begin(_ title: String, step: Int) throws -> (Scenario, Replicator) {
        let s = try Scenario(title, extra: "strategy: dual-write\nverify: {patience: 4s}")
        try s.both(Self.tables)
        try s.old.sql(Self.parts(from: 100))
        try s.new.sql(Self.parts(from: 50))
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.old.sql(
            """
            INSERT INTO t SELECT i, 'v' || i, repeat('x', 5000) FROM generate_series(1, 60) i;
            INSERT INTO u SELECT i, 'n' || i, i FROM generate_series(1, 60) i;
            INSERT INTO whole SELECT i, 'k', i FROM generate_series(1, 20) i;
            INSERT INTO swapped SELECT i, 'k', i FROM generate_series(1, 20) i;
            INSERT INTO far SELECT i, repeat(md5(i::text), 70), i FROM generate_series(1, 20) i;
            INSERT INTO ident (v) SELECT 'v' FROM generate_series(1, 20) i;
            INSERT INTO parted SELECT i, 'p' FROM generate_series(1, 150) i;
            INSERT INTO apart SELECT i, 'a' FROM generate_series(1, 150) i;
            """)
        try s.catchUp()
        try s.move(toStep: step, truth: "old", strategy: "dual-write")
        try s.waitForRoles(forward: step == 5 ? "watch" : "apply", reverse: "watch")
        return (s, run)
    }

    /// Everything written so far is settled: neither stream acknowledges past what is not.
    private func settle(_ s: Scenario) throws {
        try s.forwardPasses()
        try s.reversePasses()
        try s.forwardPasses()
    }

    private func ledger(_ s: Scenario, _ table: String, _ what: String) throws -> Int {
        let text = try s.old.value(
            "SELECT \(what) FROM tandem.twin WHERE stream = '\(s.reverseName)' AND table_name = '\(table)'")
        return Int(text ?? "") ?? 0
    }

    @Test func whatIsWrongOnNewIsMadeRight() throws {
        let (s, run) = try begin("twins", step: 3)
        defer { s.end() }
        // The same on both sides, new first as it is committed.
        for side in [s.new, s.old] {
            try side.sql(
                """
                INSERT INTO t VALUES (100, 'twin', 'small'); UPDATE u SET note = 'twin' WHERE id = 1; DELETE FROM t WHERE id = 2;
                UPDATE ident SET v = 'twin' WHERE id = 3; INSERT INTO whole VALUES (100, 'twin', 1);
                """)
        }
        // On new alone: orphans, a lost row, a wrong value, a resurrected one, a key that moved, in a partition.
        try s.new.sql(
            """
            INSERT INTO t VALUES (500, 'orphan', 'x'); DELETE FROM t WHERE id = 5; UPDATE t SET v = 'wrong' WHERE id = 6;
            UPDATE t SET id = 900 WHERE id = 7; UPDATE whole SET v = -1 WHERE a = 4; UPDATE whole SET b = 'moved' WHERE a = 5;
            DELETE FROM ident WHERE id = 5; UPDATE parted SET v = 'wrong' WHERE id IN (3, 103);
            UPDATE parted SET id = 199 WHERE id = 9; UPDATE swapped SET v = -1 WHERE a = 4; UPDATE far SET a = 900 WHERE a = 5;
            UPDATE apart SET v = 'wrong' WHERE id IN (7, 70, 107);
            """)
        // On old alone, as in mode 1 or where new failed: one with a large value that did not change, of a row that new has lost.
        try s.new.sql("DELETE FROM t WHERE id = 20")
        try s.old.sql(
            """
            UPDATE t SET v = 'only old' WHERE id IN (20, 21); INSERT INTO t VALUES (101, 'only old', 'y');
            UPDATE t SET id = 800 WHERE id = 22; DELETE FROM t WHERE id = 23;
            """)
        try settle(s)
        try s.expectSame([
            "public.t", "public.u", "public.whole", "public.ident", "public.parted", "public.swapped", "public.far",
            "public.apart",
        ])
        try s.old.wait(
            for: """
                SELECT sum(orphan) >= 5 AND sum(failed) >= 6 AND sum(matched + late) >= 4 FROM tandem.twin
                 WHERE stream = '\(s.reverseName)'
                """, toBe: "t", within: .seconds(20))
        #expect(try ledger(s, "t", "orphan") >= 2)
        // Other replication writes new: named as that, and made right as well.
        #expect(try ledger(s, "u", "foreign_") == 0)
        try s.writeAsThird(on: s.new, "UPDATE u SET note = 'theirs' WHERE id = 8")
        try settle(s)
        try s.expectSame(["public.u"])
        try s.old.wait(
            for:
                "SELECT foreign_ FROM tandem.twin WHERE stream = '\(s.reverseName)' AND table_name = 'u' AND foreign_ > 0",
            toBe: "1", within: .seconds(20))
        #expect(
            try s.new.value("SELECT seq FROM ident WHERE id = 5") == s.old.value("SELECT seq FROM ident WHERE id = 5"))
        #expect(run.status == nil, "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// An orphan holds what another row must have alone; and two rows have exchanged it, of which new has one already.
    @Test func whatIsInTheWayIsMadeEqualWithIt() throws {
        let (s, run) = try begin("evicted", step: 4)
        defer { s.end() }
        // The watch would find the orphans by itself; as long as somebody writes old it does not look.
        let open = try s.old.session()
        try open.send("BEGIN; UPDATE t SET v = 'open' WHERE id = 60")
        try s.new.sql(
            "INSERT INTO u SELECT i + 1000, 'late' || i, i + 5000, 'orphan' FROM generate_series(1, 200) i")
        try s.old.sql("INSERT INTO u SELECT i + 10000, 'late' || i, i + 5000, 'right' FROM generate_series(1, 200) i")
        for round in 1...10 {
            try s.new.sql(
                "DELETE FROM u WHERE id = 2; UPDATE u SET name = 'taken\(round)', seat = -\(round) WHERE id = 3")
            try s.old.sql(
                """
                BEGIN; UPDATE u SET name = 'tmp', seat = NULL WHERE id = 2; UPDATE u SET name = 'a\(round)', seat = \(9000 + round)
                 WHERE id = 3; UPDATE u SET name = 'taken\(round)', seat = -\(round) WHERE id = 2; COMMIT
                """)
        }
        try s.forwardPasses()
        try open.send("ROLLBACK")
        try settle(s)
        try s.expectSame(["public.t", "public.u"])
        #expect(
            try s.new.value("SELECT count(*) > 0 FROM tandem.difference WHERE kind = 'in the way of another'") == "t")
        #expect(try s.new.value("SELECT count(*) FROM tandem.set_aside") == "0")
        #expect(try run.stop() == .exited(0))
    }

    /// Nothing applies: what one side alone has written is made equal to old, from the log of either side.
    @Test func atStepFiveNothingAppliesAndBothAreWatched() throws {
        let (s, run) = try begin("five", step: 5)
        defer { s.end() }
        try s.new.sql(
            "INSERT INTO t VALUES (500, 'orphan', 'x'); DELETE FROM t WHERE id = 5; UPDATE t SET v = 'wrong' WHERE id = 6"
        )
        try s.old.sql(
            "INSERT INTO t VALUES (501, 'only old', 'x'); DELETE FROM t WHERE id = 8; UPDATE t SET v = 'right' WHERE id = 9"
        )
        try settle(s)
        try s.expectSame(["public.t"])
        #expect(try s.new.value("SELECT v FROM t WHERE id = 501") == "only old")
        // A row that somebody is about to commit on old is no orphan.
        let writer = try s.old.session()
        _ = try writer.send("BEGIN; INSERT INTO t VALUES (600, 'slow', 'x')")
        try s.new.sql("INSERT INTO t VALUES (600, 'slow', 'x')")
        try s.new.sql("SELECT pg_sleep(1.5)")
        #expect(try s.new.value("SELECT v FROM t WHERE id = 600") == "slow")
        _ = try writer.send("COMMIT")
        try settle(s)
        #expect(try s.new.value("SELECT v FROM t WHERE id = 600") == "slow")
        try aRowThatNeverStandsStill(s)
        #expect(try run.stop() == .exited(0))
        try anOrphanThatIsAboutToBeARow(s)
    }

    /// It was seen without a row on old, in a version that is another one by now: whoever wrote that one is waited for. The process is
    /// held between the two looks, where a row beside it is repaired.
    private func anOrphanThatIsAboutToBeARow(_ s: Scenario) throws {
        let run = try s.start("run", environment: ["TANDEM_FAILPOINT": "after-twin-repair/stop"])
        try s.waitForRoles(forward: "watch", reverse: "watch")
        try s.new.sql(
            "BEGIN; INSERT INTO t VALUES (700, 'orphan', 'x'); UPDATE t SET v = 'wrong' WHERE id = 40; COMMIT")
        try s.new.wait(for: "SELECT v FROM t WHERE id = 40", toBe: "v40", within: .seconds(30))
        let writer = try s.old.session()
        _ = try writer.send("BEGIN; INSERT INTO t VALUES (700, 'row', 'x')")
        try s.new.sql("INSERT INTO t VALUES (700, 'row', 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v")
        run.signal(SIGCONT)
        try s.new.sql("SELECT pg_sleep(1.5)")
        #expect(try s.new.value("SELECT v FROM t WHERE id = 700") == "row", "\(run.tail)")
        _ = try writer.send("COMMIT")
        try settle(s)
        try s.expectSame(["public.t"])
        #expect(try run.stop() == .exited(0))
    }

    /// It is known to be the same all the same: to repair, which records what it has passed, and to who compares.
    private func aRowThatNeverStandsStill(_ s: Scenario) throws {
        let counter = try Counter(s, "UPDATE parted SET v = 'p' || length(v) || md5(v) WHERE id = 3")
        try settle(s)
        let same = try s.tandem("verify")
        #expect(same.exitCode == 0, "\(same.stdout)\(same.stderr)")
        // What is wrong beside it does not pass for the same: under somebody's lock it cannot be repaired.
        let holder = try s.new.session()
        _ = try holder.send("BEGIN; SELECT FROM t WHERE id = 30 FOR UPDATE")
        try s.old.sql("UPDATE t SET v = 'not yet' WHERE id = 30")
        let differs = try s.tandem("verify", "--table", "public.t")
        #expect(differs.exitCode == 1 && differs.stdout.contains("1 row not settled"), "\(differs.stdout)")
        _ = try holder.send("ROLLBACK")
        #expect(try counter.end() > 50)
        try settle(s)
    }

    /// What was touched is not forgotten by a crash: the log is read again from before it.
    @Test func aCrashForgetsNothing() throws {
        let (s, run) = try begin("crash", step: 3)
        defer { s.end() }
        run.kill()
        let dying = try s.start("run", environment: ["TANDEM_FAILPOINT": "after-twin-repair"])
        try s.new.sql("INSERT INTO t SELECT i, 'orphan', 'x' FROM generate_series(1000, 1400) i")
        #expect(try dying.wait() == .signalled(9))
        try s.new.sql("UPDATE t SET v = 'wrong' WHERE id < 10")
        // Nobody is done while somebody on old writes.
        let writer = try s.old.session()
        _ = try writer.send("BEGIN; UPDATE t SET v = 'open' WHERE id = 59")
        let second = try s.start("run")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE v = 'wrong'") == "9")
        second.kill()
        _ = try writer.send("ROLLBACK")
        let third = try s.start("run")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try settle(s)
        try s.expectSame(["public.t"])
        #expect(try third.stop() == .exited(0))
    }
}
