// Sizes that break what is not bounded, small enough for every run: `make soak NAME=limits` has them in full.

import TestSupport
import Testing

@Suite(.blocking) struct BoundsTests {
    private static let limit = 16 << 20
    /// What the program itself needs besides `limits.memory`: see docs/limits.md.
    private static let constant = 64 << 20

    private func followed(_ title: String, _ tables: String, _ work: (Scenario) throws -> Void) throws {
        let s = try Scenario.prepared(title, extra: "limits: { memory: 16MB }", tables)
        defer { s.end() }
        let run = try s.start("run")
        try work(s)
        try s.catchUp(within: .seconds(300))
        try s.expectSame()
        #expect((run.peakMemory ?? .max) < Self.limit + Self.constant, "\(run.peakMemory ?? 0)")
        #expect(!run.log.contains("interrupted") && !run.log.contains("event=blocked"), "\(run.tail)")
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        #expect(s.spillFiles == [])
    }

    @Test func aTransactionOfManyRows() throws {
        try followed("manyrows", "CREATE TABLE t (a int PRIMARY KEY, b text)") { s in
            try s.old.sql("BEGIN; \(rows("t", count: 300_000)) UPDATE t SET b = '' WHERE a % 3 = 0; COMMIT")
        }
    }

    @Test func manySubtransactions() throws {
        try followed("subtransactions", "CREATE TABLE t (a int PRIMARY KEY, b text)") { s in
            try s.old.sql(
                """
                DO $$ BEGIN
                    FOR i IN 1..4000 LOOP
                        BEGIN
                            INSERT INTO t VALUES (i, 'x');
                            IF i % 3 = 0 THEN RAISE 'undone'; END IF;
                        EXCEPTION WHEN raise_exception THEN NULL; END;
                    END LOOP;
                END $$
                """)
        }
    }

    @Test func manyEmptyTransactions() throws {
        try followed("empty", "CREATE TABLE t (a int PRIMARY KEY, b text)") { s in
            try s.old.sql(
                "CREATE PROCEDURE idle(n int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
            )
            try s.old.sql("SET synchronous_commit = off; CALL idle(30000)")
            try s.old.sql(rows("t", count: 10))
        }
    }

    @Test func manyTablesInOneTransaction() throws {
        let count = 300
        let tables = (0..<count).map { "CREATE TABLE t\($0) (a int PRIMARY KEY, b text);" }.joined()
        try followed("manytables", tables) { s in
            try s.old.sql("BEGIN; " + (0..<count).map { "INSERT INTO t\($0) VALUES (1, 'x');" }.joined() + "COMMIT")
            try s.old.sql("BEGIN; " + (0..<count).map { "UPDATE t\($0) SET b = 'y';" }.joined() + "COMMIT")
        }
    }

    @Test(arguments: [true, false]) func manyColumns(withKey: Bool) throws {
        let names = (0..<1599).map { "c\($0)" }
        let columns = names.map { "\($0) int" }.joined(separator: ", ")
        let table =
            withKey
            ? "CREATE TABLE t (a int PRIMARY KEY, \(columns))"
            : "CREATE TABLE t (a int, \(columns)); ALTER TABLE t REPLICA IDENTITY FULL"
        try followed("manycolumns", table) { s in
            let values = Array(repeating: "i % 7", count: 1599).joined(separator: ", ")
            try s.old.sql("INSERT INTO t SELECT i, \(values) FROM generate_series(1, 60) i")
            if !withKey { try s.old.sql("INSERT INTO t SELECT * FROM t WHERE a <= 2") }
            try s.old.sql("UPDATE t SET c0 = 1, c1598 = NULL WHERE a % 2 = 0; DELETE FROM t WHERE a % 5 = 0")
        }
    }

    @Test func manyTransactionsOpenAtOnce() throws {
        try followed("openatonce", "CREATE TABLE t (a int PRIMARY KEY, b text)") { s in
            let sessions = try (0..<12).map { _ in try s.old.session() }
            for part in 0..<3 {
                for (index, session) in sessions.enumerated() {
                    let from = 1 + index * 100_000 + part * 10_000
                    try session.send((part == 0 ? "BEGIN; " : "") + rows("t", from: from, count: 6000))
                }
            }
            for (index, session) in sessions.enumerated() {
                try session.send(index % 4 == 3 ? "ROLLBACK" : "COMMIT")
                session.close()
            }
        }
    }

    /// One value far above the limit passes: it takes a few times its size, once.
    @Test func aValueLargerThanTheLimit() throws {
        let s = try Scenario.prepared(
            "hugevalue", extra: "limits: { memory: 16MB }", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t SELECT 1, repeat(md5('a'), 1000000); UPDATE t SET a = 2")
        try s.catchUp(within: .seconds(300))
        try s.expectSame()
        #expect((run.peakMemory ?? .max) < Self.limit + Self.constant + 6 * 32_000_000, "\(run.peakMemory ?? 0)")
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
    }

    /// `limits.spill` reached: reading stops, answering does not, status says why; it goes on when there is room.
    @Test func theLimitOfSpillFiles() throws {
        let s = try Scenario.prepared(
            "spilllimit", extra: "limits: { memory: 4MB, spill: 1MB }",
            "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let session = try s.old.session()
        // Text that LZ4 cannot make much of.
        let text = "repeat(md5(i::text) || md5((i + 1)::text) || md5((i * 7)::text), 2)"
        try session.send("BEGIN; \(rows("t", count: 60_000, text))")
        try run.waitForLog("event=waiting")
        try s.new.wait(for: "SELECT status LIKE '%limits.spill%' FROM tandem.stream_status", toBe: "t")
        #expect(try s.tandem("status").stdout.contains("limits.spill"))
        let pid = try s.walsender()
        rest(.seconds(7))
        #expect(try s.walsender() == pid)
        try s.expectSlotNotAhead()
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        try session.send("COMMIT")
        try s.writeConfiguration(extra: "limits: { memory: 4MB }")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "60000")
        try s.expectSame()
    }
}
