// TRUNCATE: which tables, in which order with the rows around it, and what new has that stands in its way.

import TestSupport
import Testing

@Suite(.blocking) struct TruncateTests {
    @Test(arguments: Travel.allCases)
    func emptiedAmongChanges(_ travel: Travel) throws {
        try follow(
            "truncate", travel,
            tables: """
                CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE f (a int, b text); ALTER TABLE f REPLICA IDENTITY FULL;
                CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent);
                CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE heir (extra int, PRIMARY KEY (id)) INHERITS (base);
                CREATE TABLE root (id int, r text, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
                CREATE TABLE root_a PARTITION OF root FOR VALUES IN ('a'); CREATE TABLE root_b PARTITION OF root FOR VALUES IN ('b');
                """,
            [
                "INSERT INTO t SELECT g, 'v' FROM generate_series(1, 5) g; INSERT INTO f VALUES (1, 'x'), (1, 'x')",
                "TRUNCATE t",
                "INSERT INTO t SELECT g, 'w' FROM generate_series(1, 5) g",
                "TRUNCATE t; INSERT INTO t VALUES (1, 'same key'), (2, 'other')",
                "UPDATE t SET v = 'x' WHERE id = 1; DELETE FROM t WHERE id = 2; TRUNCATE t; INSERT INTO t VALUES (1, 'y'), (3, 'y')",
                "UPDATE t SET id = 4 WHERE id = 3; UPDATE f SET b = 'y'",
                "TRUNCATE f; INSERT INTO f VALUES (2, 'z'); TRUNCATE f; INSERT INTO f VALUES (3, 'z')",
                "INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2)",
                "TRUNCATE parent, child; INSERT INTO parent VALUES (3); INSERT INTO child VALUES (3, 3)",
                "TRUNCATE parent CASCADE; INSERT INTO parent VALUES (4); INSERT INTO child VALUES (4, 4)",
                "TRUNCATE child",
                "INSERT INTO base VALUES (1), (2); INSERT INTO heir VALUES (3, 1), (4, 1)",
                "TRUNCATE ONLY base",
                "INSERT INTO base VALUES (5); UPDATE base SET id = id + 10; DELETE FROM base WHERE id = 13",
                "INSERT INTO root VALUES (1, 'a'), (2, 'b'); TRUNCATE root_a; INSERT INTO root VALUES (3, 'a')",
                "TRUNCATE root; INSERT INTO root VALUES (4, 'b')",
                "TRUNCATE base; INSERT INTO heir VALUES (6, 1)",
            ])
    }

    @Test func sequencesStartAgain() throws {
        let s = try Scenario("restart")
        defer { s.end() }
        try s.both("CREATE TABLE plain (id serial PRIMARY KEY); CREATE TABLE restarted (id serial PRIMARY KEY)")
        try s.both("ALTER SEQUENCE plain_id_seq START 101; ALTER SEQUENCE restarted_id_seq START 101")
        try s.prepare()
        _ = try s.start("run")
        try s.new.sql("SELECT setval('plain_id_seq', 500), setval('restarted_id_seq', 500)")
        try s.old.sql("INSERT INTO plain DEFAULT VALUES; INSERT INTO restarted DEFAULT VALUES")
        try s.old.sql("TRUNCATE plain; TRUNCATE restarted RESTART IDENTITY; INSERT INTO restarted DEFAULT VALUES")
        try expectHealthy(s)
        #expect(try s.new.sql("SELECT nextval('plain_id_seq'), nextval('restarted_id_seq')") == "501|101")
    }

