// Large transactions that insert much go to new by COPY, which goes on over pieces and ends where something else comes.

import TestSupport
import Testing

@Suite(.blocking) struct LargeCopyTests {
    private static let limits = "limits: { memory: 8MB }"
    private static let schema =
        "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE u (a int, b text); ALTER TABLE u REPLICA IDENTITY FULL"

    @Test func itEndsWhereSomethingElseComes() throws {
        let s = try Scenario.prepared("largecopy", extra: Self.limits, Self.schema)
        defer { s.end() }
        try s.old.sql(
            """
            BEGIN; \(rows("t", count: 60_000)) \(rows("u", count: 30_000)) \(rows("t", from: 100_001, count: 3))
            \(rows("t", from: 200_001, count: 40_000)) UPDATE t SET b = 'new' WHERE a % 1000 = 7;
            SAVEPOINT one; \(rows("u", from: 300_001, count: 20_000)) ROLLBACK TO one;
            \(rows("u", from: 400_001, count: 30_000)) DELETE FROM t WHERE a % 500 = 3; \(rows("t", from: 500_001, count: 100))
            COMMIT; INSERT INTO t VALUES (0, 'after')
            """)
        try s.follow()
        // A COPY that fails is rolled back, and its rows go one by one: right, and slow.
        #expect(try s.new.value("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()") == "0")
        #expect(try s.new.value("SELECT count(*) FROM u") == "60000")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE b = 'new'") == "100")
        try s.expectSame()
    }

    /// Far behind the first row that it sent it hears that new does not take one.
    @Test func whatNewDoesNotTakeStopsItAndNothingIsLost() throws {
        let s = try Scenario.prepared("largestop", extra: Self.limits, Self.schema)
        defer { s.end() }
        try s.new.sql("ALTER TABLE t ADD CONSTRAINT small CHECK (a <> 25000)")
        let run = try s.start("run")
        try s.old.sql("BEGIN; \(rows("t", count: 60_000)) \(rows("u", count: 30_000)) COMMIT")
        try s.new.wait(for: "SELECT status LIKE '%\"blocked\"%' FROM tandem.stream_status", toBe: "t")
        #expect(run.log.contains("sqlstate=23514"), "\(run.tail)")
        #expect(try s.new.value("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)") == "0")
        try s.new.sql("ALTER TABLE t DROP CONSTRAINT small")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    /// Row by row then, and more than may wait: what is noted of a row is still of that row when more was read from the file.
    @Test func rowsThatAreThereAlreadyAreMadeEqual() throws {
        let s = try Scenario.prepared("largemet", extra: Self.limits, Self.schema)
        defer { s.end() }
        try s.new.sql("INSERT INTO t SELECT i * 20, 'of somebody else' FROM generate_series(1, 1500) i")
        try s.old.sql("BEGIN; \(rows("t", count: 60_000)) UPDATE t SET b = 'second' WHERE a % 1000 = 0; COMMIT")
        // Sixty thousand rows, one by one and unoptimized.
        try s.follow(within: .seconds(400))
        try s.expectSame()
        #expect(try s.new.value("SELECT found || '/' || repaired FROM tandem.difference") == "1500/1500")
    }
}
