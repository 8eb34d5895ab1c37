// What is different in one transaction is not paid for by all it came with.

import TestSupport
import Testing

@Suite(.blocking) struct ReplayTests {
    private func commitsOnNew(_ s: Scenario) throws -> Int {
        let count = try s.new.value("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return try #require(count.flatMap { Int($0) })
    }

    /// Transactions of one row each, of which those at `places` change a row that new does not have.
    private func write(_ s: Scenario, from first: Int, count: Int, different places: [Int]) throws {
        let list = places.map(String.init).joined(separator: ", ")
        try s.old.sql(
            """
            DO $$ BEGIN FOR i IN 0..\(count - 1) LOOP
                INSERT INTO t VALUES (\(first) + i, 'new');
                IF i = ANY (ARRAY[\(list)]::int4[]) THEN UPDATE t SET b = 'changed ' || i WHERE a = i % 20; END IF;
                COMMIT;
            END LOOP; END $$
            """)
    }

    @Test(arguments: [[1234], [0], [2999], [0, 1, 2, 1500, 1501, 2998]])
    func oneRowThatIsDifferentCostsAFewBatches(places: [Int]) throws {
        let s = try Scenario.prepared("halves", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.old.sql(rows("t", from: 0, count: 20))
        try s.follow()
        try s.new.sql("SET session_replication_role = replica; DELETE FROM t WHERE a < 20")
        let before = try commitsOnNew(s)
        let count = 3000
        try write(s, from: 1000, count: count, different: places)
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t WHERE a >= 1000") == "\(count)")
        // Each is read again on old.
        let changed = Set(places.map { $0 % 20 }).sorted()
        let there = try s.new.rows("SELECT a FROM t WHERE a < 20 ORDER BY a").compactMap { $0[0].flatMap { Int($0) } }
        #expect(there == changed)
        let equal = "SELECT string_agg(a || b, ',' ORDER BY a) FROM t WHERE a < 20 AND b LIKE 'changed%'"
        #expect(try s.new.value(equal) == s.old.value(equal))
        let commits = try commitsOnNew(s) - before
        #expect(commits < count / 3, "\(commits) commits for \(count) transactions")
    }

    /// Nothing behind what cannot be applied, and everything before it.
    @Test func whatCannotBeAppliedIsFoundInTheMiddle() throws {
        let s = try Scenario.prepared("halves", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.new.sql("ALTER TABLE t ADD CHECK (a <> 1777)")
        try write(s, from: 1000, count: 3000, different: [])
        let run = try s.start("run")
        try run.waitForLog("event=blocked")
        #expect(try s.new.value("SELECT max(a) || '|' || count(*) FROM t") == "1776|777")
        try s.new.sql("ALTER TABLE t DROP CONSTRAINT t_a_check")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}