    /// New has a table of its own that refers to the emptied one. Cascading into it would destroy rows nobody asked
    /// about: blocked with a clear message, until an operator has taken the reference away.
    @Test(arguments: ["TRUNCATE t", "TRUNCATE t CASCADE"])
    func aReferenceOnlyNewHasBlocks(_ statement: String) throws {
        let s = try Scenario("foreign", dataA: ["public.t", "public.u"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)")
        try s.new.sql("CREATE TABLE local (id int PRIMARY KEY, t int REFERENCES t)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1), (2)")
        try s.catchUp()
        try s.new.sql("INSERT INTO local VALUES (1, 1)")
        try s.old.sql("BEGIN; INSERT INTO u VALUES (1); \(statement); COMMIT; INSERT INTO u VALUES (2)")
        let problem = try s.waitUntilBlocked()
        #expect(problem.sqlstate == "0A000" && problem.table == "public.t", "\(problem)")
        #expect(problem.hint?.contains("never cascades") == true, "\(problem)")
        #expect(
            try s.new.sql("SELECT count(*) FROM t; SELECT count(*) FROM u; SELECT count(*) FROM local") == "2\n0\n1")
        try s.new.sql("ALTER TABLE local DROP CONSTRAINT local_t_fkey")
        try expectHealthy(s, except: ["public.local"])
        #expect(try s.new.value("SELECT count(*) FROM local") == "1")
    }

    /// Flat on old, partitioned on new; with a table beside it that is not replicated.
    @Test(arguments: Travel.allCases)
    func partitionedOnNew(_ travel: Travel) throws {
        try follow(
            "flat truncate", travel, tables: "CREATE TABLE t (id int PRIMARY KEY, r text)",
            onNew: """
                CREATE TABLE t (id int PRIMARY KEY, r text) PARTITION BY RANGE (id);
                CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5); CREATE TABLE t2 PARTITION OF t DEFAULT;
                """,
            compare: ["t"],
            [
                "INSERT INTO t SELECT g, 'v' FROM generate_series(1, 9) g", "TRUNCATE t",
                "INSERT INTO t SELECT g, 'w' FROM generate_series(1, 9) g; UPDATE t SET id = id + 3 WHERE id > 6",
                "TRUNCATE t; INSERT INTO t VALUES (1, 'x'), (7, 'y'); UPDATE t SET id = 8 WHERE id = 1",
            ])
    }

    /// Somebody reads the table on new for a long time: TRUNCATE waits for them, and goes through when they are done.
    @Test func readersOnNew() throws {
        let s = try Scenario("readers")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t SELECT generate_series(1, 9)")
        try s.catchUp()
        let reader = try s.new.session()
        try reader.send("BEGIN; SELECT count(*) FROM t")
        try s.old.sql("TRUNCATE t; INSERT INTO t VALUES (1)")
        try s.new.wait(
            for: "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted", toBe: "1")
        #expect(try reader.send("SELECT count(*) FROM t") == "9")
        try reader.send("COMMIT")
        try expectHealthy(s)
    }

    /// Old waits for tandem with every commit, tandem's own writes on old included: nobody may wait for himself.
    @Test(
        .enabled(
            if: PostgresInstallation.tested.old >= 14,
            "13 itself waits: its walsender wants a lock that the waiting TRUNCATE holds"))
    func tandemAsSynchronousStandby() throws {
        let pair = try ClusterPair(old: ClusterOptions(settings: ["synchronous_commit": "on"]))
        defer { pair.remove() }
        let synchronous = try Scenario("sync", on: pair)
        defer { synchronous.end() }
        try synchronous.both("CREATE TABLE t (id int PRIMARY KEY)")
        try synchronous.prepare()
        _ = try synchronous.start("run")
        try synchronous.catchUp()
        try pair.old.configure(["synchronous_standby_names": "\"\(synchronous.slotName) receive\""])
        try pair.old.reload()
        try pair.old.wait(for: "SELECT sync_state FROM pg_stat_replication", toBe: "sync")
        try synchronous.old.sql("INSERT INTO t SELECT generate_series(1, 9)", within: .seconds(60))
        try synchronous.old.sql("TRUNCATE t; INSERT INTO t VALUES (1)", within: .seconds(60))
        #expect(try synchronous.new.value("SELECT count(*) FROM t") == "1")
        // A row that has to be read again: what old committed cannot be seen there before tandem has applied it.
        try synchronous.new.sql("DELETE FROM t")
        try synchronous.old.sql("UPDATE t SET id = 2", within: .seconds(60))
        try expectHealthy(synchronous, differences: 1)
        try pair.old.configure(["synchronous_standby_names": ""])
        try pair.old.reload()
    }
}
