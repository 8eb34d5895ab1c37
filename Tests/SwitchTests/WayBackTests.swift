// Gate `rollback`: whoever could not come back does not go. Each thing that would keep the stream back from its work, by itself.

import TestSupport
import Testing

@Suite(.blocking) struct WayBackTests {
    @Test func whereThereIsNoWayBackThereIsNoWayThere() throws {
        // Servers of its own: log is thrown away that others would need.
        let servers = try ClusterPair(
            new: ClusterOptions(
                settings: ["min_wal_size": "2MB", "max_wal_size": "4MB"], initdb: ["--wal-segsize=1"]))
        defer { servers.remove() }
        let w = try Switching("wayback", on: servers)
        defer { w.end() }
        let s = w.s
        func refused(
            _ words: String, location: SourceLocation = #_sourceLocation, _ spoil: () throws -> Void,
            mend: () throws -> Void
        ) throws {
            try spoil()
            let outcome = try w.change(false)
            #expect(outcome.exitCode == 3, "\(outcome.stderr)", sourceLocation: location)
            let said = outcome.stdout + outcome.stderr
            #expect(said.contains("rollback") && said.contains(words), "\(words) in \(said)", sourceLocation: location)
            #expect(!said.contains("writers were held"), "\(said)", sourceLocation: location)
            try mend()
        }
        try refused("public.spare is not on new") {
            try s.old.sql("CREATE SEQUENCE spare")
        } mend: {
            try s.old.sql("DROP SEQUENCE spare")
        }
        try refused("public.t on old lacks column \"more\"") {
            try s.new.sql("ALTER TABLE t ADD COLUMN more text")
        } mend: {
            try s.new.sql("ALTER TABLE t DROP COLUMN more")
        }
        try refused("public.t cannot be written on old") {
            try s.old.sql("ALTER TABLE t REPLICA IDENTITY NOTHING")
        } mend: {
            try s.old.sql("ALTER TABLE t REPLICA IDENTITY DEFAULT")
        }
        // Nobody reads it meanwhile.
        w.run.pause()
        try refused("public.t came later than the stream back") {
            try s.new.sql("ALTER PUBLICATION \(s.reverseName) DROP TABLE t")
        } mend: {
            try s.new.sql("ALTER PUBLICATION \(s.reverseName) ADD TABLE t")
        }
        func fill() throws {
            for _ in 0..<8 {
                try s.new.sql(
                    "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)); SELECT pg_switch_wal()")
            }
        }
        try Switching.configure(s, "20s", "", walHeld: "2MB")
        try refused("more than `limits.wal_held`", fill) { try Switching.configure(s, "20s", "") }
        try refused("slot \(s.reverseName) is lost") {
            try s.new.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
            try s.new.sql("SELECT pg_reload_conf()")
            try fill()
            try s.new.sql("CHECKPOINT")
            try s.new.wait(
                for: "SELECT wal_status FROM pg_replication_slots WHERE slot_name = '\(s.reverseName)'", toBe: "lost")
        } mend: {
        }
        w.run.kill()
    }
}
