// What the command does by itself, with nobody beside it who would do it instead: `tandem run` stands still meanwhile.

import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct AloneTests {
    /// It opens the other side, it undoes what it began, and it heeds who asks it to stop, up to the commit and not beyond.
    @Test func theCommandNeedsNobody() throws {
        let w = try Switching("switchalone")
        defer { w.end() }
        let s = w.s
        let heard = try Switching.hook(s, "\"$1 $2\"")
        let hook = "\(s.directory)/hook.sh"
        try Switching.configure(s, "20s", "hooks: {on_flip: \(hook), undo_flip: \(hook)}")
        #expect(try w.run.stop() == .exited(0))
        try w.startAgain()
        try w.roles("old")
        /// The command goes on and comes to its end while nobody else does anything.
        func ended(_ command: Replicator) throws -> TestSupport.ExitStatus {
            w.run.pause()
            defer { w.run.continue() }
            command.continue()
            return try command.wait()
        }
        func going(_ side: Database) throws -> String? {
            try side.value("SELECT coalesce(going_to::text, 'nowhere') FROM tandem.epoch")
        }

        // Ctrl-C while writers are held: nothing was changed.
        let asked = try w.stopped(at: "after-drained")
        asked.signal(SIGINT)
        asked.continue()
        #expect(try asked.wait() != .exited(0), "\(asked.tail)")
        #expect(try w.settled() == "old" && heard() == ["hold old", "undo old"], "\(heard()) \(asked.tail)")

        // Its fence is gone in the very last moment, with the gate closed already.
        let undone = try w.stopped(at: "after-gate-closed")
        try s.old.endSessions(ofApplication: "tandem_t_\(s.name) fence")
        #expect(s.old.takesWrites == "25006")
        #expect(try ended(undone) != .exited(0), "\(undone.tail)")
        #expect(s.old.takesWrites == "ok" && heard().last == "undo old", "\(heard()) \(undone.tail)")
        for side in [s.old, s.new] { #expect(try going(side) == "nowhere") }
        #expect(try w.settled() == "old")
        try w.roles("old")

        // Once it is committed, what is asked of it comes too late.
        let late = try w.stopped(at: "after-epoch-committed")
        late.signal(SIGTERM)
        _ = try ended(late)
        #expect(s.new.takesWrites == "ok" && heard().last == "go new", "\(heard()) \(late.tail)")
        #expect(try w.settled() == "new")
        try w.roles("new")
        try w.expectSame("new")
        try w.ok("verify")

        // Open before anybody else could have opened it, who has to wait for the pair's lock.
        let back = try w.stopped(at: "after-gate-opened", back: true)
        #expect(s.old.takesWrites == "ok" && s.new.takesWrites == "25006")
        // Dead then, it is completed by the same command.
        w.run.pause()
        back.kill()
        try w.changed(true)
        #expect(heard().last == "go old", "\(heard())")
        w.run.continue()
        #expect(try w.settled() == "old")
        try w.roles("old")
        try w.expectSame("old")
        #expect(try w.run.stop() == .exited(0))
    }
}
