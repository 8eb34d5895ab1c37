// The script that judges test runs for continuous integration, with a shell script in the place of `swift`.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct SecondLookTests {
    /// What the stand-in says at first, and whether the failed tests pass when they run alone.
    private func judge(_ tests: [(name: String, fails: Bool)], alone passes: Bool, dies: Bool = false) throws -> Outcome
    {
        let directory = NSTemporaryDirectory() + "second-look-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var log = "Building for debugging...\n"
        var report = "<testsuites>\n"
        for test in tests {
            log += "◇ Test \(test.name) started.\n"
            if dies && test.fails { continue }
            log += "✘ Test \(test.name) recorded an issue at A.swift:1:2: first\n↳ because of this\n".when(test.fails)
            log +=
                "\(test.fails ? "✘" : "✔") Test \(test.name) \(test.fails ? "failed" : "passed") after 1.0 seconds.\n"
            report += "<testcase classname=\"Room.Some&lt;Suite&gt;\" name=\"\(test.name)\" time=\"1\">"
            report += (test.fails ? "\n<failure message=\"first\" />\n" : "") + "</testcase>\n"
        }
        let anyFails = tests.contains(where: \.fails)
        func verdict(_ passed: Bool) -> String { passed ? "passed after 1 seconds." : "failed after 1 seconds." }
        if !dies { log += "\(anyFails ? "✘" : "✔") Test run with 9 tests in 2 suites \(verdict(!anyFails))\n" }
        let alone = "\(passes ? "✔" : "✘") Test run with 1 test in 1 suite \(verdict(passes))"
        let answers = ["log": log, "report": dies ? "" : report, "alone": alone, "status": anyFails ? "1" : "0"]
        for (name, text) in answers {
            try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
        }
        let standIn = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "StandIn").path
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "scripts/second-look.sh").path
        let body = """
            set -euo pipefail; source '\(script)'
            first_look pair SETTING=1 bash -c 'swift test $TEST_ARGS'
            not_tried other 'no network'
            second_look
            """
        let path = "\(standIn):" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
        return try Command(
            "/bin/bash", ["-c", body], environment: ["PATH": path, "TEST_ARGS": "", "STAND_IN": directory]
        ).run()
    }

    private func summary(_ outcome: Outcome) -> String {
        String(outcome.stdout.split(separator: "--- summary\n").last ?? "")
    }

    @Test func whatPassesIsGreen() throws {
        let outcome = try judge([("a()", false), ("b(_:)", false)], alone: false)
        #expect(outcome.exitCode == 0, "\(outcome)")
        #expect(
            summary(outcome)
                == "pair: Test run with 9 tests in 2 suites passed after 1 seconds.\nNOT TRIED: other: no network\npassed\n"
        )
    }

    @Test func aTestThatPassesAloneIsGreenAndLoud() throws {
        let outcome = try judge([("a()", true), ("b(_:)", false)], alone: true)
        #expect(outcome.exitCode == 0, "\(outcome)")
        let summary = summary(outcome)
        #expect(
            summary.contains("UNSTABLE: Room.Some<Suite>/a() (pair) failed first with:\n    ✘ Test a() recorded an"))
        #expect(summary.contains("    ↳ because of this\n") && summary.hasSuffix("passed\n"), "\(summary)")
        #expect(outcome.stdout.contains("--filter ^Room\\.Some<Suite>/a\\(\\)\n"), "\(outcome.stdout)")
    }

    @Test func aTestThatFailsTwiceIsRedAndNamed() throws {
        let outcome = try judge([("a()", true)], alone: false)
        #expect(outcome.exitCode == 1)
        let summary = summary(outcome)
        #expect(summary.contains("FAILED: Room.Some<Suite>/a() (pair)\n    ✘ Test a() recorded an issue"), "\(summary)")
        #expect(summary.hasSuffix("FAILED\n") && !summary.contains("UNSTABLE"))
    }

    @Test func fourTestsThatFailAreNotUnstable() throws {
        let outcome = try judge((1...4).map { ("t\($0)()", true) }, alone: true)
        #expect(outcome.exitCode == 1)
        let named = summary(outcome).split(separator: "\n").count { $0.hasPrefix("FAILED: Room") }
        #expect(named == 4, "\(outcome)")
        #expect(!outcome.stdout.contains("asked for"))
    }

    @Test func aRunThatDiesIsRedAndNamesWhatWasRunning() throws {
        let outcome = try judge([("a()", false), ("b()", true)], alone: true, dies: true)
        #expect(outcome.exitCode == 1)
        let summary = summary(outcome)
        #expect(
            summary.contains("pair: the tests did not end\n") && summary.contains("    not ended: b()\n"), "\(summary)")
        #expect(!summary.contains("not ended: a()"))
    }
}

extension String {
    fileprivate func when(_ condition: Bool) -> String { condition ? self : "" }
}
