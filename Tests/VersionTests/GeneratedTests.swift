// Columns that old generates and new does not, or otherwise: before PostgreSQL 18 their values do not come, from then on
// those of stored ones do.

import TestSupport
import Testing

@Suite(.blocking) struct GeneratedTests {
    @Test(.enabled(if: PostgresInstallation.tested.old < 18))
    func aColumnThatOnlyOldGeneratesBlocksByName() throws {
        let s = try Scenario("onlyold")
        defer { s.end() }
        try s.old.sql("CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED)")
        try s.new.sql("CREATE TABLE t (id int PRIMARY KEY, a int, g int)")
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 21)")
        try run.waitForLog("event=blocked")
        #expect(run.log.contains("old generates column") && run.log.contains("GENERATED ALWAYS AS ((a * 2)) STORED"))
        try s.new.sql("ALTER TABLE t DROP COLUMN g, ADD COLUMN g int GENERATED ALWAYS AS ((a * 2)) STORED")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
    }

    @Test(.enabled(if: PostgresInstallation.tested.old < 18))
    func anIdentityWithAGeneratedColumnIsRefused() throws {
        let s = try Scenario("keypart")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int, g int GENERATED ALWAYS AS (a / 2) STORED, PRIMARY KEY (a, g))")
        let refused = try s.tandem("prepare")
        #expect(refused.exitCode == 3 && refused.stderr.contains("public.t (\"g\")"), "\(refused.stderr)")
        try s.old.sql("ALTER TABLE t REPLICA IDENTITY FULL")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1), (2), (3); UPDATE t SET a = 5 WHERE a = 2; DELETE FROM t WHERE a = 1")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
    }

    @Test(.enabled(if: PostgresInstallation.tested.old >= 18))
    func storedValuesArriveWhereNewDoesNotGenerateThem() throws {
        let s = try Scenario("stored")
        defer { s.end() }
        let generated = "g int GENERATED ALWAYS AS (a * 2) STORED"
        try s.old.sql(
            """
            CREATE TABLE plain (id int PRIMARY KEY, a int, \(generated)); CREATE TABLE own (id int PRIMARY KEY, a int, \(generated));
            CREATE TABLE lacks (id int PRIMARY KEY, a int, \(generated));
            CREATE TABLE whole (a int, \(generated), b text); ALTER TABLE whole REPLICA IDENTITY FULL;
            CREATE TABLE part (a int, \(generated), PRIMARY KEY (a, g)); CREATE TABLE gone (id int PRIMARY KEY, a int, \(generated));
            """)
        let ownExpression = "g int GENERATED ALWAYS AS (a * 3) STORED"
        try s.new.sql(
            """
            CREATE TABLE plain (id int PRIMARY KEY, a int, g int); CREATE TABLE own (id int PRIMARY KEY, a int, \(ownExpression));
            CREATE TABLE lacks (id int PRIMARY KEY, a int); CREATE TABLE whole (a int, \(ownExpression), b text);
            CREATE TABLE part (a int, g int, PRIMARY KEY (a, g)); CREATE TABLE gone (id int PRIMARY KEY, a int, \(generated));
            """)
        try s.prepare()
        try s.old.sql("INSERT INTO gone VALUES (1, 1); DROP TABLE gone")
        let run = try s.start("run")
        try s.old.sql(
            """
            INSERT INTO plain VALUES (1, 1), (2, 2); UPDATE plain SET a = 5 WHERE id = 2; INSERT INTO own VALUES (1, 1), (2, 2);
            UPDATE own SET a = 5 WHERE id = 2; INSERT INTO lacks VALUES (1, 1); UPDATE lacks SET a = 7;
            INSERT INTO whole (a, b) VALUES (1, 'x'), (1, 'x'), (2, 'y'); UPDATE whole SET a = 9 WHERE b = 'y';
            DELETE FROM whole WHERE ctid = '(0,1)'; INSERT INTO part VALUES (1), (2); UPDATE part SET a = 4 WHERE a = 2;
            """)
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: ["public.plain", "public.part"]) == [])
        #expect(try s.new.sql("SELECT * FROM own ORDER BY 1; SELECT * FROM lacks") == "1|1|3\n2|5|15\n1|7")
        #expect(try s.new.sql("SELECT * FROM whole ORDER BY 1") == "1|3|x\n9|27|y")
        #expect(try s.new.sql("SELECT * FROM gone") == "1|1|2")
        #expect(!run.log.contains("event=blocked") && !run.log.contains("event=difference"), "\(run.tail)")
    }

    @Test(.enabled(if: PostgresInstallation.tested.old >= 18))
    func virtualColumnsAreNamed() throws {
        let s = try Scenario("virtual")
        defer { s.end() }
        let generated = "g int GENERATED ALWAYS AS (a * 2) VIRTUAL"
        try s.old.sql("CREATE TABLE whole (a int, \(generated)); ALTER TABLE whole REPLICA IDENTITY FULL")
        try s.new.sql("CREATE TABLE whole (a int, g int)")
        let refused = try s.tandem("prepare")
        #expect(refused.exitCode == 3 && refused.stderr.contains("public.whole (\"g\")"), "\(refused.stderr)")
        try s.old.sql("INSERT INTO whole VALUES (1); UPDATE whole SET a = 2; DROP TABLE whole")
        try s.old.sql("CREATE TABLE t (id int PRIMARY KEY, a int, \(generated)); CREATE TABLE u (LIKE t INCLUDING ALL)")
        try s.new.sql("CREATE TABLE t (id int PRIMARY KEY, a int, g int)")
        try s.new.sql("CREATE TABLE u (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED)")
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql("INSERT INTO u VALUES (1, 2); INSERT INTO t VALUES (1, 2)")
        try run.waitForLog("event=blocked")
        #expect(run.log.contains("old generates column") && run.log.contains("public.t"), "\(run.tail)")
        try s.new.sql("ALTER TABLE t DROP COLUMN g")
        try s.catchUp()
        #expect(try s.new.sql("SELECT * FROM t; SELECT * FROM u") == "1|2\n1|2|4")
    }
}
