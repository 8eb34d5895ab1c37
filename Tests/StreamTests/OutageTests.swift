// Servers that stop, crash and come back while the replicator runs: it waits, goes on by itself, and keeps nobody from
// stopping. On a pair of their own.

import TestSupport
import Testing

@Suite(.blocking) struct OutageTests {
    private static let tables = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    @Test func oldStopsWhileNewIsBlocked() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("stopold", on: pair, Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql(rows("t", count: 5000))
        try s.waitUntilNewWaitsForALock()
        try pair.old.stop(.fast)
        try lock.send("COMMIT")
        try pair.old.start()
        try s.old.sql(rows("t", from: 5001, count: 10))
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "5010")
        try s.expectSame()

        // Idle and following, and as if the power failed.
        try pair.old.restart(.fast)
        try s.old.sql(rows("t", from: 6000, count: 10))
        try s.catchUp()
        try s.old.sql(rows("t", from: 7000, count: 2000))
        try pair.old.restart(.immediate)
        try s.old.sql(rows("t", from: 10_000, count: 10))
        try s.catchUp()
        try s.expectSame()
        try s.expectSlotNotAhead()
        #expect(try run.stop() == .exited(0))
    }

    @Test func newStopsCrashesAndComesBackInTheMiddleOfBatches() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("stopnew", on: pair, extra: "limits: { memory: 8MB }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        for (round, mode) in [Cluster.StopMode.fast, .immediate, .immediate].enumerated() {
            let from = round * 100_000
            try s.old.sql(
                (0..<50).map { rows("t", from: from + $0 * 20, count: 20) }.joined()
                    + rows("t", from: from + 5000, count: 20_000))
            rest(.milliseconds(150 * (round + 1)))
            try pair.new.stop(mode)
            try s.old.sql(rows("t", from: from + 50_000, count: 10))
            try pair.new.start()
            try s.catchUp()
            try s.expectSlotNotAhead()
        }
        #expect(try s.new.value("SELECT count(*) FROM t") == "63030")
        try s.expectSame()
        #expect(run.status == nil)
        #expect(try run.stop() == .exited(0))
        try aCrashBeforeItHasStreamed(s, pair)
    }

    /// It was started a moment before, and had to wait for what its predecessor has left: both servers had taken it in.
    private func aCrashBeforeItHasStreamed(_ s: Scenario, _ pair: ClusterPair) throws {
        let holder = try s.new.session()
        try holder.send("SELECT pg_replication_origin_session_setup('\(s.slotName)')")
        let run = try s.start("run")
        try run.waitForLog("already active")
        #expect(!run.log.contains("event=streaming"), "\(run.tail)")
        try pair.new.stop(.immediate)
        try run.waitForLog("Is the server running")
        rest(.seconds(1))
        #expect(run.status == nil, "\(run.tail)")
        try pair.new.start()
        try s.old.sql(rows("t", from: 400_000, count: 10))
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    @Test func bothGoAtOnceAndTheReplicatorCanStillBeStopped() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("stopboth", on: pair, Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.old.sql(rows("t", count: 100))
        pair.old.kill()
        pair.new.kill()
        rest(.seconds(1))
        #expect(run.status == nil, "\(run.tail)")
        #expect(try run.stop(within: .seconds(90)) == .exited(0))
        try pair.old.start()
        try pair.new.start()
        try s.follow()
        try s.expectSame()
    }

    @Test func sessionsEndedAtRandomLoseAndDoubleNothing() throws {
        let s = try Scenario.prepared("sessions", extra: "limits: { memory: 8MB }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let slot = try s.watchSlot()
        var dice = Dice(seed: 42)
        var written = 0
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            let large = dice.roll(5) == 0
            let count = large ? 5000 : 1 + dice.roll(50)
            try s.old.sql(rows("t", from: written, count: count))
            written += count
            let side = dice.roll(3) == 0 ? s.old : s.new
            try side.sql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name LIKE '\(s.slotName)%' AND random() < 0.4
                """)
            rest(.milliseconds(dice.roll(400)))
        }
        try s.catchUp()
        #expect(slot.close() == [])
        #expect(try s.new.value("SELECT count(*) FROM t") == "\(written)")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}
