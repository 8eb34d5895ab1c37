// What a repair does to new, and what it never does.

import TestSupport
import Testing

@Suite(.blocking) struct RepairTests {
    /// Every fault of the other suite: shown, repaired, gone; nothing else was touched.
    @Test func everyFaultIsRepairedAndNothingElse() throws {
        let s = try InjectionTests.following("repaired")
        defer { s.end() }
        try s.new.sql(
            InjectionTests.faults.replacing("t VALUES (-3, 'extra', 1, 1, '{}', 'end')", with: "t (id) VALUES (-3)")
                + """
                CREATE TABLE audit (what text); CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO public.audit VALUES (TG_OP); RETURN coalesce(NEW, OLD); END $$;
                CREATE TRIGGER tell BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION tell();
                UPDATE t SET extra = 'kept' WHERE id IN (1, 4);
                """)
        try s.new.sql("TRUNCATE audit")

        // A dry run names what it would do; not even a transaction number is taken by it.
        let dry = try s.verify("--repair", "--dry-run", expecting: 4)
        #expect(dry.found == InjectionTests.expected)
        #expect(dry["public.t"]?.differences.first { $0.key == ["2"] }?.would == "insert it on new")
        let ahead = try s.tandem("verify", "--dry-run")
        #expect(ahead.exitCode == 0 && ahead.stdout.contains("would compare"), "\(ahead.stdout)\(ahead.stderr)")

        // The constraint that was dropped on new is no row.
        let mended = try s.verify("--repair", expecting: 4)
        #expect(
            mended.findings.filter(\.differs).map(\.text) == ["new lacks constraint \"later_pkey\" of public.later"])
        try s.new.sql(mended.findings.first { $0.differs }?.remedy ?? "")
        #expect(mended["public.t"]?.repaired == 12)
        #expect(mended.tables.allSatisfy { $0.differences.isEmpty && ($0.notRepaired ?? []).isEmpty })
        #expect(try s.verify(expecting: 0).verdict == "equal")
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: InjectionTests.names) == [])
        #expect(try s.new.value("SELECT count(*) FROM audit") == "0", "a user's trigger fired")
        #expect(
            try s.new.value("SELECT string_agg(extra, ',' ORDER BY id) FROM t WHERE id IN (1, 2, 3, 4)")
                == "kept,mine,mine,kept")
        let shown = try s.tandem("evidence", "show").stdout
        #expect(
            shown.contains("verify --repair") && shown.contains("repair public.t: 10 different, 1 extra, 1 missing"))
        // What every comparison found is on record as well: digests, never a key or a value.
        #expect(
            shown.contains("verify noted")
                && shown.contains("differs, 12 rows not the same, 60000 rows, digests 60000:"))
        #expect(try s.tandem("evidence", "verify").exitCode == 0)
    }

    @Test func dryRunWritesNothingAtAll() throws {
        // Servers of its own: other tests would take transaction numbers.
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("dry", on: pair)
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 100) g")
        try s.prepare()
        let replicator = try s.start("run")
        try s.catchUp()
        try s.new.sql("UPDATE t SET v = -1 WHERE id < 5; VACUUM t; ANALYZE t")
        // With the stream at rest nobody else writes; it has passed everything, but for what keeps it company.
        try s.writeConfiguration(extra: "verify: { repair_limit: 2, patience: 5s }")
        func place(_ side: Database) throws -> [String?] {
            try side.rows("SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text")[0]
        }
        _ = replicator
        let refused = try s.tandem("verify", "--repair")
        #expect(refused.exitCode == 3 && refused.stderr.contains("more than verify.repair_limit"))
        #expect(try s.new.value("SELECT count(*) FROM t WHERE v = -1") == "4")
        #expect(try replicator.stop() == .exited(0))
        let before = (try place(s.old), try place(s.new))
        let files = try s.tandem("evidence", "show").stdout
        #expect(try s.tandem("verify", "--repair", "--dry-run").exitCode != 0)
        let after = (try place(s.old), try place(s.new))
        #expect(before.0 == after.0 && before.1 == after.1, "a transaction wrote something")
        #expect(try s.tandem("evidence", "show").stdout == files)
        _ = try s.start("run")
        try s.catchUp()
        #expect(try s.verify("--repair", "--yes", expecting: 0)["public.t"]?.repaired == 4)
    }

    /// Killed at its worst moments, a repair leaves nothing half-done, and the next one finishes it.
    @Test func killedInTheMiddle() throws {
        let s = try Scenario("killed repair")
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g")
        try s.prepare()
        _ = try s.start("run")
        try s.catchUp()
        try s.new.sql("UPDATE t SET v = -1 WHERE id % 4 = 0")
        for (point, left) in [("during-verify-repair:2", "150"), ("after-verify-repair", "50")] {
            let died = try s.tandem("verify", "--repair", environment: ["TANDEM_FAILPOINT": point])
            #expect(died.status == .signalled(9))
            #expect(try s.new.value("SELECT count(*) FROM t WHERE v = -1") == left)
        }
        #expect(try s.verify("--repair", expecting: 0)["public.t"]?.repaired == 50)
        // Its writes are marked as tandem's own, for whoever reads new's log.
        let origin = try s.new.value(
            "SELECT count(*) FROM pg_catalog.pg_replication_origin WHERE roname = '\(s.slotName)_repair'")
        #expect(origin == "1")
    }

    /// A comparison that was killed goes on, and does not lose what it had found.
    @Test func goesOnAfterAKill() throws {
        let s = try Scenario("going on")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (id int PRIMARY KEY, v text);
            INSERT INTO t SELECT g, repeat('x', 300) FROM generate_series(1, 60000) g; ANALYZE t
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.catchUp()
        try s.new.sql("UPDATE t SET v = 'y' WHERE id IN (5, 59999)")
        let died = try s.tandem("verify", environment: ["TANDEM_FAILPOINT": "after-compared-range:2"])
        #expect(died.status == .signalled(9))
        let kept = "SELECT count(*) FROM tandem.verification_progress"
        #expect(try s.new.value(kept) == "1")
        // Nobody else goes on with it, of whom it is not known when he looked: neither the running stream nor one at work.
        try s.new.sql("UPDATE tandem.verification_progress SET owner = 'stream'")
        #expect(try s.verify("--table", "public.t", expecting: 4).found.count == 2)
        #expect(try s.new.value(kept) == "1", "what is not its own was taken")
        try s.new.sql(
            "UPDATE tandem.verification_progress SET owner = 'command', digest_old = '7:0', digest_new = '7:0'")
        // Put right behind it: what was found before is looked at again.
        let seen = try s.verify("--table", "public.t", expecting: 4)
        #expect(seen.found == ["public.t 5 different", "public.t 59999 different"])
        // It was gone on with: the part before counts as what was recorded.
        #expect(seen["public.t"]?.rowsOld ?? 0 < 60000)
        #expect(try s.new.value(kept) == "0")
        let afresh = try s.verify("--afresh", expecting: 4)
        #expect(afresh["public.t"]?.rowsOld == 60000)
    }
}
