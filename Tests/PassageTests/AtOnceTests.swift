// Two commands at the same time, and commands that are killed and repeated: one does it, the other is told who is at work, and
// nothing is done twice or left half done.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct AtOnceTests {
    /// At step 2 of strategy `pause`, with the stream back and triggers, and no runner.
    private func atRest(_ title: String) throws -> (s: Scenario, traces: Traces) {
        let s = try Scenario.stepping(title, extra: "strategy: pause")
        try s.new.sql(
            "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE SCHEMA b; CREATE TABLE b.sums (day int PRIMARY KEY, total int)"
        )
        let traces = try Traces(s)
        let run = try s.following()
        try s.expect(0, "b", "final")
        try s.expect(0, "advance", "--yes")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        #expect(try run.stop() == .exited(0))
        return (s, traces)
    }

    /// Whoever moves a pair keeps everybody from ending it, and whoever ends it everybody from moving it; a `run` that comes
    /// meanwhile finds nothing to follow, and begins nothing.
    @Test func anEndIsAlone() throws {
        let (s, traces) = try atRest("atend")
        defer { s.end() }
        let back = try s.stopped(at: "after-epoch-committed", ["back", "--yes"])
        for other in [
            ["abort", "--yes"], ["abort", "--dry-run"], ["advance", "--yes"], ["back", "--yes"], ["switch", "--yes"],
            ["back", "--dry-run"],
        ] {
            let told = try s.tandem(other)
            #expect(told.exitCode == 3 && told.stderr.contains("another tandem is moving"), "\(other) \(told.stderr)")
        }
        back.kill()
        #expect(try s.stands(s.old) == "3 1 to 1")
        try s.expect(0, "back", "--yes")
        try s.expectStep("3 1")

        let abort = try s.stopped(at: "during-abort", ["abort", "--yes"])
        for other in ["abort", "finish", "advance", "back", "switch"] {
            let told = try s.tandem(other, "--yes")
            #expect(told.exitCode == 3, "\(other) \(told.stderr)")
        }
        let run = try s.start("run")
        try run.waitForLog("standing by")
        abort.`continue`()
        #expect(try abort.wait() == .exited(0), "\(abort.tail)")
        #expect(try run.wait() == .exited(3), "\(run.tail)")
        #expect(run.tail.contains("new has rows already"), "\(run.tail)")
        #expect(try Traces(s) == traces)
        #expect(try s.expect(0, "abort", "--yes").stdout.contains("nothing of pair"))
    }

    /// The same two commands again and again in the same moment: whatever comes first, both sides say the same in the end, and
    /// nothing is begun.
    @Test func whoeverComesFirst() throws {
        let (s, traces) = try atRest("atonce")
        defer { s.end() }
        let run = try s.start("run")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        var seen: Set<String> = []
        for (one, other) in [
            ("back", "back"), ("advance", "advance"), ("back", "advance"), ("advance", "back"), ("back", "advance"),
        ] {
            let both = try [one, other].map { try s.start($0, "--yes", "--waive", "data-b", "--reason", "a test") }
            for command in both {
                let status = try command.wait()
                #expect([.exited(0), .exited(3)].contains(status), "\(one) \(other): \(status) \(command.tail)")
                seen.insert("\(status)")
            }
            let (old, new) = (try s.stands(s.old), try s.stands(s.new))
            #expect(old == new && old?.contains("to") == false, "\(one) \(other): \(old ?? "") \(new ?? "")")
            let step = old?.split(separator: " ").last
            try s.waitForRoles(forward: "apply", reverse: step == "2" ? "watch" : "off")
            #expect(try s.isDataBPaused() == (step == "2" ? "t" : "f"))
        }
        #expect(seen.count == 2, "\(seen)")
        try s.expect(0, "evidence", "verify")
        #expect(try run.stop() == .exited(0))
        if try s.stands(s.old)?.hasSuffix(" 2") == true { try s.expect(0, "back", "--yes") }
        // And ends, two at once.
        let ends = try (0..<2).map { _ in try s.start("abort", "--yes") }
        for end in ends {
            let status = try end.wait()
            #expect([.exited(0), .exited(3)].contains(status), "\(end.tail)")
        }
        try s.expect(0, "abort", "--yes")
        #expect(try Traces(s) == traces)
    }
}
