// A small memory limit: what does not fit goes to spill files, which exist exactly as long as they are needed.

import TestSupport
import Testing

@Suite(.blocking) struct SpillingTests {
    private static let limits = "limits: { memory: 8MB }"

    @Test func largeTransactionsSpillAndTheFilesGoWithThem() throws {
        let s = try Scenario.prepared("spill", extra: Self.limits, "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        let sessions = try (0..<3).map { _ in try s.old.session() }
        for (index, session) in sessions.enumerated() {
            try session.send("BEGIN; \(rows("t", from: index * 100_000, count: 40_000))")
        }
        #expect(poll(within: .seconds(60)) { s.spillFiles.isEmpty ? nil : true } == true)
        try sessions[0].send("DELETE FROM t WHERE a % 10 = 0; UPDATE t SET b = 'short' WHERE a % 100 = 1; COMMIT")
        try sessions[1].send("ROLLBACK")
        try sessions[2].send("SAVEPOINT a; DELETE FROM t; ROLLBACK TO a; COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "76000")
        try s.expectSame()
        #expect(poll(within: .seconds(90)) { s.spillFiles.isEmpty ? true : nil } == true, "\(s.spillFiles)")
        // The limit is for transactions; what the program itself needs comes on top.
        #expect((run.peakMemory ?? .max) < 120 << 20)
        #expect(try run.stop() == .exited(0))
    }

    /// Most of what is read from the file is of no use: it must not gather until the rest makes a piece.
    @Test func rowsThatWereRolledBackAreNotKeptWhileTheRestIsApplied() throws {
        let s = try Scenario.prepared(
            "backwards", extra: "limits: { memory: 32MB }", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        let session = try s.old.session()
        try session.send(
            """
            BEGIN; SAVEPOINT a;
            INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 300000) AS i;
            ROLLBACK TO a;
            INSERT INTO t SELECT i, 'stays' FROM generate_series(1, 1000) AS i;
            COMMIT
            """)
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t WHERE b = 'stays'") == "1000")
        try s.expectSame()
        #expect((run.peakMemory ?? .max) < 90 << 20)
        #expect(try run.stop() == .exited(0))
    }

    @Test func aKilledReplicatorsSpillFilesAreThrownAwayAndSentAgain() throws {
        let s = try Scenario.prepared(
            "respill", extra: Self.limits, "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let run = try s.start("run")
        let session = try s.old.session()
        try session.send("BEGIN; \(rows("t", count: 60_000))")
        #expect(poll(within: .seconds(60)) { s.spillFiles.isEmpty ? nil : true } == true)
        run.kill()
        let left = Set(s.spillFiles)
        #expect(!left.isEmpty)
        let second = try s.start("run")
        try s.catchUp()
        #expect(left.isDisjoint(with: s.spillFiles))
        try session.send("COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "60000")
        try s.expectSame()
        #expect(try second.stop() == .exited(0))
        #expect(s.spillFiles == [])
    }
}
