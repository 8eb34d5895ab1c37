// A slot that moves along to old's standby, from PostgreSQL 17 on: after a promotion the stream goes on, without a gap.

import TestSupport
import Testing

@Suite(.enabled(if: PostgresInstallation.tested.old >= 17), .blocking) struct FailoverTests {
    @Test func thePromotedStandbyHasTheSlot() throws {
        let pair = try ClusterPair(old: ClusterOptions(settings: ["synchronized_standby_slots": "standby"]))
        defer { pair.remove() }
        try pair.old.sql("SELECT pg_create_physical_replication_slot('standby', true)")
        let standby = try Cluster("standby", standbyOf: pair.old)
        defer { standby.remove() }
        try standby.configure(
            [
                "primary_slot_name": "standby", "hot_standby_feedback": "on", "synchronized_standby_slots": "",
                "sync_replication_slots": "on",
            ])
        try standby.start()
        let s = try Scenario("failover", on: pair)
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.prepare()
        #expect(try s.old.value("SELECT failover FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'") == "t")
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'before')")
        try s.catchUp()
        // Kept once the standby has all the log that the slot needs.
        let kept = poll(within: .seconds(120)) { () -> Bool? in
            _ = try? s.old.sql("CHECKPOINT; INSERT INTO _marker SELECT max(id) + 1 FROM _marker")
            let slot = "SELECT synced AND NOT temporary FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'"
            return (try? standby.value(slot)) == "t" ? true : nil
        }
        #expect(kept == true, "\(standby.log.suffix(2000))")
        #expect(try run.stop() == .exited(0))
        // Committed, sent to the standby, and not to new.
        try s.old.sql("INSERT INTO t SELECT i, 'not on new' FROM generate_series(2, 500) i; DELETE FROM t WHERE id = 1")
        let position = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try standby.wait(for: "SELECT pg_last_wal_replay_lsn() >= '\(position)'", toBe: "t")
        try pair.old.stop(.immediate)
        try standby.sql("SELECT pg_promote()")
        try standby.wait(for: "SELECT pg_is_in_recovery()", toBe: "f")
        try s.writeConfiguration(old: standby[s.name].connection)
        try standby[s.name].sql("INSERT INTO t VALUES (1000, 'after')")
        let again = try s.tandem("run", "--until", "caught-up")
        #expect(again.exitCode == 0, "\(again.stderr)")
        #expect(try Fingerprint.expectEqual(old: standby[s.name], new: s.new) == [])
    }
}
