// The ends of a migration, and a side that came back as another server.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct EndingTests {
    /// With strategy `pause`: the stream back is there at step 2 and gone at step 1; once new is in charge, `finish` leaves
    /// nothing of tandem behind.
    @Test func aWholeMigrationLeavesNothing() throws {
        let s = try Scenario.stepping("finish", extra: "strategy: pause\nlimits: {pause: 20s}")
        defer { s.end() }
        try s.new.sql(
            "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE SCHEMA b; CREATE TABLE b.sums (day int PRIMARY KEY, total int)"
        )
        let before = try Traces(s)
        let run = try s.following()
        try s.expect(0, "b", "final")
        try s.expect(0, "advance", "--yes")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        #expect(try s.expect(0, "status").stdout.contains("the way back would be there"))
        try s.expect(0, "verify")
        let ahead = try s.expect(0, "step").stdout
        for gate in ["lag", "verified", "data-b", "statistics", "rollback"] {
            #expect(ahead.contains("ok       \(gate)"), "\(gate): \(ahead)")
        }
        // What the way back needs is looked for, not believed.
        try s.old.sql("ALTER TABLE t RENAME COLUMN b TO c")
        #expect(try s.expect(0, "step").stdout.contains("refuses  rollback"))
        try s.old.sql("ALTER TABLE t RENAME COLUMN c TO b")
        try s.new.sql("ALTER PUBLICATION \(s.slotName.replacing("forward", with: "reverse")) DROP TABLE t")
        #expect(try s.expect(0, "step").stdout.contains("public.t came later than the stream back"))

        try s.expect(0, "back", "--yes")
        try s.waitForRoles(forward: "apply", reverse: "off")
        try s.expect(0, "advance", "--yes")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        #expect(try s.expect(3, "finish", "--yes").stderr.contains("`tandem abort`"))
        try s.catchUp()
        try s.expect(0, "verify")
        try s.expect(0, "b", "final")
        try s.expect(0, "switch", "--yes", "--waive", "canary", "--waive", "rehearsed", "--reason", "test")
        try s.waitForRoles(forward: "watch", reverse: "apply")
        try s.new.sql("INSERT INTO t VALUES (1000, 'written on new')")
        try s.old.wait(for: "SELECT b FROM t WHERE a = 1000", toBe: "written on new")
        let standing = try s.expect(0, "status").stdout
        #expect(standing.contains("available: yes, the stream back runs") && standing.contains("may be away  old"))
        #expect(!standing.contains("new for"), "it is in charge: \(standing)")
        let wayBack = try s.expect(0, "step").stdout
        #expect(wayBack.contains("6 to 2: ") && wayBack.contains("`tandem switch --back` goes back"), "\(wayBack)")
        #expect(try s.expect(3, "abort", "--yes").stderr.contains("tandem finish"))
        // It would empty what users read.
        #expect(try s.expect(3, "recopy", "public.t").stderr.contains("is for steps 0 to 2"))
        #expect(try run.stop() == .exited(0))
        #expect(try s.expect(0, "status").stdout.contains("available: no, because nothing runs the stream back"))
        try oldCameBack(s)
        let there = try Traces(s)
        let dry = try s.expect(0, "finish", "--dry-run").stdout
        for thing in ["slot \(s.reverseName) on new", "slot \(s.slotName) on old", "triggers on old", "state on new"] {
            #expect(dry.contains("would remove") && dry.contains(thing), "\(thing): \(dry)")
        }
        #expect(try Traces(s) == there)
        try finishedWithoutOld(s)
        #expect(try Traces(s) == before)
        #expect(try s.expect(0, "finish", "--yes").stdout.contains("nothing of pair"))
    }

    /// Old is gone for good: new is freed alone, and it is on record. Should old come back after all, it is freed, too.
    private func finishedWithoutOld(_ s: Scenario) throws {
        #expect(try s.expect(3, "finish", "--yes", "--without", "old").stderr.contains("can be reached"))
        let right = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        try right.replacing(s.old.connection, with: "host=/nowhere").write(
            toFile: s.configurationPath, atomically: true, encoding: .utf8)
        #expect(try s.expect(3, "abort", "--yes", "--without", "old").stderr.contains("tandem finish"))
        let dry = try s.expect(0, "finish", "--dry-run", "--without", "old").stdout
        #expect(dry.contains("slot \(s.reverseName) on new") && !dry.contains("on old"), "\(dry)")
        #expect(try s.new.value("SELECT to_regnamespace('tandem') IS NOT NULL") == "t")
        let alone = try s.expect(0, "finish", "--yes", "--without", "old").stdout
        #expect(alone.contains("removed slot \(s.reverseName) on new") && alone.contains("old was left out, as asked"))
        #expect(
            try s.new.value(
                """
                SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'tandem')
                     + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%fence')
                     + (SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.reverseName)')
                """) == "0")
        #expect(try s.evidence().contains("\"without\":\"old\""))
        try s.new.sql("INSERT INTO t VALUES (1100, 'nobody minds')")
        try right.write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        #expect(try s.expect(0, "finish", "--yes").stdout.contains("slot \(s.slotName) on old"))
    }

    /// While new is in charge, as after a pg_upgrade in a bypass: another server, without slot and origin, and behind.
    private func oldCameBack(_ s: Scenario) throws {
        try s.both("UPDATE tandem.epoch SET system_old = '1'")
        try s.old.sql(
            """
            UPDATE tandem.source SET system_identifier = '1'; SELECT pg_drop_replication_slot('\(s.slotName)');
            SELECT pg_replication_origin_drop('\(s.reverseName)'); SET tandem.mode = 'tandem'; DELETE FROM t WHERE a = 7
            """)
        try s.new.sql("INSERT INTO t VALUES (1001, 'while old was away')")
        #expect(try s.expect(6, "back", "--yes").stderr.contains("tandem adopt --side old"))
        #expect(try s.expect(0, "adopt", "--side", "old", "--dry-run").stderr.contains("Nothing was changed"))
        let taken = try s.expect(0, "adopt", "--side", "old", "--yes")
        #expect(taken.stdout.contains("public.t: 2 rows made equal"), "\(taken.stdout)")
        let run = try s.start("run")
        try s.waitForRoles(forward: "watch", reverse: "apply")
        try s.new.sql("INSERT INTO t VALUES (1002, 'later')")
        try s.old.wait(for: "SELECT b FROM t WHERE a = 1002", toBe: "later")
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: ["public.t"]) == [])
        // What tandem itself has written on old was not taken for an application's.
        #expect(try s.new.value("SELECT coalesce(sum(by_applications), 0) FROM tandem.watched") == "0")
        #expect(throws: (any Error).self, "old is shut") { try s.old.sql("INSERT INTO t VALUES (2000, 'x')") }
        #expect(try run.stop() == .exited(0))
    }

    @Test func aSideThatIsGoneForGood() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("without", on: pair)
        defer { s.end() }
        try s.both("CREATE TABLE t (a int PRIMARY KEY)")
        let before = try Traces(s)
        try s.prepare()
        try s.expect(0, "run", "--until", "caught-up")
        #expect(try s.expect(3, "abort", "--yes", "--without", "old").stderr.contains("can be reached"))
        #expect(try s.expect(2, "abort", "--yes", "--without", "both").stderr.contains("is no side"))
        try pair.old.stop()
        let alone = try s.expect(0, "abort", "--yes", "--without", "old")
        #expect(alone.stdout.contains("old was left out, as asked"))
        #expect(try s.new.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
        #expect(try s.evidence().contains("\"without\":\"old\""))
        try pair.old.start()
        #expect(try s.expect(0, "abort", "--yes").stdout.contains("slot"))
        #expect(try Traces(s) == before)

        // Where applications write both sides there is no way to step 2 without new; old has everything.
        try s.prepare()
        try s.expect(0, "run", "--until", "caught-up")
        try s.both("UPDATE tandem.epoch SET step = 4, strategy = 'dual-write'")
        #expect(try s.expect(3, "abort", "--yes").stderr.contains("`tandem back`"))
        #expect(try s.expect(3, "adopt", "--yes", "--side", "new").stderr.contains("is the server it was"))
        try pair.new.stop()
        #expect(try s.expect(0, "abort", "--yes", "--without", "new").stdout.contains("new was left out, as asked"))
        #expect(try s.old.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
    }

    /// The servers are the same; what is on record of them is not, as after a restore: and slot or origin are gone.
    @Test func aSideThatCameBackAsAnotherServer() throws {
        let s = try Scenario("adopt")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int PRIMARY KEY, b text)")
        try s.prepare()
        try s.old.sql("INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i")
        try s.expect(0, "run", "--until", "caught-up")
        #expect(try s.expect(3, "adopt", "--side", "old", "--yes").stderr.contains("is the server it was"))

        try s.both("UPDATE tandem.epoch SET system_old = '1'")
        try s.old.sql(
            "UPDATE tandem.source SET system_identifier = '1'; SELECT pg_drop_replication_slot('\(s.slotName)')")
        try s.new.sql("UPDATE tandem.stream SET system_identifier = '1'; DELETE FROM t WHERE a = 7")
        try s.old.sql("UPDATE t SET b = 'after' WHERE a = 3")
        try s.expect(6, "run", "--until", "caught-up")
        #expect(try s.expect(6, "advance", "--yes").stderr.contains("tandem adopt --side old"))
        let old = try s.expect(0, "adopt", "--side", "old", "--yes")
        #expect(old.stdout.contains("public.t: 2 rows made equal"))
        try s.expectStep("2 1")
        try s.old.sql("INSERT INTO t VALUES (100, 'later')")
        try s.expect(0, "run", "--until", "caught-up")
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])

        try s.both("UPDATE tandem.epoch SET system_new = '2'")
        try s.new.sql("SELECT pg_replication_origin_drop('\(s.slotName)')")
        try s.expect(0, "adopt", "--side", "new", "--yes")
        try s.old.sql("INSERT INTO t VALUES (101, 'later')")
        try s.expect(0, "run", "--until", "caught-up")
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])

        // Somebody else's database.
        try s.new.sql("UPDATE tandem.epoch SET system_old = '3'")
        try s.old.sql("DELETE FROM tandem.epoch")
        #expect(try s.expect(6, "adopt", "--side", "old", "--yes").stderr.contains("it is not that side's database"))
        #expect(try s.evidence().contains("\"command\":\"adopt\""))
    }
}
