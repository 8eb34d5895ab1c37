// The log that old keeps for new has a limit: past it there is an alarm, or the slot goes, as the configuration says.

import TestSupport
import Testing

@Suite(.blocking) struct HeldLogTests {
    private static let tables = "CREATE TABLE t (a int PRIMARY KEY, b text)"

    private func fill(_ s: Scenario) throws {
        try s.old.sql("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 3000000))")
    }

    @Test func pastTheLimitTheLogSaysSoAndNothingIsLost() throws {
        let s = try Scenario.prepared("alarm", extra: "limits: { wal_held: 1MB }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql("INSERT INTO t VALUES (1, 'late')")
        try fill(s)
        try run.waitForLog("wal held past its limit")
        #expect(try s.tandem("lag").stdout.contains("over the limit"))
        #expect(try s.tandem("status").stdout.contains("over the limit"))
        #expect(try s.hasSlot())
        try lock.send("COMMIT")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    @Test func theSlotIsDroppedWhereTheConfigurationPutsOldFirst() throws {
        // What others write on a shared server would count, too.
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared(
            "drop", on: pair, extra: "limits: { wal_held: 1MB, on_wal_held: drop }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql("INSERT INTO t VALUES (1, 'never')")
        try fill(s)
        #expect(try run.wait() == .exited(6), "\(run.tail)")
        #expect(run.log.contains("limits.wal_held"))
        #expect(try !s.hasSlot())
        try lock.send("COMMIT")
        #expect(try s.tandem("run", "--until", "caught-up").status == .exited(6))
        #expect(try s.new.value("SELECT count(*) FROM t") == "0")
    }

    /// It is when new is away that the log grows.
    @Test(arguments: [false, true])
    func theLimitHoldsWhileNewIsDown(drops: Bool) throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared(
            "away", on: pair, extra: "limits: { wal_held: 1MB, on_wal_held: \(drops ? "drop" : "keep") }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try pair.new.stop(.immediate)
        try s.old.sql("INSERT INTO t VALUES (1, 'late')")
        try fill(s)
        try run.waitForLog("wal held past its limit")
        if drops {
            #expect(try run.wait() == .exited(6), "\(run.tail)")
            #expect(try !s.hasSlot())
        } else {
            #expect(try s.hasSlot())
            try pair.new.start()
            try s.catchUp()
            try s.expectSame()
            #expect(try run.stop() == .exited(0))
        }
    }
}
