// Asked to end, it ends within ten seconds with 0, whatever it is doing; killed, it is as if nothing had happened.

import TestSupport
import Testing

@Suite(.blocking) struct SignalTests {
    static let signals: [(name: String, number: Int32)] = [("hangup", 1), ("interrupt", 2), ("termination", 15)]

    /// In the middle of a batch, for a lock on its table.
    private func waiting(_ s: Scenario) throws -> (run: Replicator, lock: Session) {
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql(rows("t", count: 500))
        try s.waitUntilNewWaitsForALock()
        return (run, lock)
    }

    @Test(arguments: signals)
    func endsInTheMiddleOfABatchThatWaitsForALock(name: String, number: Int32) throws {
        let s = try Scenario.prepared(
            "signal", "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let (run, lock) = try waiting(s)
        run.signal(number)
        #expect(try run.wait(within: .seconds(90)) == .exited(0), "\(name)")
        let status = try s.tandem("status").stdout
        #expect(status.contains("stopped"), "\(status)")
        try lock.send("COMMIT")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "500")
        try s.expectSame()
    }

    /// The second time it does not wait for anything, and leaves what a kill leaves.
    @Test func interruptedTwiceItEndsAtOnce() throws {
        let s = try Scenario.prepared(
            "twice", "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let (run, lock) = try waiting(s)
        run.signal(2)
        run.signal(2)
        let end = try run.wait(within: .seconds(10))
        // The first may have been enough.
        #expect(end == .exited(130) || end == .exited(0), "\(run.tail)")
        try lock.send("COMMIT")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "500")
        try s.expectSame()
    }

    @Test func endsInTheMiddleOfALargeTransaction() throws {
        let s = try Scenario.prepared(
            "signallarge", extra: "limits: { memory: 16MB }",
            "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.old.sql(rows("t", count: 100_000))
        try s.new.wait(
            for: "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'RowExclusiveLock'",
            toBe: "t")
        run.signal(15)
        #expect(try run.wait(within: .seconds(90)) == .exited(0))
        #expect(["0", "100000"].contains(try s.new.value("SELECT count(*) FROM t")))
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "100000")
        #expect(s.spillFiles == [])
    }

    /// Every few milliseconds of a start: connecting, checking, taking up the stream.
    @Test func endsAtAnyMomentOfItsStart() throws {
        let s = try Scenario.prepared(
            "starting", "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        try s.old.sql(rows("t", count: 300))
        let watch = try s.watchSlot()
        for moment in 0..<24 {
            let run = try s.start("run")
            rest(.milliseconds(60 + moment * 8))
            let end = try run.stop(within: .seconds(90))
            // On a busy machine it may not have come as far as to its first line.
            let hasNotBegun = end == .signalled(15) && run.log.isEmpty
            #expect(end == .exited(0) || hasNotBegun, "after \(moment): \(run.tail)")
        }
        #expect(watch.close() == [])
        try s.follow()
        try s.expectSame()
    }

    @Test func killedAgainAndAgainUnderLoadLosesAndDoublesNothing() throws {
        let s = try Scenario.prepared(
            "killed", "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let slot = try s.watchSlot()
        let workload = """
            for i in $(seq 1 400); do
                echo "INSERT INTO t SELECT i, 'batch $i' FROM generate_series(1, 1 + $i % 40) i;"
                [ $((i % 50)) = 0 ] && echo "INSERT INTO t SELECT i, repeat(md5(i::text), 3) FROM generate_series(1, 5000) i;"
                echo "SELECT pg_sleep(0.01);"
            done | "$0" -X -q -d "$1" >/dev/null
            """
        let psql = try s.old.cluster.installation.client("psql")
        let writers = try (0..<2).map { _ in
            try s.start(program: "/bin/bash", ["-c", workload, psql, s.old.connection])
        }
        var dice = Dice(seed: 7)
        for _ in 0..<8 {
            let run = try s.start("run")
            rest(.milliseconds(300 + dice.roll(900)))
            #expect(run.status == nil, "\(run.tail)")
            run.kill()
        }
        for writer in writers { #expect(try writer.wait() == .exited(0)) }
        #expect(slot.close() == [])
        try s.follow()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) > 80000 FROM t") == "t")
    }

    @Test func frozenForAWhileItGoesOnWhereItWas() throws {
        let s = try Scenario.prepared(
            "frozen", on: ShortPatience.pair, "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        run.pause()
        try s.old.sql(rows("t", count: 3000))
        // Longer than the source waits for an answer.
        rest(.seconds(3))
        run.continue()
        try s.old.sql(rows("t", from: 3001, count: 10))
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "3010")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}

extension Scenario {
    /// The process of old that sends.
    func walsender() throws -> Int32? {
        try old.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = '\(slotName)'").flatMap(Int32.init)
    }

    func waitUntilNewWaitsForALock() throws {
        try new.wait(
            for:
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            toBe: "t")
    }
}

/// A pair whose source gives up on a silent receiver after a second.
enum ShortPatience {
    private static let made = Result<ClusterPair, any Error> {
        try ClusterPair(old: ClusterOptions(settings: ["wal_sender_timeout": "1s"]))
    }

    static var pair: ClusterPair { get throws { try made.get() } }
}
