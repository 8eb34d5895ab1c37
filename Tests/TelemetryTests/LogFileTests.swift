// A log file that somebody moves away is begun again, and no line is lost; listeners hear what is not written.

import Foundation
import Telemetry
import Testing
import Threading

@Suite struct LogFileTests {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("tandem-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func lines(_ name: String) -> [Substring] {
        let text = try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)
        return (text ?? "").split(separator: "\n")
    }

    @Test func itMayBeRotatedAtAnyTime() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("log").path
        let log = try Log(file: path)
        log.info("one")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        log.info("two")
        log.info("three")
        try FileManager.default.removeItem(atPath: path)
        log.info("four")
        // Nowhere to go: into what is open, which is better than nothing.
        try FileManager.default.moveItem(at: directory, to: URL(fileURLWithPath: directory.path + "-moved"))
        log.info("five")
        try FileManager.default.moveItem(at: URL(fileURLWithPath: directory.path + "-moved"), to: directory)
        #expect(lines("log.1").count == 1 && lines("log.1")[0].contains("event=one"))
        #expect(lines("log").map { $0.split(separator: "event=").last } == ["four", "five"])
    }

    @Test func oneThatCannotBeWrittenIsSaid() {
        #expect(throws: LogFileFailure.self) { try Log(file: "/nowhere/at/all") }
    }

    @Test func whoListensHearsEverythingAndTheTallyCounts() {
        let heard = Monitor<[String]>([])
        let tally = LogTally()
        let log = Log(threshold: .error, descriptor: open("/dev/null", O_WRONLY)) { event in
            heard.withLock { $0.append("\(event.level.name) \(event.name) \(event[.relation] ?? "-")") }
            tally.note(event)
        }
        log.with(.relation, "a").debug("low")
        log.with(.sqlstate, "23505").error("high", [.relation: "b"])
        log.with(.sqlstate, "23505").info("no problem")
        #expect(heard.withLock { $0 } == ["debug low a", "error high b", "info no problem -"])
        #expect(tally.counts.states == ["23505": 1])
        #expect(tally.counts.lines == [.debug: 1, .error: 1, .info: 1])
    }
}
