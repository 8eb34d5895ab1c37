// An event as a line: fields that can be read back, and values that cannot forge one.

import Foundation
import Testing

@testable import Telemetry

@Suite struct LogLineTests {
    private let time = Date(timeIntervalSince1970: 1_700_000_000.25)

    private func logfmt(_ fields: [(LogKey, String)], event: String = "applied") -> String {
        LogLine.render(level: .info, event: event, fields: fields, format: .logfmt, at: time)
    }

    private func json(_ fields: [(LogKey, String)], event: String = "applied") -> String {
        LogLine.render(level: .warning, event: event, fields: fields, format: .json, at: time)
    }

    @Test func logfmtNamesTimeLevelAndEventFirst() {
        let line = logfmt([(.lsn, "16/B374D848"), (.rows, "3")])
        #expect(line.hasPrefix("time=2023-11-14T22:13:20.250"))
        #expect(line.hasSuffix(" level=info event=applied lsn=16/B374D848 rows=3"))
    }

    @Test(arguments: [
        ("", "\"\""), ("a b", "\"a b\""), ("a=b", "\"a=b\""), ("say \"hi\"", "\"say \\\"hi\\\"\""),
        ("a\nlevel=error", "\"a\\nlevel=error\""), ("a\r\n", "\"a\\r\\n\""), ("\t", "\"\\t\""),
        ("\u{1b}[2J", "\"\\u001b[2J\""), ("\u{0}", "\"\\u0000\""), ("\u{7f}", "\"\\u007f\""), ("é😀", "é😀"),
        ("a\\b", "a\\b"), ("a \\", "\"a \\\\\""), ("x \u{9b}31m", "\"x \\u009b31m\""),
    ])
    func logfmtQuotesWhatWouldNotReadBack(value: String, expected: String) {
        #expect(logfmt([(.relation, value)]).hasSuffix(" event=applied relation=" + expected))
    }

    @Test func jsonIsOneObject() throws {
        let fields = try object(json([(.stream, "forward"), (.seconds, "1.5")]))
        #expect(Set(fields.keys) == ["time", "level", "event", "stream", "seconds"])
        #expect(fields["level"] == "warning")
        #expect(fields["stream"] == "forward")
    }

    @Test(arguments: [
        "", "\"", "\\", "\\\"", "\",\"level\":\"error", "}\n{\"event\":\"forged\"}", "\u{0}\u{1}\u{1f}\u{7f}\u{9b}",
        "\u{1b}]0;title\u{7}", "é😀", "\r\n\t\u{8}\u{c}",
    ])
    func jsonGivesEveryValueBackOnOneLine(value: String) throws {
        let line = json([(.detail, value), (.hint, value)], event: value)
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) })
        let fields = try object(line)
        #expect(fields["detail"] == value)
        #expect(fields["event"] == value)
        #expect(fields["level"] == "warning")
        #expect(fields.count == 5)
    }

    @Test func logfmtCannotBeForgedByRandomText() {
        let alphabet: [Unicode.Scalar] = ["\n", "\r", " ", "=", "\"", "\\", "a", "\u{1b}", "é", "\t"]
        for _ in 0..<2_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...8) { text.append(alphabet.randomElement()!) }
            let line = logfmt([(.relation, String(text)), (.count, "1")], event: String(text))
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 }, "\(text.debugDescription)")
            #expect(keys(line) == ["time", "level", "event", "relation", "count"], "\(text.debugDescription)")
        }
    }

    @Test func levelsAreOrdered() {
        #expect(LogLevel.debug < .info && LogLevel.info < .warning && LogLevel.warning < .error)
    }

    @Test func onlyWhatReachesTheThresholdIsWritten() async throws {
        let result = try #require(
            await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
                let log = Log(threshold: .warning).with(.stream, "forward")
                log.debug("one")
                log.info("two")
                log.warning("three", [.relation: "a\nb"])
                log.error("four")
            })
        let lines = String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("time=") }
        #expect(lines.count == 2)
        #expect(lines.first?.hasSuffix(" level=warning event=three stream=forward relation=\"a\\nb\"") == true)
        #expect(lines.last?.hasSuffix(" level=error event=four stream=forward") == true)
    }

    private func object(_ line: String) throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
    }

    /// The keys a logfmt reader would find: quotes and backslashes respected.
    private func keys(_ line: String) -> [String] {
        var found: [String] = []
        var key = ""
        var quoted = false
        var inValue = false
        var scalars = line.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch (scalar, quoted, inValue) {
            case ("\\", true, _): _ = scalars.popFirst()
            case ("\"", _, true): quoted.toggle()
            case (" ", false, _): inValue = false
            case ("=", false, false):
                found.append(key)
                key = ""
                inValue = true
            case (_, false, false): key.unicodeScalars.append(scalar)
            default: break
            }
        }
        return found
    }
}
