// What was lost is said and never passed over: changes that a watch has let pass and that should have been applied, and slots
// that are gone. `resync` brings either stream back.

import TestSupport
import Testing

@Suite(.blocking) struct LossTests {
    private func watching(_ title: String) throws -> (Scenario, Replicator) {
        let s = try Scenario(title, extra: "strategy: pause")
        try s.both(WatchTests.tables)
        try s.old.sql("INSERT INTO t SELECT i, 'there' FROM generate_series(1, 500) i")
        try s.new.sql("INSERT INTO t SELECT i, 'there' FROM generate_series(1, 500) i")
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.move(toStep: 2, truth: "old")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        return (s, run)
    }

    /// Somebody wrote new after the position from which the stream back was to apply, while it still watched.
    @Test func whatWasOnlyWatchedIsNotPassedOver() throws {
        let (s, run) = try watching("onlywatched")
        defer { s.end() }
        let position = try s.new.value("SELECT pg_current_wal_insert_lsn()") ?? ""
        try s.new.sql("UPDATE t SET v = 'too early' WHERE id = 5")
        try s.reversePasses()
        try s.move(toStep: 6, truth: "new", from: s.new, position: position)
        #expect(try run.wait() == .exited(6), "\(run.tail)")
        #expect(run.log.contains("has only watched changes up to"), "\(run.log)")
        #expect(try s.old.value("SELECT v FROM t WHERE id = 5") == "there")
        // The way out makes old what new is, from another slot on.
        let resync = try s.tandem("resync", "--yes")
        #expect(
            resync.exitCode == 0 && resync.stdout.contains("old holds what new had"), "\(resync.stdout)\(resync.stderr)"
        )
        #expect(try s.old.value("SELECT v FROM t WHERE id = 5") == "too early")
    }

    @Test func aLostSlotIsMadeAgainByHandOnly() throws {
        let (s, run) = try watching("lostback")
        defer { s.end() }
        // While it only watches: said, and the stream forward goes on.
        try s.loseSlot()
        try run.waitForLog("not watching")
        try s.old.sql("INSERT INTO t VALUES (1000, 'forward goes on')")
        try s.catchUp()
        let again = try s.tandem("resync", "--yes")
        #expect(again.exitCode == 0 && again.stdout.contains("is there again"), "\(again.stdout)\(again.stderr)")
        try s.waitForRoles(forward: "apply", reverse: "watch", within: .seconds(120))

        // While it applies: the run ends, and old is brought level.
        try s.flip()
        #expect(try run.stop() == .exited(0))
        try s.loseSlot()
        try s.new.sql("UPDATE t SET v = 'while nobody looked' WHERE id <= 3; DELETE FROM t WHERE id = 4")
        let refused = try s.start("run")
        #expect(try refused.wait() == .exited(6), "\(refused.tail)")
        #expect(refused.log.contains("new has no slot \(s.reverseName)"), "\(refused.log)")
        let level = try s.tandem("resync", "--yes")
        #expect(level.exitCode == 0 && level.stdout.contains("4 rows made equal"), "\(level.stdout)\(level.stderr)")
        let last = try s.start("run")
        try s.new.sql("INSERT INTO t VALUES (2000, 'back again')")
        try s.catchUp(.reverse)
        try s.expectSame()
        #expect(try last.stop() == .exited(0))
    }
}

extension Scenario {
    fileprivate func loseSlot() throws {
        let slot = "pg_replication_slots WHERE slot_name = '\(reverseName)'"
        let isGone = try poll(within: .seconds(60)) { () -> Bool? in
            _ = try? new.sql("SELECT pg_terminate_backend(active_pid) FROM \(slot) AND active")
            _ = try? new.sql("SELECT pg_drop_replication_slot(slot_name) FROM \(slot) AND NOT active")
            return try new.value("SELECT count(*) FROM \(slot)") == "0" ? true : nil
        }
        #expect(isGone == true)
    }
}
