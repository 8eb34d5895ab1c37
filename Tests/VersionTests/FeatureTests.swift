// What old's version gives is used, and what it lacks is not asked for: seen on the server itself, whichever it is.

import TestSupport
import Testing

@Suite(.blocking) struct FeatureTests {
    @Test func whatThisVersionGivesIsUsed() throws {
        let (old, pair) = (
            PostgresInstallation.tested.old,
            try ClusterPair(old: ClusterOptions(settings: ["log_replication_commands": "on"]))
        )
        defer { pair.remove() }
        let s = try Scenario("features", on: pair)
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        let log = pair.old.log
        // Binary values and transactions on their way from 14 on, any origin from 16 on.
        let start = log.split(separator: "\n").last { $0.contains("START_REPLICATION SLOT") } ?? ""
        #expect(start.contains("proto_version '\(min(old - 12, 4))'"), "\(start)")
        #expect(start.contains("streaming 'on'") == (old >= 14) && start.contains("binary 'true'") == (old >= 14))
        #expect(start.contains("origin 'any'") == (old >= 16), "\(start)")
        #expect(run.log.contains("detail=binary") == (old >= 14), "\(run.tail)")
        // A slot that moves along from 17 on; never one that decodes what is only prepared.
        let slot = "FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'"
        if old >= 17 { #expect(try s.old.value("SELECT failover \(slot)") == "t") }
        if old >= 14 { #expect(try s.old.value("SELECT two_phase \(slot)") == "f") }
        #expect(!log.contains("TWO_PHASE") && log.contains("FAILOVER") == (old >= 17))
        // Stored generated columns from 18 on.
        if old >= 18 {
            #expect(try s.old.value("SELECT pubgencols FROM pg_publication") == "s")
        }
        // And old does send what is large before it is committed.
        let open = try s.old.session()
        try open.send("BEGIN; INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i")
        if old >= 14 {
            try s.old.wait(
                for: "SELECT stream_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = '\(s.slotName)'",
                toBe: "t")
        }
        #expect(try s.new.value("SELECT count(*) FROM t") == "0")
        try open.send("COMMIT")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
    }

    /// From 16 on the server's own list of what a publication has waits for everybody who alters a table; and who asks for a
    /// partition's root and bounds waits, while that somebody's large transaction is sent already.
    @Test func whoAltersATableHoldsUpNoStart() throws {
        let s = try Scenario("altering")
        defer { s.end() }
        let tables = """
            CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY);
            CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (9999);
            """
        try s.both(tables)
        try s.old.sql("ALTER DATABASE \"\(s.old.name)\" SET logical_decoding_work_mem = '64kB'")
        try s.prepare()
        let holder = try s.old.session()
        try holder.send(
            "BEGIN; LOCK TABLE t, p IN ACCESS EXCLUSIVE MODE; INSERT INTO t VALUES (1); INSERT INTO p SELECT generate_series(1, 5000)"
        )
        try s.old.sql("INSERT INTO u VALUES (1)")
        let outcome = try s.tandem("run", "--until", "caught-up", within: .seconds(60))
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        #expect(try s.new.sql("SELECT * FROM u") == "1")
        try holder.send("COMMIT")
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
    }

    /// Before 15 a "char" prints as one byte, which may be no character: old says it, and new cannot read it.
    @Test(.enabled(if: PostgresInstallation.tested.old < 15))
    func aByteThatIsNoCharacter() throws {
        let s = try Scenario("byte")
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (id int PRIMARY KEY, c \"char\"); CREATE TABLE forces_text (id int PRIMARY KEY, list int[])"
        )
        try s.prepare()
        try s.old.sql("INSERT INTO t VALUES (1, 'a'), (2, '')")
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        try s.old.sql("INSERT INTO t VALUES (3, (-128)::\"char\")")
        let blocked = try s.tandem("run", "--until", "caught-up")
        #expect(
            blocked.exitCode == 5 && blocked.stderr.contains("public.t") && blocked.stderr.contains("22021"),
            "\(blocked.stderr)")
        #expect(try s.new.value("SELECT count(*) FROM t") == "2")
    }

    /// Columns that may not be NULL from now on, though rows of before have NULL there: copied all the same.
    @Test(.enabled(if: PostgresInstallation.tested.old >= 18 && PostgresInstallation.tested.new >= 18))
    func rowsThatAnUnvalidatedConstraintWouldNotLetIn() throws {
        let s = try Scenario("notvalid", marker: false)
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE t (id int PRIMARY KEY, v text, n int); INSERT INTO t VALUES (1, NULL, -1), (2, 'b', 2);
            ALTER TABLE t ADD CONSTRAINT filled NOT NULL v NOT VALID, ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
            CREATE TABLE e (id int PRIMARY KEY, n int CONSTRAINT never CHECK (n > 0) NOT ENFORCED); INSERT INTO e VALUES (1, -5);
            """)
        try s.writeConfiguration(marker: false, initialCopy: "all")
        func follow() throws {
            let outcome = try s.tandem("run", "--until", "caught-up")
            #expect(outcome.exitCode == 0, "\(outcome.stderr)")
            #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        }
        try follow()
        let constraints =
            "SELECT string_agg(conname || convalidated || conenforced, ' ' ORDER BY conname) FROM pg_constraint WHERE contype IN ('c', 'n') AND connamespace = 'public'::regnamespace"
        #expect(try s.old.value(constraints) == s.new.value(constraints))
        try s.old.sql("UPDATE t SET n = 3, v = 'c' WHERE id = 2; DELETE FROM t WHERE id = 1; UPDATE e SET n = -6")
        try follow()
    }
}
