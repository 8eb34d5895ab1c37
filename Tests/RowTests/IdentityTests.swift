// Which columns tell a row apart is the source's business, and it may change while the stream runs: chosen indexes,
// dropped ones, keys on other columns, keys that new does not have.

import TestSupport
import Testing

@Suite(.blocking) struct IdentityTests {
    @Test(arguments: Travel.allCases)
    func chosenIndexes(_ travel: Travel) throws {
        try follow(
            "indexes", travel,
            tables: """
                CREATE TABLE events (id int NOT NULL, created_at timestamp(6) NOT NULL, name text NOT NULL, v text);
                CREATE UNIQUE INDEX by_all ON events (created_at, id, name);
                ALTER TABLE events REPLICA IDENTITY USING INDEX by_all;
                CREATE TABLE switched (a int NOT NULL, b int NOT NULL);
                CREATE UNIQUE INDEX by_a ON switched (a); CREATE UNIQUE INDEX by_b ON switched (b);
                ALTER TABLE switched REPLICA IDENTITY USING INDEX by_a;
                CREATE TABLE beside_key (id int PRIMARY KEY, code text NOT NULL, v int);
                CREATE UNIQUE INDEX by_code ON beside_key (code); ALTER TABLE beside_key REPLICA IDENTITY USING INDEX by_code;
                """,
            [
                "INSERT INTO events SELECT g, timestamp '2020-01-01 00:00:00.000001' + g * interval '1 us', 'n' || g, 'v' FROM generate_series(1, 10) g",
                "UPDATE events SET v = 'w' WHERE id % 2 = 0",
                "UPDATE events SET created_at = created_at + interval '1 us' WHERE id = 3; UPDATE events SET name = 'x' WHERE id = 4",
                "DELETE FROM events WHERE id = 5",
                "INSERT INTO switched VALUES (1, 1), (2, 2)",
                "UPDATE switched SET b = 12 WHERE a = 2",
                "ALTER TABLE switched REPLICA IDENTITY USING INDEX by_b",
                "UPDATE switched SET a = -a",
                "UPDATE switched SET b = 21 WHERE a = -1; DELETE FROM switched WHERE b = 12",
                "INSERT INTO beside_key VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
                "UPDATE beside_key SET v = v + 1; UPDATE beside_key SET id = 20 WHERE code = 'b'; UPDATE beside_key SET code = 'z' WHERE id = 1",
                "DELETE FROM beside_key WHERE code = 'c'; INSERT INTO beside_key VALUES (3, 'c', 33)",
            ])
    }

    /// A primary key is dropped, rows come in between, and others become the key; new keeps what it had.
    @Test(arguments: Travel.allCases)
    func keyMovesToOtherColumns(_ travel: Travel) throws {
        try follow(
            "moving key", travel,
            tables: """
                CREATE TABLE moving (a int PRIMARY KEY, b int NOT NULL, v text);
                CREATE TABLE elsewhere (a int PRIMARY KEY, b int NOT NULL UNIQUE, v text);
                CREATE TABLE unindexed (a int PRIMARY KEY, b text, v text);
                """,
            onNew: """
                CREATE TABLE moving (a int PRIMARY KEY, b int NOT NULL, v text);
                CREATE TABLE elsewhere (a int, b int NOT NULL UNIQUE, v text);
                CREATE TABLE unindexed (a int, b text, v text);
                """,
            [
                "INSERT INTO moving VALUES (1, 11, 'x'), (2, 12, 'y')",
                "UPDATE moving SET v = 'z' WHERE a = 1",
                "ALTER TABLE moving DROP CONSTRAINT moving_pkey",
                "INSERT INTO moving VALUES (3, 13, 'between')",
                "ALTER TABLE moving ADD PRIMARY KEY (b)",
                "UPDATE moving SET a = a + 10; UPDATE moving SET b = 14 WHERE b = 13; DELETE FROM moving WHERE b = 12",
                "ALTER TABLE moving DROP CONSTRAINT moving_pkey, ADD PRIMARY KEY (b, a)",
                "UPDATE moving SET v = 'both'; UPDATE moving SET a = 99 WHERE b = 14",
                "INSERT INTO elsewhere VALUES (1, 11, 'x'), (2, 12, 'y'), (3, 13, 'z')",
                "UPDATE elsewhere SET v = 'w' WHERE a = 1; UPDATE elsewhere SET b = 22 WHERE a = 2; DELETE FROM elsewhere WHERE a = 3",
                "UPDATE elsewhere SET a = 5 WHERE a = 1",
                "INSERT INTO unindexed SELECT g, 'b', 'v' FROM generate_series(1, 20) g",
                "UPDATE unindexed SET v = 'w' WHERE a > 5; UPDATE unindexed SET a = a + 100 WHERE a > 10; DELETE FROM unindexed WHERE a < 3",
            ])
    }

