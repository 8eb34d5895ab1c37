// What is looked for while writers are held: whatever came since everything was looked through keeps the switch from being done, and
// whatever was written since is carried.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct RecheckTests {
    /// Everything has been looked through, and nobody is held yet. What happens now is found under the fence, or is carried.
    @Test func whatComesInTheLastMomentIsSeen() throws {
        // Servers of its own: what is left open here would hold up every slot that other tests make.
        let pair = try ClusterPair()
        defer { pair.remove() }
        let w = try Switching("recheck", on: pair)
        defer { w.end() }
        let s = w.s
        let trigger = "tandem_t_\(s.name)_fence"
        func refused(
            at place: String = "before-hold", _ words: String..., location: SourceLocation = #_sourceLocation,
            afterwards: () throws -> Void = {}, _ meanwhile: () throws -> Void
        ) throws {
            let command = try w.stopped(at: place)
            try meanwhile()
            command.continue()
            #expect(try command.wait() == .exited(3), "\(command.tail)", sourceLocation: location)
            for word in words {
                #expect(command.tail.contains(word), "\(word) in \(command.tail)", sourceLocation: location)
            }
            try afterwards()
            #expect(try w.settled() == "old", sourceLocation: location)
        }
        try refused("not fenced on old: public.part_2") {
            try s.old.sql("ALTER TABLE part_2 DISABLE TRIGGER \(trigger)")
        }

        // No trigger has stopped him, and the fence has not waited for him.
        let past = try s.old.session(applicationName: "night job")
        try refused(
            "somebody writes old past the fence", "application night job", "on public.t",
            afterwards: { try past.send("ROLLBACK") }
        ) {
            try past.send("BEGIN; ALTER TABLE t DISABLE TRIGGER \(trigger); INSERT INTO t (v) VALUES ('past it')")
        }

        try refused("public.t is set aside") {
            let aside = try s.tandem("set-aside", "public.t")
            #expect(aside.exitCode == 0, "\(aside.stderr)")
        }
        // Nothing of it was written meanwhile but probes.
        #expect(try s.tandem("recopy", "public.t").exitCode == 0)
        try s.new.wait(for: "SELECT bool_and(state = 'done') FROM tandem.copied_table", toBe: "t")
        try w.roles("old")
        try refused("public.part_1 is being copied") {
            for command in [["pause"], ["recopy", "public.part_1"]] {
                let asked = try s.tandem(command)
                #expect(asked.exitCode == 0, "\(asked.stderr)")
            }
        }
        #expect(try s.tandem("resume").exitCode == 0)
        try s.new.wait(for: "SELECT bool_and(state = 'done') FROM tandem.copied_table", toBe: "t")
        try w.roles("old")

        // A sequence that cannot be set any more to where the other side's stands.
        try refused(
            "sequence public.t_id_seq", "outside of the bounds",
            afterwards: { try s.new.sql("ALTER SEQUENCE t_id_seq NO MAXVALUE") }
        ) {
            try s.new.sql("ALTER SEQUENCE t_id_seq MAXVALUE 100000")
            try s.old.sql("SELECT setval('t_id_seq', 200000)")
        }

        // The other side's fence is gone, and nobody said so.
        try refused(at: "after-charge-position", "the fence on new was lost") {
            try s.new.endSessions(ofApplication: "tandem_t_\(s.name) fence")
        }

        // Ids that were given out since the sequences were brought along.
        try w.expectSame("old")
        try s.both("ANALYZE")
        try w.ok("verify")
        let command = try w.stopped(at: "before-hold")
        try s.old.sql("INSERT INTO t (v) SELECT 'late' FROM generate_series(1, 30)")
        command.continue()
        #expect(try command.wait() == .exited(0), "\(command.tail)")
        #expect(try w.settled() == "new")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE v = 'late'") == "30")
        try w.roles("new")
        try w.expectSame("new")
        // What was written under the fence is old by now, and statements need not look for it any more.
        try s.new.wait(for: "SELECT last_value & 128 FROM tandem.tandem_t_\(s.name)_gate", toBe: "0")
        #expect(try w.run.stop() == .exited(0))
    }

    /// Nobody is held longer than `limits.pause`; who would have to be waited for longer is waited for before, while nobody is held.
    @Test func howLongWritersAreHeld() throws {
        // Servers of its own: what is left open here would hold up every slot that other tests make.
        let pair = try ClusterPair()
        defer { pair.remove() }
        let w = try Switching("held", on: pair, pause: "1500ms")
        defer { w.end() }
        let s = w.s
        // What was written on old and is kept from new is waited for, no longer than that, and nothing is committed without it.
        let last = try w.stopped(at: "before-hold")
        let late = try s.new.session(applicationName: "late builder")
        try late.send("BEGIN; LOCK TABLE t IN SHARE MODE")
        try s.old.sql("UPDATE t SET v = 'not on new yet' WHERE id = 2")
        last.continue()
        #expect(try last.wait(within: .seconds(40)) == .exited(3), "\(last.tail)")
        #expect(last.tail.contains("application late builder"), "\(last.tail)")
        try late.send("ROLLBACK")
        #expect(try w.settled() == "old")

        let idle = try s.old.session(applicationName: "idler")
        // Who begins after everybody was looked at is waited for under the fence, as long as that may be.
        let command = try w.stopped(at: "before-hold")
        try idle.send("BEGIN; INSERT INTO t (v) VALUES ('open')")
        command.continue()
        #expect(try command.wait(within: .seconds(40)) == .exited(3), "\(command.tail)")
        #expect(command.tail.contains("application idler"), "\(command.tail)")
        #expect(try w.settled() == "old")

        // He has been at it for longer than that by now.
        rest(.seconds(1))
        let waiting = try s.start(
            program: TandemBinary.path, ["switch", "--yes"] + Switching.waived,
            environment: PostgresInstallation.tandemEnvironment)
        try waiting.waitForLog("waiting for a transaction on old to end")
        #expect(s.old.takesWrites == "ok")
        try idle.send("COMMIT")
        let ended = try waiting.wait()
        #expect(ended == .exited(0) || waiting.tail.contains("longer than writers may be held"), "\(waiting.tail)")
        if ended != .exited(0) { _ = try poll(within: .seconds(60)) { try w.change(false).exitCode == 0 ? true : nil } }
        #expect(try w.settled() == "new")
        try w.roles("new")
        try w.ok("verify")

        // The same on the side that is in charge now; and who keeps the stream from writing is found before anybody is held.
        let other = try s.new.session(applicationName: "idler on new")
        let back = try w.stopped(at: "before-hold", back: true)
        try other.send("BEGIN; INSERT INTO t (v) VALUES ('open')")
        back.continue()
        #expect(try back.wait(within: .seconds(40)) == .exited(3), "\(back.tail)")
        #expect(back.tail.contains("idler on new"), "\(back.tail)")
        try other.send("COMMIT")
        #expect(try w.settled() == "new")
        let builder = try s.old.session(applicationName: "builder")
        try builder.send("BEGIN; LOCK TABLE t IN SHARE MODE")
        try s.new.sql("UPDATE t SET v = 'changed' WHERE id = 1")
        let blocked = try w.change(true)
        #expect(blocked.exitCode == 3 && blocked.stderr.contains("application builder"), "\(blocked.stderr)")
        #expect(!blocked.stderr.contains("writers were held"), "\(blocked.stderr)")
        try builder.send("ROLLBACK")
        #expect(try w.settled() == "new")
        #expect(try w.run.stop() == .exited(0))
    }
}
