// A side that goes away in the middle of a switch: whoever waits on the other one waits no longer for that, and what was acknowledged
// is there when it comes back.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct SidesAwayTests {
    /// Clients that the hook holds are let go where they were as soon as it comes to nothing: by the command, and where that is dead
    /// too, by `tandem run`.
    @Test func nobodyWaitsForTheOtherSide() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let w = try Switching("switchaway", on: pair, pause: "1500ms")
        defer { w.end() }
        let heard = try Switching.hook(w.s, "\"$1 $2\"")
        let script = "\(w.s.directory)/hook.sh"
        try Switching.configure(w.s, "1500ms", "hooks: {on_flip: \(script), undo_flip: \(script)}")
        #expect(try w.run.stop() == .exited(0))
        try w.startAgain()
        try w.roles("old")
        func last() -> String? { heard().last }
        for isKilled in [false, true] {
            let command = try w.stopped(at: "after-drained")
            #expect(last() == "hold old")
            let began = try w.s.old.value("SELECT extract(epoch FROM going_held) FROM tandem.epoch")
            let held = try #require(began.flatMap { Double($0) })
            try pair.new.stop(.immediate)
            // Whoever lets them go does it alone.
            if isKilled {
                command.kill()
            } else {
                w.run.pause()
                command.continue()
            }
            let told = poll(within: .seconds(60), every: .milliseconds(50)) { last() == "undo old" ? true : nil }
            #expect(told == true && !pair.new.isRunning, "\(last() ?? "") \(command.tail)\n\(w.run.tail)")
            // The runner cannot know that nobody is at it any more before twice `limits.pause`.
            if isKilled { #expect(Date().timeIntervalSince1970 > held + 3) }
            #expect(w.s.old.takesWrites == "ok")
            if !isKilled {
                #expect(try command.wait() != .exited(0))
                w.run.continue()
            }
            try pair.new.start()
            #expect(try w.settled() == "old")
            try w.roles("old")
        }
        // A hook that takes its time once charge has moved is no reason to take the command for gone.
        let quick = try String(contentsOfFile: script, encoding: .utf8)
        try Program.write("[ \"$1\" != go ] || sleep 5\n" + quick, to: script)
        let before = heard().count
        try w.changed(false)
        #expect(try w.settled() == "new" && heard().dropFirst(before) == ["hold old", "go new"], "\(heard())")
        #expect(try w.run.stop() == .exited(0))
    }

    /// `synchronous_commit = off` for the database and the role on both sides, and servers that write their log late: what a server
    /// that crashes has not flushed on purpose is gone. Nothing of it may have been counted on.
    @Test func asynchronousCommitsLoseNothing() throws {
        let late = ClusterOptions(settings: ["wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"])
        let pair = try ClusterPair(old: late, new: late)
        defer { pair.remove() }
        let w = try Switching("switchasync", on: pair, pause: "10s")
        defer { w.end() }
        #expect(try w.run.stop() == .exited(0))
        for side in [w.s.old, w.s.new] {
            try side.sql(
                "ALTER DATABASE \(w.s.name) SET synchronous_commit = off; ALTER ROLE postgres SET synchronous_commit = off"
            )
        }
        try w.startAgain()
        try w.roles("old")
        var inCharge = "old"
        for (place, crashes) in [
            ("after-charge-position", "new"), ("after-epoch-committed", "new"), ("after-charge-position", "old"),
            ("after-epoch-committed", "new"), ("after-epoch-committed", "old"), ("after-epoch-committed", "old"),
        ] {
            let (giver, taker) = inCharge == "old" ? (w.s.old, w.s.new) : (w.s.new, w.s.old)
            let isCommitted = place == "after-epoch-committed"
            try giver.sql("INSERT INTO t (v) SELECT 'acknowledged' FROM generate_series(1, 500)")
            let written = try giver.value("SELECT count(*) FROM t")
            let command = try w.stopped(at: place, back: inCharge == "new")
            let server = crashes == "old" ? pair.old : pair.new
            try server.restart(.immediate)
            // What is committed holds, before anybody completes anything.
            if isCommitted { #expect(giver.takesWrites == "25006", "\(place) \(crashes)") }
            command.continue()
            _ = try command.wait()
            if isCommitted { inCharge = inCharge == "old" ? "new" : "old" }
            let place = "\(place), \(crashes) crashed: \(command.tail)"
            #expect(try w.settled() == inCharge, "\(place)")
            // A probe is a row as well.
            let there = try (isCommitted ? taker : giver).value("SELECT count(*) >= \(written ?? "0") FROM t")
            #expect(there == "t", "\(place)")
            try w.roles(inCharge)
            try w.expectSame(inCharge)
            if isCommitted { try w.ok("verify") }
        }
        #expect(try w.run.stop() == .exited(0))
    }

    /// Nor does it come while the server, which has lost the session, still waits for a standby: then it has neither done it nor not.
    /// Nobody is told anything, whoever asks the command to stop is told just that, and the runner does not guess either.
    @Test func aCommitThatWaitsIsNotGuessed() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let w = try Switching("switchwaits", on: pair, pause: "6s")
        defer { w.end() }
        let relay = try Relay(to: pair.old)
        defer { relay.end() }
        let heard = try Switching.hook(w.s, "\"$1 $2\"")
        let script = "\(w.s.directory)/hook.sh"
        try Switching.configure(
            w.s, "6s", "hooks: {on_flip: \(script), undo_flip: \(script)}",
            old: "host=127.0.0.1 port=\(relay.port) dbname=\(w.s.name) user=postgres")
        #expect(try w.run.stop() == .exited(0))
        try w.startAgain()
        try w.roles("old")
        let command = try w.stopped(at: "after-gate-closed")
        try pair.old.waitForStandby("away")
        command.continue()
        try pair.old.waitForCommit(ofApplication: "tandem_t_\(w.s.name) fence")
        relay.set(.reset)
        try command.waitForLog("waiting for its answer")
        rest(.seconds(2))
        #expect(heard() == ["hold old"] && command.status == nil, "\(heard()) \(command.tail)")
        command.signal(SIGINT)
        #expect(try command.wait() != .exited(0) && heard() == ["hold old"], "\(heard()) \(command.tail)")
        #expect(command.log.contains("is not known yet"), "\(command.tail)")
        rest(.seconds(12))
        #expect(heard() == ["hold old"], "\(heard()) \(w.run.tail)")
        try pair.old.waitForStandby(nil)
        #expect(try w.settled() == "new" && heard() == ["hold old", "go new"], "\(heard()) \(w.run.tail)")
        try w.roles("new")
        try w.expectSame("new")
        #expect(try w.run.stop() == .exited(0))
    }

    /// The answer to COMMIT does not come. The server has done it, or it has not: nobody is told anything before it says which.
    @Test func theAnswerToCommitIsLost() throws {
        let w = try Switching("switchanswer", pause: "5s")
        defer { w.end() }
        let relay = try Relay(to: w.s.pair.old)
        defer { relay.end() }
        let heard = try Switching.hook(w.s, "\"$1 $2\"")
        let script = "\(w.s.directory)/hook.sh"
        try Switching.configure(
            w.s, "5s", "hooks: {on_flip: \(script), undo_flip: \(script)}",
            old: "host=127.0.0.1 port=\(relay.port) dbname=\(w.s.name) user=postgres")
        #expect(try w.run.stop() == .exited(0))
        try w.startAgain()
        for (way, side) in [(Relay.Way.reset, "old"), (.cut(after: 1), "new")] {
            try w.roles("old")
            let command = try w.stopped(at: "after-gate-closed")
            relay.set(way)
            rest(.milliseconds(200))
            command.continue()
            _ = try command.wait()
            relay.set(.open)
            #expect(try w.settled() == side, "\(command.tail)")
            // The command and the runner may both say it.
            let told = Set(heard().reversed().prefix { $0 != "hold old" })
            #expect(told == [side == "old" ? "undo old" : "go new"], "\(told) \(command.tail)")
        }
        try w.roles("new")
        try w.expectSame("new")
        #expect(try w.run.stop() == .exited(0))
    }
}
