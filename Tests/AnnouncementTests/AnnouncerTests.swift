// `hooks.on_event` with programs that work, fail, hang and are missing. Nobody who has something to tell ever waits.

import Announcements
import Foundation
import Telemetry
import TestSupport
import Testing
import Threading

@Suite(.blocking, .timeLimit(.minutes(2))) struct AnnouncerTests {
    private let directory: String
    private let source = Announcing(
        migration: "shop", host: "here", pid: 7, streams: ["tandem_shop_main_forward": ("main", "forward")])

    init() throws { directory = try RunDirectory.current.makeDirectory("hook") }

    private func program(_ body: String) throws -> String {
        let path = "\(directory)/hook"
        try Program.write(body, to: path)
        return path
    }

    private func event(
        _ name: String, _ level: LogLevel = .error, _ fields: [(key: LogKey, value: String)] = []
    ) -> LogEvent {
        LogEvent(level: level, name: name, fields: fields, time: Date(timeIntervalSince1970: 1_800_000_000))
    }

    @Test func theProgramHearsOneEventAtATimeAsJSON() throws {
        let hook = try program("cat >> \(directory)/heard; echo \"$TANDEM_HOOK $*\" >> \(directory)/called")
        let announcer = Announcer(path: hook, arguments: ["page", "it"], patience: 30, source)
        try announcer.start { _ in }
        announcer.hear(
            event(
                "blocked", .error,
                [
                    (.stream, "tandem_shop_main_forward"), (.relation, "public.\"a\n\""), (.sqlstate, "22003"),
                    (.hint, ""), (.detail, "value \"1\" is out of range"),
                ]))
        announcer.hear(event("streaming", .info))
        announcer.hear(event("event hook fails", .warning))
        announcer.hear(event("recovered", .info))
        announcer.finish(seconds: 60)
        let lines = try String(contentsOfFile: "\(directory)/heard", encoding: .utf8).split(separator: "\n")
        let called = try String(contentsOfFile: "\(directory)/called", encoding: .utf8)
        try #require(lines.count == 2)
        let first = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(first["event"] as? String == "blocked" && first["level"] as? String == "error")
        #expect(first["time"] as? String == "2027-01-15T08:00:00Z")
        #expect(first["migration"] as? String == "shop" && first["pair"] as? String == "main")
        #expect(first["direction"] as? String == "forward" && first["pid"] as? Int == 7)
        let details = try #require(first["details"] as? [String: String])
        #expect(details["relation"] == "public.\"a\n\"" && details["sqlstate"] == "22003" && details["hint"] == nil)
        #expect(lines[1].contains("\"recovered\""))
        #expect(called == "on_event page it\non_event page it\n")
        #expect(announcer.counts == Announcer.Counts(delivered: 2))
    }

    @Test func aProgramThatHangsCostsEventsAndNothingElse() throws {
        let hook = try program("echo x >> \(directory)/begun; sleep 600 & wait")
        let announcer = Announcer(path: hook, arguments: [], patience: 0.3, source)
        let told = Monitor<[String?]>([])
        try announcer.start { failure in told.change { $0.append(failure) } }
        for number in 0..<20_000 { announcer.hear(event("difference", .warning, [(.count, "\(number)")])) }
        #expect(announcer.counts.dropped > 19_000)
        #expect(told.wait { $0.first } == "it did not end within 0.3 s")
        // Not once more while it goes on failing.
        _ = poll(within: .seconds(60)) { announcer.counts.failed > 2 ? true : nil }
        #expect(told.withLock { $0.count } == 1)
        announcer.finish(seconds: 0.1)
    }

    @Test func oneThatFailsIsSaidOnceUntilItWorksAgain() throws {
        let hook = try program("[ -e \(directory)/mended ] || { echo 'no route to pager' >&2; exit 3; }")
        let announcer = Announcer(path: hook, arguments: [], patience: 30, source)
        let told = Monitor<[String?]>([])
        try announcer.start { failure in told.change { $0.append(failure) } }
        for _ in 0..<3 { announcer.hear(event("blocked")) }
        _ = poll(within: .seconds(60)) { announcer.counts.failed == 3 ? true : nil }
        try "".write(toFile: "\(directory)/mended", atomically: true, encoding: .utf8)
        announcer.hear(event("recovered", .info))
        announcer.finish(seconds: 60)
        #expect(told.withLock { $0 } == ["it ended with status 3: no route to pager", nil])
        #expect(announcer.counts == Announcer.Counts(delivered: 1, failed: 3))
    }

    @Test func oneThatIsNotThereIsSaid() throws {
        let announcer = Announcer(path: "\(directory)/none", arguments: [], patience: 30, source)
        let told = Monitor<[String?]>([])
        try announcer.start { failure in told.change { $0.append(failure) } }
        announcer.hear(event("blocked"))
        announcer.finish(seconds: 60)
        #expect(told.withLock { $0.first ?? nil }?.contains("No such file") == true)
    }
}
