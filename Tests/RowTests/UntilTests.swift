// `run --until`: how it ends, and with which exit code.

import TestSupport
import Testing

@Suite(.blocking) struct UntilTests {
    @Test(arguments: Travel.allCases)
    func caughtUpAndPositions(_ travel: Travel) throws {
        let following = try Following("until", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try expect(s, until: "caught-up", exitCode: 3)
        try s.prepare()
        // An idle source, too.
        try expect(s, until: "caught-up", exitCode: 0)
        try s.old.sql("INSERT INTO t SELECT generate_series(1, 100)")
        try expect(s, until: "caught-up", exitCode: 0)
        #expect(try s.new.value("SELECT count(*) FROM t") == "100")

        try s.old.sql("INSERT INTO t VALUES (101)")
        let between = try s.old.value("SELECT pg_current_wal_insert_lsn()") ?? ""
        try s.old.sql("INSERT INTO t VALUES (102); DELETE FROM t WHERE id < 10")
        try expect(s, until: between, exitCode: 0)
        #expect(try s.new.value("SELECT max(id) FROM t") == "101")
        // A position it has passed already: nothing to do.
        try expect(s, until: between, exitCode: 0)
        try expect(s, until: "soon", exitCode: 2)
        try expect(s, until: "caught-up", exitCode: 0)
        try expectEqual(s)
    }

    /// A large transaction and many small ones, gathered, are all there when it ends.
    @Test func everythingIsThereWhenItEnds() throws {
        let following = try Following("until large")
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.prepare()
        try s.old.sql(
            """
            INSERT INTO t SELECT g, repeat('v', 300) FROM generate_series(1, 20000) g;
            DO $$ BEGIN FOR i IN 1..2000 LOOP UPDATE t SET v = 'w' || i WHERE id = i % 100; COMMIT; END LOOP; END $$;
            DELETE FROM t WHERE id % 7 = 0;
            """)
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        try expectEqual(s)
    }

    @Test func blockedEndsWithFive() throws {
        let s = try Scenario("until blocked")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v varchar(10))")
        try s.new.sql("ALTER TABLE t ALTER v TYPE varchar(3)")
        try s.prepare()
        try s.old.sql(
            "INSERT INTO t VALUES (1, 'abc'); INSERT INTO t VALUES (2, 'abcdef'); INSERT INTO t VALUES (3, 'x')")
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 5)
        for part in ["public.t", "22001", "widen"] {
            #expect(outcome.stderr.contains(part), "\(outcome.stderr)")
        }
        #expect(try s.new.sql("SELECT * FROM t") == "1|abc")
        try s.new.sql("ALTER TABLE t ALTER v TYPE varchar(10)")
        try expect(s, until: "caught-up", exitCode: 0)
        try expectEqual(s)
    }

    /// A role on new that may not do what applying needs: an error that says so, and no crash.
    @Test func aRoleThatMayNotApply() throws {
        let s = try Scenario("limited")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        // Everything of tandem's own is there, made by one who may.
        try expect(s, until: "caught-up", exitCode: 0)
        let role = "limited_\(s.name)"
        try s.new.sql(
            """
            CREATE ROLE \(role) LOGIN; GRANT ALL ON SCHEMA tandem, public TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA tandem, public TO \(role);
            GRANT EXECUTE ON FUNCTION pg_replication_origin_progress(text, bool) TO \(role);
            """)
        defer { _ = try? s.new.sql("DROP OWNED BY \(role); DROP ROLE \(role)") }
        try s.old.sql("INSERT INTO t VALUES (1)")
        try s.writeConfiguration(new: s.new.cluster.connection(database: s.name, user: role))
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 1, "\(outcome.stderr)")
        #expect(outcome.stderr.contains("session_replication_role"), "\(outcome.stderr)")
        try s.writeConfiguration()
        try expect(s, until: "caught-up", exitCode: 0)
        try expectEqual(s)
    }

    private func expect(
        _ s: Scenario, until end: String, exitCode: Int32, at location: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try s.tandem("run", "--until", end)
        #expect(outcome.exitCode == exitCode, "\(outcome.stderr)", sourceLocation: location)
    }
}