    /// Identity changes between full, key and nothing, one transaction after another.
    @Test(arguments: Travel.allCases)
    func identityChangesBetweenTransactions(_ travel: Travel) throws {
        try follow(
            "identity changes", travel,
            tables:
                "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
            [
                "INSERT INTO t SELECT g, 'v', repeat(md5(g::text), 200) FROM generate_series(1, 6) g",
                "UPDATE t SET v = 'w' WHERE id = 1",
                "ALTER TABLE t REPLICA IDENTITY FULL",
                "UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET id = 12 WHERE id = 2; DELETE FROM t WHERE id = 3",
                "ALTER TABLE t REPLICA IDENTITY NOTHING",
                "INSERT INTO t VALUES (7, 'v', NULL)",
                "ALTER TABLE t REPLICA IDENTITY DEFAULT",
                "UPDATE t SET v = 'y' WHERE id = 1; UPDATE t SET id = 14 WHERE id = 4; DELETE FROM t WHERE id = 5",
            ])
    }

    /// Old refuses to update what could not be found again. That is the writer's error, and the stream goes on.
    @Test(arguments: ["USING INDEX one", "NOTHING"])
    func updatesWithoutIdentityAreRefusedByOld(_ identity: String) throws {
        let s = try Scenario("refused")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int NOT NULL, b int); CREATE UNIQUE INDEX one ON t (a)")
        try s.both("CREATE TABLE k (a int PRIMARY KEY, b int NOT NULL); CREATE UNIQUE INDEX other ON k (b)")
        try s.both("ALTER TABLE t REPLICA IDENTITY \(identity); ALTER TABLE k REPLICA IDENTITY USING INDEX other")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3); INSERT INTO k VALUES (1, 1)")
        try s.old.sql("DROP INDEX one; DROP INDEX other; INSERT INTO t VALUES (4, 4); INSERT INTO k VALUES (2, 2)")
        for statement in ["UPDATE t SET b = 9", "DELETE FROM t", "UPDATE k SET b = 9", "DELETE FROM k"] {
            let failure = #expect(throws: HarnessFailure.self) { try s.old.sql(statement) }
            #expect(failure?.sqlstate == "55000")
        }
        try expectHealthy(s)
        #expect(try s.new.value("SELECT count(*) FROM t WHERE b < 5") == "4")
    }

    /// Publishing such tables would make their updates fail in production: `prepare` names them and creates nothing.
    @Test func tablesWithoutIdentityAreNotPublished() throws {
        let s = try Scenario("no identity")
        defer { s.end() }
        try s.both("CREATE TABLE bare (a int); CREATE TABLE late (a int PRIMARY KEY DEFERRABLE)")
        let outcome = try s.tandem("prepare")
        #expect(outcome.exitCode == 3)
        #expect(outcome.stderr.contains("public.bare") && outcome.stderr.contains("public.late"), "\(outcome.stderr)")
        #expect(outcome.stderr.contains("REPLICA IDENTITY FULL"), "\(outcome.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
    }
}
