// The synchronous standby that commits on a side wait for: a switch is not begun without it, is undone when it goes away meanwhile, and
// says what it means when the step was committed without its word.

import TestSupport
import Testing

@Suite(.blocking) struct StandbyTests {
    @Test func withoutItsStandbyNothingIsCommitted() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let w = try Switching("switchstandby", on: pair, pause: "4s")
        defer { w.end() }
        let command = ["switch", "--yes"] + Switching.waived
        // Nobody is held for it, and nobody waits long for the answer.
        for (server, name, number, setting) in [
            (pair.old, "old", "2 standbys", "ANY 2 (away, \"far away\")"), (pair.old, "old", "1 standby", "*"),
            (pair.new, "new", "1 standby", "FIRST 1 (away)"),
        ] {
            try server.waitForStandby(setting)
            let refused = try w.s.tandem(command)
            let told = refused.stdout + refused.stderr
            #expect(refused.status == .exited(3) && told.contains("gate standbys refuses"), "\(told)")
            let why =
                "commits on \(name) wait for \(number), and 0 are there besides tandem (synchronous_standby_names = "
            #expect(told.contains(why), "\(told)")
            let tried = try w.s.tandem(command + ["--dry-run"])
            #expect(tried.stdout.contains("no mark was sent: \(why)"), "\(tried.stdout) \(tried.stderr)")
            try server.waitForStandby(nil)
        }

        // With one there it goes through, and has nothing to tell.
        let standby = try Cluster("standby", standbyOf: pair.old)
        defer { standby.remove() }
        try standby.start()
        try pair.old.waitForStandby("standby")
        try pair.old.wait(for: "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", toBe: "1")
        #expect(try w.ok("step").contains("commits on old wait for 1 standby, and 1 is there besides tandem"))

        // One of two is too few.
        try pair.old.waitForStandby("FIRST 2 (standby, away)")
        let few = "commits on old wait for 2 standbys, and 1 is there besides tandem"
        let lines = try w.ok("step").split(separator: "\n")
        #expect(lines.contains { $0.contains("refuses  standbys") && $0.contains(few) }, "\(lines)")
        try pair.old.waitForStandby("standby")

        // It goes away while writers are held.
        let early = try w.stopped(at: "after-charge-position")
        try standby.stop(.immediate)
        early.continue()
        #expect(try early.wait() == .exited(3), "\(early.tail)")
        #expect(
            early.log.contains("commits on old wait for 1 standby, and 0 are there besides tandem"), "\(early.tail)")

        try standby.start()
        try pair.old.wait(for: "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", toBe: "1")
        #expect(try w.settled() == "old")
        let warning = "its standbys have not said that they have it (synchronous_standby_names = standby)"
        try w.roles("old")

        // It goes away in the last moment: committed, by old alone.
        let late = try w.stopped(at: "after-gate-closed")
        try standby.stop(.immediate)
        late.continue()
        #expect(try late.wait() == .exited(0), "\(late.tail)")
        #expect(late.log.contains(warning) && late.log.contains("none may take its place"), "\(late.tail)")
        #expect(try w.s.tandem(["evidence", "show"]).stdout.contains(warning))
        try pair.old.waitForStandby(nil)
        #expect(try w.settled() == "new")
        try w.roles("new")
        try w.expectSame("new")

        // New's commits wait for nobody.
        try w.ok("verify")
        #expect(try !w.changed(true).contains(warning))
        #expect(try w.settled() == "old")
        #expect(try w.run.stop() == .exited(0))
    }
}
