// Old has what new lacks: a column, a table. The stream stops before the first transaction that needs it, says exactly
// what to add, and goes on by itself once it is there. Nothing is lost, nothing is skipped.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct MissingTargetTests {
    @Test(arguments: Travel.allCases)
    func columnAddedOnOldOnly(_ travel: Travel) throws {
        let following = try Following("column", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        // Added, not used by any change yet: nobody can know.
        try s.old.sql("INSERT INTO t VALUES (1, 'a'); ALTER TABLE t ADD COLUMN \"New one\" numeric(10, 2) DEFAULT 7")
        try s.old.sql("INSERT INTO u VALUES (1)")
        try s.catchUp()
        try s.old.sql(
            """
            INSERT INTO u VALUES (2);
            BEGIN; INSERT INTO u VALUES (3); INSERT INTO t VALUES (2, 'b', 2.50); UPDATE t SET v = 'c' WHERE id = 1; COMMIT;
            INSERT INTO u VALUES (4); DELETE FROM u WHERE id = 1;
            """)
        let problem = try s.waitUntilBlocked()
        #expect(problem.table == "public.t", "\(problem)")
        #expect(problem.message.contains("\"New one\""), "\(problem)")
        try s.new.wait(for: "SELECT string_agg(id::text, ',' ORDER BY id) FROM u", toBe: "1,2")
        #expect(try s.new.sql("SELECT * FROM t") == "1|a")
        try expectHeldBack(s, problem)
        // A restart changes nothing about it.
        #expect(try s.lastStarted?.stop() == .exited(0))
        let blocked = try s.tandem("run", "--until", "caught-up")
        #expect(blocked.exitCode == 5)
        #expect(blocked.stderr.contains("New one") && blocked.stderr.contains("ADD COLUMN"), "\(blocked.stderr)")
        _ = try s.start("run")
        try expectHeldBack(s, try s.waitUntilBlocked())
        try s.new.sql(try statement(in: problem))
        // The statement also gives the rows that are there the value old gave to its own, and later rows their default.
        #expect(
            try s.new.sql("INSERT INTO t (id) VALUES (99) RETURNING \"New one\"; DELETE FROM t WHERE id = 99") == "7.00"
        )
        try expectHealthy(s)
        try expectCleanEnd(s)
    }

    /// Several columns and types, in a transaction so large that its first half was on its way to new already.
    @Test(arguments: Travel.allCases)
    func columnsAddedInALargeTransaction(_ travel: Travel) throws {
        let following = try Following("columns", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql(
            """
            BEGIN; INSERT INTO filler (t) SELECT repeat(md5(g::text), 8) FROM generate_series(1, 12000) g;
            INSERT INTO t VALUES (1, 'a'); ALTER TABLE t ADD COLUMN a varchar(9)[], ADD COLUMN b timestamptz NOT NULL DEFAULT now();
            INSERT INTO t VALUES (2, 'b', '{x,y}'); UPDATE t SET v = 'z', b = b + interval '1 day';
            INSERT INTO filler (t) SELECT repeat(md5(g::text), 8) FROM generate_series(1, 12000) g; COMMIT;
            """)
        let problem = try s.waitUntilBlocked()
        #expect(try s.new.sql("SELECT count(*) FROM t; SELECT count(*) FROM filler") == "0\n0")
        try expectHeldBack(s, problem)
        try s.new.sql(try statement(in: problem))
        try expectHealthy(s)
    }

    @Test func tableAddedOnOldOnly() throws {
        let s = try Scenario("table")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.old.sql("CREATE TABLE \"Odd.name\" (id int PRIMARY KEY, v text)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql(
            "INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); INSERT INTO \"Odd.name\" VALUES (1, 'x'); COMMIT; INSERT INTO t VALUES (3)"
        )
        let problem = try s.waitUntilBlocked()
        #expect(problem.table == "public.\"Odd.name\"", "\(problem)")
        try s.new.wait(for: "SELECT count(*) FROM t", toBe: "1")
        try expectHeldBack(s, problem)
        try s.new.sql("CREATE TABLE \"Odd.name\" (id int PRIMARY KEY, v text)")
        try expectHealthy(s)
    }

    /// A table made and published while the stream runs comes into it from then on.
    @Test(arguments: Travel.allCases)
    func tablePublishedWhileRunning(_ travel: Travel) throws {
        let following = try Following("published later", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1); CREATE TABLE later (id int PRIMARY KEY, m int[])")
        try s.old.sql(
            "ALTER PUBLICATION \(s.publicationName) ADD TABLE later; INSERT INTO later VALUES (1, '{1}'), (2, NULL)")
        let problem = try s.waitUntilBlocked()
        #expect(problem.table == "public.later", "\(problem)")
        try s.new.sql("CREATE TABLE later (id int PRIMARY KEY, m int[])")
        try s.old.sql("UPDATE later SET m = m || 7; INSERT INTO t VALUES (2)")
        try expectHealthy(s)
    }

    /// What the remedy says to run, as it says it.
    private func statement(in problem: StatusScreen.Problem) throws -> String {
        let hint = try #require(problem.hint)
        #expect(hint.hasPrefix("ALTER TABLE"), "\(hint)")
        let end = try #require(hint.range(of: "; then replication"))
        return String(hint[..<end.lowerBound])
    }

    private func expectHeldBack(
        _ s: Scenario, _ problem: StatusScreen.Problem, at location: SourceLocation = #_sourceLocation
    ) throws {
        let isBehind = try s.old.value("SELECT '\(try s.confirmed())'::pg_lsn < '\(problem.position ?? "")'::pg_lsn")
        #expect(isBehind == "t", "\(problem)", sourceLocation: location)
    }
}
