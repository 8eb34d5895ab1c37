// `tandem switch` and its way back on real servers.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct SwitchTests {
    /// Everything that an operator sees of it, once around, and nothing left in the end.
    @Test func thereAndBack() throws {
        let w = try Switching("switch")
        defer { w.end() }
        let s = w.s
        #expect(s.new.takesWrites == "25006", "nobody writes new yet")
        let refused = try s.tandem("switch", "--yes")
        #expect(refused.exitCode == 3 && refused.stderr.contains("canary"), "\(refused.stderr)")
        let tried = try s.tandem(["switch", "--dry-run"] + Switching.waived)
        #expect(tried.exitCode == 0, "\(tried.stderr)")
        #expect(
            tried.stdout.contains("the fence on old was up after") && tried.stdout.contains("Nothing was changed"),
            "\(tried.stdout)")
        #expect(try s.tandem(["switch", "--back", "--yes"]).stdout.contains("old is in charge already"))

        // What is written in the first moment comes back, too.
        let knocking = try Knocking(s.new, as: "early") { "INSERT INTO part VALUES (3, \($0))" }
        let done = try w.changed(false)
        let early = try knocking.end(after: 100).count
        #expect(done.contains("writers were held for"), "\(done)")
        #expect(try w.settled() == "new")
        do { try s.old.sql("DELETE FROM t") } catch let failure as HarnessFailure {
            #expect(failure.message.contains("nobody writes old now; write to new"), "\(failure.message)")
            #expect(failure.message.contains("new is \"\(s.name)\" at "), "\(failure.message)")
        }
        #expect(try s.old.value("SELECT count(*) > 100 FROM t") == "t")
        try w.roles("new")
        // Ids go on where old's ended.
        #expect(try s.new.value("SELECT max(id) = count(*) FROM t") == "t")
        #expect(try w.ok("switch", "--yes").contains("new is in charge already"))
        try s.new.sql(
            "INSERT INTO t (v) SELECT 'from new' FROM generate_series(1, 50); INSERT INTO part VALUES (1, 1), (7, 7)")
        try w.expectSame("new")
        #expect(try s.old.value("SELECT count(*) FROM part WHERE a = 3") == "\(early)")
        #expect(try s.tandem("advance", "--yes").exitCode == 3)

        let unverified = try w.change(true)
        #expect(unverified.exitCode == 3 && unverified.stderr.contains("verified"), "\(unverified.stderr)")
        try w.ok("verify")
        try w.changed(true)
        #expect(try w.settled() == "old")
        try w.roles("old")
        #expect(try s.old.value("SELECT max(id) = count(*) FROM t") == "t")
        try w.expectSame("old")
        try w.ok("evidence", "verify")

        // Back to where there is no fence, and to where there is nothing.
        try w.ok("back", "--yes")
        #expect(try s.new.value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'tandem%'") == "0")
        #expect(try w.run.stop() == .exited(0))
        try w.ok("abort", "--yes")
        for side in [s.old, s.new] {
            #expect(try side.value("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == "0")
            #expect(try side.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
        }
    }

    /// Past the budget it undoes itself, and says who.
    @Test func whoIsInTheWayIsNamed() throws {
        // Servers of its own: what is left open here would hold up every slot that other tests make.
        let pair = try ClusterPair()
        defer { pair.remove() }
        let w = try Switching("switchway", on: pair, pause: "1500ms")
        defer { w.end() }
        let s = w.s
        func refused(_ words: String..., location: SourceLocation = #_sourceLocation) throws {
            let outcome = try w.change(false)
            #expect(outcome.exitCode == 3, "\(outcome.stderr)", sourceLocation: location)
            for word in words {
                #expect(outcome.stderr.contains(word), "\(word) in \(outcome.stderr)", sourceLocation: location)
            }
            #expect(try w.settled() == "old", sourceLocation: location)
        }
        let idle = try s.old.session(applicationName: "idler")
        try idle.send("BEGIN; INSERT INTO t (v) VALUES ('open')")
        let tried = try s.tandem(["switch", "--dry-run"] + Switching.waived)
        #expect(
            tried.stdout.contains("it would have waited for pid ") && tried.stdout.contains("application idler"),
            "\(tried.stdout)")
        try refused(
            "writers on old did not come to an end", "nobody was held", "application idler", "idle in transaction")
        try idle.send("PREPARE TRANSACTION 'left \(s.name)'")
        try refused("prepared transaction 'left \(s.name)'")
        try s.old.sql("ROLLBACK PREPARED 'left \(s.name)'")
        // What the stream has to write on new is locked by somebody there, who writes nothing.
        let reader = try s.new.session(applicationName: "reader")
        try reader.send("BEGIN; SELECT * FROM t FOR UPDATE")
        try s.old.sql("UPDATE t SET v = 'changed' WHERE id = 1")
        let blocked = try w.change(false)
        #expect(blocked.exitCode == 3 && blocked.stderr.contains("application reader"), "\(blocked.stderr)")
        try reader.send("ROLLBACK")
        #expect(try w.settled() == "old")
        // A trigger that somebody has switched off is switched on first.
        let trigger = "tandem_t_\(s.name)_fence"
        try s.old.sql("ALTER TABLE part_2 DISABLE TRIGGER \(trigger); ALTER TABLE t ENABLE TRIGGER \(trigger)")
        try w.changed(false)
        #expect(
            try s.old.value("SELECT count(*) FROM pg_trigger WHERE tgname = '\(trigger)' AND tgenabled = 'A'") == "5")
        #expect(try w.run.stop() == .exited(0))
    }

    /// Hooks hear of it in order; whoever holds clients lets them go, or `tandem run` does.
    @Test func hooksHoldAndLetGo() throws {
        let w = try Switching("switchhook", pause: "10s")
        defer { w.end() }
        let all = try Switching.hook(w.s, "\"$TANDEM_HOOK $*\"")
        let (script, heard) = ("\(w.s.directory)/hook.sh", "\(w.s.directory)/heard")
        try Switching.configure(w.s, "10s", "hooks: {on_flip: \(script), undo_flip: \(script)}")
        #expect(try w.run.stop() == .exited(0))
        try w.startAgain()
        try w.roles("old")
        func take() throws -> [String] {
            defer { try? FileManager.default.removeItem(atPath: heard) }
            return all()
        }
        func kill(_ place: String) throws {
            let killed = try w.change(false, environment: ["TANDEM_FAILPOINT": place])
            #expect(killed.status == .signalled(9), "\(place) \(killed.stderr)")
        }
        _ = FileManager.default.createFile(atPath: "\(heard).fail", contents: nil)
        let failed = try w.change(false)
        #expect(
            failed.exitCode == 3 && failed.stderr.contains("hook on_flip ended with status 3: no"), "\(failed.stderr)")
        // Letting them go failed as well: that is tried again, for as long as it takes.
        #expect(failed.stderr.contains("clients may still be held"), "\(failed.stderr)")
        let told = all().count
        try FileManager.default.removeItem(atPath: "\(heard).fail")
        let again = poll(within: .seconds(60)) { all().dropFirst(told).contains("undo_flip undo old") ? true : nil }
        #expect(again == true, "\(all())\n\(w.run.tail)")
        #expect(try w.settled() == "old")
        let first = try take()
        #expect(first.first == "on_flip hold old" && first.contains("undo_flip undo old"), "\(first)")

        try kill("after-hold")
        #expect(try w.settled() == "old")
        #expect(try take() == ["on_flip hold old", "undo_flip undo old"])
        try kill("after-gate-opened")
        #expect(try w.settled() == "new")
        #expect(try take() == ["on_flip hold old", "on_flip go new"])
        try w.ok("verify")
        // One that takes its time, within what there is: nobody takes the command for gone.
        let quick = try String(contentsOfFile: script, encoding: .utf8)
        try Program.write("sleep 2\n" + quick, to: script)
        try w.changed(true)
        #expect(try take() == ["on_flip hold new", "on_flip go old"])
        #expect(try w.run.stop() == .exited(0))
    }

    /// All or none; and when it is killed between two of them, the second one is brought along: by `tandem run`, and where none is
    /// there, by the same command.
    @Test func pairsSwitchTogether() throws {
        // Servers of its own: the first start looks at all of them, and waits for whatever others have open there.
        let servers = try ClusterPair()
        defer { servers.remove() }
        let (s, other) = (try Scenario("switchpair", on: servers), try Scenario("switchpair", on: servers))
        defer {
            s.end()
            other.end()
        }
        for pair in [s, other] {
            try pair.old.sql(Switching.tables + "INSERT INTO t (v) SELECT 'x' FROM generate_series(1, 20);")
        }
        for pair in [s, other] { try pair.new.sql("DROP TABLE _marker") }
        try """
        migration: t
        pairs:
          - {name: \(s.name), old: "\(s.old.connection)", new: "\(s.new.connection)"}
          - {name: \(other.name), old: "\(other.old.connection)", new: "\(other.new.connection)"}
        data_a: ["public.*"]
        strategy: pause
        gates: {lag: 60s}
        limits: {pause: 20s}
        hooks: {on_flip: "\(s.directory)/hook.sh", undo_flip: "\(s.directory)/hook.sh"}
        spill: "\(s.spillDirectory)"
        evidence: "\(s.directory)/evidence"
        """.write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        let heard = try Switching.hook(s, "\"$1 $2 $TANDEM_PAIRS\"")
        let run = try s.start("run")
        for pair in [s, other] {
            try pair.new.wait(for: "SELECT completed_at IS NOT NULL FROM tandem.copy", toBe: "t")
            try pair.old.wait(
                for: "SELECT active FROM pg_replication_slots WHERE slot_name = '\(pair.slotName)'", toBe: "t")
            try pair.new.sql("ANALYZE")
        }
        func ok(_ arguments: [String]) throws {
            let outcome = try s.tandem(arguments)
            #expect(outcome.exitCode == 0, "\(arguments) \(outcome.stdout)\n\(outcome.stderr)\n\(run.log.suffix(2000))")
        }
        try ok(["advance", "--yes"])
        for pair in [s, other] { try pair.waitForRoles(forward: "apply", reverse: "watch") }
        try ok(["verify"])
        let change = ["switch", "--yes"] + Switching.waived
        let killed = try s.tandem(change, environment: ["TANDEM_FAILPOINT": "after-gate-opened"])
        #expect(killed.status == .signalled(9), "\(killed.stderr)")
        for pair in [s, other] {
            try pair.old.wait(for: "SELECT step || ' ' || (going_to IS NULL) FROM tandem.epoch", toBe: "6 true")
            #expect(try pair.sideInCharge(run.tail) == "new")
        }
        // Clients of the second one went on meanwhile, and nobody else's were led back.
        let told = heard()
        #expect(told.first == "hold old \(s.name) \(other.name)" && told.contains("go new \(s.name)"), "\(told)")
        #expect(told.contains("undo old \(other.name)"), "\(told)")
        #expect(told.suffix(2) == ["hold old \(other.name)", "go new \(other.name)"], "\(told)")
        #expect(try s.tandem(change).stdout.contains("new is in charge already"))
        try ok(["evidence", "verify"])
        for pair in [s, other] { try pair.waitForRoles(forward: "watch", reverse: "apply") }
        try ok(["verify"])
        // The first is committed, and the second cannot be: it is brought along, and its clients wait for nothing meanwhile.
        let before = heard().count
        let back = try s.stopped(at: "after-epoch-committed", ["switch", "--yes", "--back"] + Switching.waived)
        try other.new.endSessions(ofApplication: "tandem_t_\(other.name) fence")
        back.continue()
        #expect(try back.wait() != .exited(0) && back.tail.contains("committed for some pair"), "\(back.tail)")
        for pair in [s, other] {
            try pair.new.wait(for: "SELECT step || ' ' || (going_to IS NULL) FROM tandem.epoch", toBe: "2 true")
            #expect(try pair.sideInCharge(run.tail) == "old")
        }
        // The command and the runner may both say it.
        let later = heard().dropFirst(before).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        #expect(
            later == [
                "hold new \(s.name) \(other.name)", "undo new \(other.name)", "go old \(s.name)",
                "hold new \(other.name)", "go old \(other.name)",
            ], "\(later)")

        // Killed while the first one's COMMIT waits for a standby: what becomes of the second is not known before that, and not forgotten.
        for pair in [s, other] { try pair.waitForRoles(forward: "apply", reverse: "watch") }
        let last = try s.stopped(at: "after-gate-closed", change)
        try servers.old.waitForStandby("away")
        last.continue()
        try servers.old.waitForCommit(ofApplication: "tandem_t_\(s.name) fence")
        last.kill()
        let undone = poll(within: .seconds(60)) { heard().last == "undo old \(other.name)" ? true : nil }
        #expect(undone == true, "\(heard()) \(run.tail)")
        rest(.seconds(3))
        try servers.old.waitForStandby(nil)
        for pair in [s, other] {
            try pair.old.wait(for: "SELECT step || ' ' || (going_to IS NULL) FROM tandem.epoch", toBe: "6 true")
            #expect(try pair.sideInCharge(run.tail) == "new")
        }
        #expect(try run.stop() == .exited(0))
    }
}
