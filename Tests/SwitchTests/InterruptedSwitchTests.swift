// Somebody dies, begins or stands still in the middle of a switch, on real servers: the command, or `tandem run`.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct InterruptedSwitchTests {
    /// Killed at some of the places, forward and back: the side before is in charge and nothing happened, or the other one is and
    /// it is completed, by `tandem run`. All places: make soak NAME=flip.
    @Test func killedOnTheWay() throws {
        let w = try Switching("switchkill")
        defer { w.end() }
        try w.changed(false)
        try w.ok("verify")
        try w.changed(true)
        var inCharge = "old"
        for (place, isCommitted) in [
            ("after-both-fences", false), ("after-charge-position", false), ("after-gate-closed", false),
            ("after-epoch-committed", true), ("before-gate-opened", true), ("after-gate-opened", true),
        ] {
            let back = inCharge == "new"
            let killed = try w.change(back, environment: ["TANDEM_FAILPOINT": place])
            #expect(killed.status == .signalled(9), "\(place) \(killed.stderr)")
            let expected = isCommitted ? (back ? "old" : "new") : inCharge
            #expect(try w.settled() == expected, "\(place)")
            try w.changed(back)
            inCharge = back ? "old" : "new"
            #expect(try w.settled() == inCharge, "\(place)")
            try w.roles(inCharge)
        }
        try w.expectSame(inCharge)
        #expect(try w.run.stop() == .exited(0))
    }

    /// The replicator killed where a stream halts: the switch is undone, or goes on with the next one. Streams that begin again
    /// behind a mark wait as those do that came to it.
    @Test func theReplicatorKilledAtTheMark() throws {
        let w = try Switching("switchrun", pause: "4s")
        defer { w.end() }
        for place in ["at-sentinel", "after-sentinel-durable", "at-sentinel:2"] {
            #expect(try w.run.stop() == .exited(0))
            try w.startAgain(environment: ["TANDEM_FAILPOINT": place])
            try w.roles("old")
            let outcome = try w.change(false)
            #expect(try w.run.wait() == .signalled(9), "\(place)")
            #expect(outcome.exitCode == 3 || outcome.exitCode == 0, "\(place): \(outcome.stderr)")
            try w.startAgain()
            let side = outcome.exitCode == 0 ? "new" : "old"
            #expect(try w.settled() == side, "\(place)")
            try w.roles(side)
            if side == "new" {
                try w.ok("verify")
                try w.changed(true)
                try w.roles("old")
            }
            try w.expectSame("old")
        }
        #expect(try w.run.stop() == .exited(0))
    }

    /// Killed again while it completes, or takes back, what a killed command has left: the next one does it.
    @Test func theReplicatorKilledInAttendance() throws {
        let w = try Switching("attendance")
        defer { w.end() }
        for (place, side) in [("after-both-fences", "old"), ("after-epoch-committed", "new")] {
            let command = try w.stopped(at: place)
            #expect(try w.run.stop() == .exited(0))
            command.kill()
            let dying = try w.s.start("run", environment: ["TANDEM_FAILPOINT": "during-attendance"])
            #expect(try dying.wait() == .signalled(9), "\(place): \(dying.tail)")
            try w.startAgain()
            #expect(try w.settled() == side, "\(place)")
            try w.roles(side)
            try w.expectSame(side)
        }
        #expect(try w.run.stop() == .exited(0))
    }

    /// One that begins while writers are held goes by nothing that is not decided: it streams once it is, and lets nothing pass.
    @Test func aReplicatorThatBeginsMeanwhileWaits() throws {
        let w = try Switching("switchbegin")
        defer { w.end() }
        let command = try w.stopped(at: "after-charge-position")
        w.run.kill()
        let run = try w.s.start("run")
        rest(.seconds(4))
        #expect(!run.log.contains("event=streaming"), "\(run.log)")
        command.continue()
        #expect(try command.wait() == .exited(0), "\(command.tail)")
        try w.s.new.sql("INSERT INTO t (v) SELECT 'at once' FROM generate_series(1, 50)")
        try w.roles("new")
        try w.s.catchUp(.reverse, by: run)
        #expect(try Fingerprint.expectEqual(old: w.s.old, new: w.s.new) == [], "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// SIGSTOP instead of death: the server takes the fence down, `tandem run` takes over, and the command that wakes up does
    /// nothing more.
    @Test func aStoppedCommandIsTakenForGone() throws {
        let w = try Switching("switchstop", pause: "2s")
        defer { w.end() }
        let heard = try Switching.hook(w.s, "\"$1 $2\"")
        let hook = "\(w.s.directory)/hook.sh"
        try Switching.configure(w.s, "2s", "hooks: {on_flip: \(hook), undo_flip: \(hook)}")
        #expect(try w.run.stop() == .exited(0))
        try w.startAgain()
        try w.roles("old")
        // The commands have more time, on a busy machine, than the runner gives them.
        try Switching.configure(w.s, "6s", "hooks: {on_flip: \(hook), undo_flip: \(hook)}")
        // Taken for gone before it holds anybody: then it does not.
        let early = try w.stopped(at: "before-hold")
        #expect(try w.settled() == "old" && heard().last == "undo old")
        // What somebody else has begun meanwhile is his, and stays written.
        let other = try w.stopped(at: "after-intent")
        early.continue()
        #expect(try early.wait() != .exited(0) && !heard().contains("hold old"), "\(heard()) \(early.tail)")
        for side in [w.s.old, w.s.new] { #expect(try side.value("SELECT going_to FROM tandem.epoch") == "6") }
        other.kill()
        // Its hook is late, and holds clients after that: they are let go again.
        let slow = "\(w.s.directory)/heard.slow"
        _ = FileManager.default.createFile(atPath: slow, contents: nil)
        let late = try w.s.start(
            program: TandemBinary.path, ["switch", "--yes"] + Switching.waived,
            environment: PostgresInstallation.tandemEnvironment)
        let begun = poll(within: .seconds(60)) {
            FileManager.default.fileExists(atPath: "\(w.s.directory)/heard.begun") ? true : nil
        }
        #expect(begun == true, "\(late.tail)")
        late.pause()
        #expect(try w.settled() == "old" && !heard().contains("hold old"))
        try FileManager.default.removeItem(atPath: slow)
        #expect(poll(within: .seconds(60)) { heard().last == "hold old" ? true : nil } == true)
        late.continue()
        #expect(try late.wait() != .exited(0) && heard().last == "undo old", "\(heard()) \(late.tail)")
        #expect(w.s.old.takesWrites == "ok")
        let first = try w.stopped(at: "after-drained")
        #expect(try w.settled() == "old" && heard().last == "undo old")
        // Somebody else does it meanwhile: clients are led there, and by nobody back again.
        try w.changed(false)
        first.continue()
        #expect(try first.wait() != .exited(0), "\(first.tail)")
        #expect(try w.settled() == "new" && heard().last == "go new", "\(heard()) \(first.tail)")
        try w.roles("new")
        try w.ok("verify")

        let second = try w.stopped(at: "after-epoch-committed", back: true)
        #expect(try w.settled() == "old" && heard().last == "go old")
        try w.roles("old")
        try w.expectSame("old")
        // Charge has moved on meanwhile: clients are not led to where it was.
        try w.changed(false)
        second.continue()
        _ = try second.wait()
        #expect(try w.settled() == "new" && heard().last == "go new", "\(heard()) \(second.tail)")
        try w.roles("new")
        try w.expectSame("new")
        #expect(try w.run.stop() == .exited(0))
    }
}
