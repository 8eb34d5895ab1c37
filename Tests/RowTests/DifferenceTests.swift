// Rows that are not on new as the stream expects them: read again from old, made equal, counted, and shown. What cannot
// be made equal that way blocks, by name.

import TestSupport
import Testing

@Suite(.blocking) struct DifferenceTests {
    static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
        CREATE TABLE other (id int PRIMARY KEY, v int);
        """

    /// Each difference alone, and all of them in one batch among changes that are as they should be.
    @Test(arguments: Travel.allCases, [true, false])
    func missingAndExistingRowsAreReadAgain(_ travel: Travel, together: Bool) throws {
        let following = try Following("differences", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(Self.tables)
        try s.both("INSERT INTO t SELECT g, 'v', repeat(md5(g::text), 150) FROM generate_series(1, 8) g")
        try s.prepare()
        try s.new.sql("DELETE FROM t WHERE id IN (2, 3, 4); INSERT INTO t VALUES (10, 'in the way', 'local')")
        let changes = [
            "UPDATE t SET v = 'w' WHERE id = 1", "UPDATE t SET v = 'w' WHERE id = 2", "INSERT INTO other VALUES (1, 1)",
            "DELETE FROM t WHERE id = 3", "UPDATE t SET id = 14 WHERE id = 4",
            "INSERT INTO t SELECT 10, 'from old', big FROM t WHERE id = 5", "INSERT INTO t VALUES (11, 'x', NULL)",
        ]
        if !together { _ = try s.start("run") }
        for change in changes {
            try s.old.sql(change)
            if !together { try s.catchUp() }
        }
        if together { _ = try s.start("run") }
        try s.catchUp()
        try expectHealthy(s, differences: 4)
        #expect(
            try StatusScreen.read(s).found == [
                "public.t existing on insert: 1/1", "public.t missing on delete: 1/0",
                "public.t missing on update: 2/2",
            ])
        try expectCleanEnd(s)
    }

    /// The row that is read again may have gone further on old, or be gone there: new follows in the end.
    @Test(arguments: Travel.allCases)
    func theRowMovedOnMeanwhile(_ travel: Travel) throws {
        let following = try Following("moved on", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(Self.tables)
        try s.both("INSERT INTO t SELECT g, 'v', repeat(md5(g::text), 150) FROM generate_series(1, 6) g")
        try s.prepare()
        try s.new.sql("DELETE FROM t WHERE id < 5; INSERT INTO t VALUES (20, 'local', NULL)")
        try s.old.sql(
            """
            UPDATE t SET v = 'w' WHERE id = 1; UPDATE t SET v = 'x', big = 'short' WHERE id = 1;
            UPDATE t SET v = 'w' WHERE id = 2; DELETE FROM t WHERE id = 2;
            UPDATE t SET v = 'w' WHERE id = 3; UPDATE t SET id = 13 WHERE id = 3; UPDATE t SET v = 'y' WHERE id = 13;
            BEGIN; UPDATE t SET v = 'w' WHERE id = 4; DELETE FROM t WHERE id = 4; INSERT INTO t VALUES (4, 'again', NULL); COMMIT;
            INSERT INTO t VALUES (20, 'came', NULL); DELETE FROM t WHERE id = 20;
            INSERT INTO t VALUES (20, 'came again', NULL); UPDATE t SET big = 'b' WHERE id = 20;
            """)
        _ = try s.start("run")
        try s.catchUp()
        try expectEqual(s)
        let screen = try StatusScreen.read(s) { $0.status?.state == "streaming" }
        #expect(screen.status?.state == "streaming")
        #expect(screen.differences.isEmpty == false)
    }

    /// What the missing row became meanwhile on old holds a unique value that another row on new has not given up yet.
    @Test(arguments: Travel.allCases)
    func theRowTookOverAUniqueValueMeanwhile(_ travel: Travel) throws {
        let following = try Following("took over", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (id int PRIMARY KEY, u text UNIQUE, v int); INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0)")
        try s.prepare()
        try s.new.sql("DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3, 'local', 0)")
        try s.old.sql(
            """
            UPDATE t SET v = 1 WHERE id = 1; INSERT INTO t VALUES (3, 'c', 0);
            UPDATE t SET u = 'd' WHERE id = 2; UPDATE t SET u = 'b' WHERE id = 1; UPDATE t SET u = 'a' WHERE id = 3;
            """)
        _ = try s.start("run")
        try expectHealthy(s, differences: 2)
    }

    /// Without a key there is nothing to read a row again by: it is counted, and verification's to repair.
    @Test func rowsWithoutKeyAreCounted() throws {
        let s = try Scenario("keyless")
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')"
        )
        try s.prepare()
        try s.new.sql("DELETE FROM t WHERE a < 3")
        _ = try s.start("run")
        try s.old.sql("UPDATE t SET b = 'w' WHERE a = 1; DELETE FROM t WHERE a = 2; UPDATE t SET b = 'w' WHERE a = 3")
        try expectHealthy(s, except: ["public.t"], differences: 2)
        #expect(
            try StatusScreen.read(s).found == ["public.t missing on delete: 1/0", "public.t missing on update: 1/0"])
        #expect(try s.new.sql("SELECT * FROM t") == "3|w")
    }

    /// One row that collides with a local row by each of its unique keys: the one with its own key is read again, which
    /// another one still forbids. Blocked, by the name of the constraint, until an operator has cleared the way.
    @Test(arguments: Travel.allCases)
    func severalUniqueKeysCollide(_ travel: Travel) throws {
        let following = try Following("collision", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, c int CONSTRAINT c_alone UNIQUE); CREATE TABLE u (id int PRIMARY KEY)"
        )
        try s.new.sql("INSERT INTO t VALUES (1, 10, 10), (20, 2, 20), (30, 30, 3)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO u VALUES (1)")
        try s.catchUp()
        let before = try s.confirmed()
        try s.old.sql(
            "BEGIN; INSERT INTO u VALUES (2); INSERT INTO t VALUES (1, 2, 3); COMMIT; INSERT INTO u VALUES (3)")
        let problem = try s.waitUntilBlocked()
        #expect(problem.sqlstate == "23505" && problem.table == "public.t", "\(problem)")
        #expect(problem.message.contains("t_b_key") || problem.message.contains("c_alone"), "\(problem)")
        #expect(try s.new.value("SELECT count(*) FROM u") == "1")
        #expect(try s.old.value("SELECT '\(problem.position ?? "")'::pg_lsn > '\(before)'") == "t")
        #expect(try s.old.value("SELECT '\(problem.position ?? "")'::pg_lsn > '\(try s.confirmed())'") == "t")
        try s.new.sql("DELETE FROM t WHERE a > 1")
        try expectHealthy(s, differences: 1)
        try expectCleanEnd(s)
    }

    /// New's rows that are in the way stand in leaves, whose own unique indexes are the ones that object.
    @Test func aUniqueKeyOfALeafCollides() throws {
        let following = try Following("leaf collision")
        let s = following.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (a int, b int, c int, PRIMARY KEY (a)) PARTITION BY RANGE (a);
            CREATE TABLE t_1 PARTITION OF t (CONSTRAINT b_in_leaf UNIQUE (b)) FOR VALUES FROM (0) TO (100);
            CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200);
            """)
        try s.new.sql("INSERT INTO t VALUES (20, 2, 20), (150, 2, 20)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 2, 3)")
        let problem = try s.waitUntilBlocked()
        #expect(problem.sqlstate == "23505" && problem.table == "public.t_1", "\(problem)")
        #expect(problem.message.contains("b_in_leaf"), "\(problem)")
        try s.new.sql("DELETE FROM t WHERE a > 1")
        try expectHealthy(s)
        try expectCleanEnd(s)
    }
}
