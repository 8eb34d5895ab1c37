// Transactions of every shape: interleaved, nested, rolled back in parts or as a whole, streamed while they run (the
// servers stream above 64 kB) or sent at their end.

import TestSupport
import Testing

@Suite(.blocking) struct TransactionTests {
    @Test func largeTransactionsInterleavedCommitInAnotherOrderThanTheyBegan() throws {
        let s = try Scenario.prepared("interleaved", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'foo'), (2, 'bar')")
        let (first, second) = (try s.old.session(), try s.old.session())
        try first.send("BEGIN; \(rows("t", from: 3, count: 4998))")
        try second.send("BEGIN; \(rows("t", from: 5001, count: 4999))")
        try first.send(
            "UPDATE t SET b = md5(b) WHERE a % 2 = 0 AND a < 5001; DELETE FROM t WHERE a % 3 = 0 AND a < 5001")
        try second.send(
            "UPDATE t SET b = md5(b) WHERE a % 2 = 0 AND a > 5000; DELETE FROM t WHERE a % 3 = 0 AND a > 5000")
        try second.send("COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "3334")
        try first.send("COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "6666")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    @Test func aRestartBetweenTheCommitsOfInterleavedTransactionsLosesNeither() throws {
        let s = try Scenario.prepared(
            "restartbetween", "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let (first, second) = (try s.old.session(), try s.old.session())
        try first.send("BEGIN; \(rows("t", count: 3000))")
        try second.send("BEGIN; \(rows("t", from: 5001, count: 10)) COMMIT")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "10")
        try first.send("\(rows("t", from: 3001, count: 10)) COMMIT")
        try s.follow()
        #expect(try s.new.value("SELECT count(*), count(DISTINCT a) FROM t") == "3020")
        try s.follow()
        try s.expectSame()
        try s.expectSlotNotAhead()
    }

    @Test func rollbacksToSavepointsTakeTheirRowsAway() throws {
        let s = try Scenario.prepared("savepoints", "CREATE TABLE t (a int PRIMARY KEY, b text, c int)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql(
            """
            BEGIN; \(rows("t (a, b)", count: 1000))
            SAVEPOINT s1; UPDATE t SET c = 1 WHERE a <= 500; DELETE FROM t WHERE a % 7 = 0;
            SAVEPOINT s2; \(rows("t (a, b)", from: 2000, count: 1000))
            SAVEPOINT s3; DELETE FROM t WHERE a > 900;
            SAVEPOINT s4; \(rows("t (a, b)", from: 5000, count: 1000))
            SAVEPOINT s5; UPDATE t SET b = 'five';
            ROLLBACK TO s5; ROLLBACK TO s4; ROLLBACK TO s3; \(rows("t (a, b)", from: 9000, count: 5))
            COMMIT;
            """)
        try s.old.sql(
            """
            BEGIN; \(rows("t (a, b)", from: 10_000, count: 800)) SAVEPOINT s1; \(rows("t (a, b)", from: 11_000, count: 800))
            SAVEPOINT s2; \(rows("t (a, b)", from: 12_000, count: 800)) RELEASE s2; ROLLBACK TO s1;
            \(rows("t (a, b)", from: 13_000, count: 2)) COMMIT;
            BEGIN; \(rows("t (a, b)", from: 20_000, count: 2000)) SAVEPOINT s1; DELETE FROM t; ROLLBACK;
            """)
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t WHERE a < 10000") == "1863")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE a >= 10000") == "802")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    @Test func deeplyNestedSubtransactionsArriveWhole() throws {
        let s = try Scenario.prepared("nested", "CREATE TABLE t (a serial PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        let depth = (1...80).map {
            "SAVEPOINT s\($0); INSERT INTO t (b) SELECT repeat('x', 400) FROM generate_series(1, 5);"
        }
        try s.old.sql("BEGIN; \(depth.joined()) COMMIT")
        try s.old.sql(
            "BEGIN; \(depth.joined()) ROLLBACK TO s40; INSERT INTO t (b) VALUES ('after'); RELEASE s20; COMMIT")
        try s.old.sql("BEGIN; \(depth.joined()) ROLLBACK")
        try s.old.sql(
            """
            DO $$ BEGIN
                FOR i IN 1..128 LOOP
                    BEGIN
                        INSERT INTO t (b) SELECT i || repeat('y', 100) FROM generate_series(1, 20);
                        IF i % 3 = 0 THEN RAISE division_by_zero; END IF;
                    EXCEPTION WHEN division_by_zero THEN INSERT INTO t (b) VALUES ('caught ' || i);
                    END;
                END LOOP;
            END $$
            """)
        // A number of its own that produces nothing here, and one that comes late.
        try s.old.sql("BEGIN; SELECT a FROM t LIMIT 3 FOR UPDATE; SAVEPOINT a; SELECT 1; COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "\(400 + 196 + 86 * 20 + 42)")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    /// Top and subtransaction each large (streamed, spilled on the source) or small, the inner one kept or rolled back.
    @Test func everySizeOfTopAndSubtransactionComesOutRight() throws {
        let s = try Scenario.prepared("sizes", "CREATE TABLE t (a bigserial PRIMARY KEY, which text, b text)")
        defer { s.end() }
        let run = try s.start("run")
        var expected = 0
        for top in [10, 5000] {
            for sub in [10, 5000] {
                for (end, kept) in [("RELEASE s", true), ("ROLLBACK TO s", false), ("ROLLBACK TO s; RELEASE s", false)]
                {
                    let insert = { (count: Int, name: String) in
                        "INSERT INTO t (which, b) SELECT '\(name)', md5(i::text) FROM generate_series(1, \(count)) i;"
                    }
                    try s.old.sql(
                        "BEGIN; \(insert(top, "top")) SAVEPOINT s; \(insert(sub, "sub")) \(end); \(insert(3, "end")) COMMIT"
                    )
                    expected += top + (kept ? sub : 0) + 3
                }
            }
        }
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "\(expected)")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomTreesOfSavepointsInTransactionsSideBySide(seed: UInt64) throws {
        let s = try Scenario.prepared(
            "trees", "CREATE TABLE t (a bigserial, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let run = try s.start("run")
        var random = Dice(seed: seed)
        let sessions = try (0..<3).map { _ in try s.old.session() }
        var trees = sessions.map { _ in SavepointTree() }
        for _ in 0..<60 {
            let index = random.roll(sessions.count)
            try sessions[index].send(trees[index].step(&random))
        }
        for (session, tree) in zip(sessions, trees) where tree.isOpen { try session.send("COMMIT") }
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0), "seed \(seed)")
    }

    @Test func oneTransactionTouchesManyTables() throws {
        let tables = (1...300).map { "CREATE TABLE many.t\($0) (a int PRIMARY KEY, b text);" }.joined()
        let s = try Scenario.prepared("many", "CREATE SCHEMA many; \(tables)")
        defer { s.end() }
        let change = { (statement: (Int) -> String) in
            "BEGIN; " + (1...300).map { statement($0) }.joined(separator: ";") + "; COMMIT"
        }
        try s.old.sql(change { "INSERT INTO many.t\($0) SELECT i, repeat('b', 50) FROM generate_series(1, 5) i" })
        try s.old.sql(change { "UPDATE many.t\($0) SET b = 'c\($0)' WHERE a = \($0 % 5 + 1)" })
        try s.follow()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM many.t300") == "5")
    }

    @Test func truncateInsertsAndDeletesInOneTransaction() throws {
        let s = try Scenario.prepared("truncation", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql(rows("t", count: 2000))
        try s.old.sql(
            "BEGIN; TRUNCATE t; \(rows("t", count: 20_000, "'new ' || i")) DELETE FROM t WHERE a % 2 = 0; COMMIT")
        try s.old.sql("BEGIN; DELETE FROM t; \(rows("t", count: 10)) TRUNCATE t; \(rows("t", count: 7)) COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "7")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}
