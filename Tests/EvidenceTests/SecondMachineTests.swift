// Another machine takes over: it has a copy of the configuration, and nothing of the evidence. What it does begins a chain that
// is linked to the one the sides remember, and the two logs can be brought together in either place.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct SecondMachineTests {
    /// A directory with the configuration, where tandem runs, and where its evidence is.
    private struct Machine {
        let directory: String
        let log: String

        init(_ s: Scenario, _ name: String?) throws {
            directory = name.map { "\(s.directory)/\($0)" } ?? s.directory
            log = "\(directory)/evidence/\(s.slotName).jsonl"
            guard name != nil else { return }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            try FileManager.default.copyItem(atPath: s.configurationPath, toPath: "\(directory)/tandem.yaml")
        }

        func tandem(_ arguments: String...) throws -> Outcome {
            let usual = try PostgresInstallation.tandemEnvironment
            return try Command(TandemBinary.path, arguments, environment: usual, directory: directory).run()
        }

        var lines: [String] {
            get throws { try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init) }
        }

        func write(_ lines: [String]) throws {
            try lines.map { $0 + "\n" }.joined().write(toFile: log, atomically: false, encoding: .utf8)
        }
    }

    private func fields(_ line: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func oneThatHasNoEvidenceBeginsALinkedChain() throws {
        let s = try Scenario("second", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        let (first, second) = (try Machine(s, nil), try Machine(s, "second"))
        let whole = try first.lines
        #expect(whole.count == 4)

        // Nobody has acted there; the sides know that something is missing.
        let nothing = try second.tandem("evidence", "verify")
        #expect(nothing.exitCode == 3 && nothing.stdout.contains("old remembers entries 1 to 4"), "\(nothing.stdout)")

        let paused = try second.tandem("pause")
        #expect(paused.exitCode == 0, "\(paused.stderr)")
        #expect(paused.stderr.contains("does not have entries 1 to 4") && paused.stderr.contains("evidence import"))
        #expect(try second.tandem("resume").stderr.contains("does not have") == false, "said once")
        let linked = try second.lines
        #expect(try linked.map { try fields($0)["number"] as? Int } == [5, 6, 7, 8])
        let link = try fields(linked[0])
        let before = try fields(whole[3])["hash"] as? String
        #expect(link["previous"] as? String == before)
        #expect((link["details"] as? [String: Any])?["linked"] as? String != nil)
        for side in [s.old, s.new] {
            let remembered = try side.sql("SELECT number || ' ' || hash FROM tandem.evidence ORDER BY number")
            let written = try (whole + linked).map {
                "\(try fields($0)["number"] ?? 0) \(try fields($0)["hash"] ?? "")"
            }
            #expect(remembered.split(separator: "\n").map(String.init) == written)
        }
        let verified = try second.tandem("evidence", "verify")
        #expect(verified.exitCode == 0, "\(verified.stdout)")
        #expect(verified.stdout.contains("entries 1 to 4 are not in this file: it was begun on another machine"))

        // A chain that began with a link is no less guarded.
        try second.write(Array(linked.dropFirst()))
        let headless = try second.tandem("evidence", "verify")
        #expect(headless.exitCode == 3 && headless.stdout.contains("entries 1 to 5 are missing"), "\(headless.stdout)")
        try second.write(
            [linked[0].replacing("\"command\":\"pause\"", with: "\"command\":\"abort\"")] + linked.dropFirst())
        #expect(try second.tandem("evidence", "verify").stdout.contains("entry 5 was changed"))
        try second.write([linked[0], linked[2], linked[1], linked[3]])
        #expect(try second.tandem("evidence", "verify").stdout.contains("lines were moved or doubled"))
        try second.write(linked.dropLast())
        #expect(
            try second.tandem("evidence", "verify").stdout.contains("ends at entry 7, old remembers entries 8 to 8"))
        try second.write(linked)

        // The first machine sees that somebody went on, goes on after that, and both come to have all of it.
        let behind = try first.tandem("evidence", "verify")
        #expect(behind.exitCode == 3 && behind.stdout.contains("entries 5 to 8"), "\(behind.stdout)")
        #expect(try first.tandem("pause").stderr.contains("does not have entries 5 to 8"))
        let gap = try first.tandem("evidence", "verify")
        #expect(gap.exitCode == 3 && gap.stdout.contains("import the log of the machine that wrote them"))
        #expect(try second.tandem("evidence", "export", "all.jsonl").exitCode == 0)
        let taken = try first.tandem("evidence", "import", "second/all.jsonl")
        #expect(taken.stdout.contains("took 4 of 4"), "\(taken.stdout) \(taken.stderr)")
        #expect(try first.tandem("evidence", "verify").exitCode == 0)
        #expect(try second.tandem("evidence", "import", first.log).stdout.contains("took 6 of 10"))
        #expect(try second.lines == first.lines)
        #expect(try second.tandem("evidence", "verify").exitCode == 0)
        #expect(try first.lines.count == 10)
    }

    /// Two that have each written an entry of one number: the sides know which one counts, and the other goes on only when told.
    @Test func oneThatWroteWhatNoSideKnowsIsToldSo() throws {
        let s = try Scenario("strayed", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        let (first, second) = (try Machine(s, nil), try Machine(s, "second"))
        // Written where no side could be told; meanwhile the other machine has gone on.
        let away = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
            .replacing(s.old.connection, with: "host=/nowhere").replacing(s.new.connection, with: "host=/nowhere/else")
        try FileManager.default.copyItem(atPath: "\(s.directory)/evidence", toPath: "\(second.directory)/evidence")
        try away.write(toFile: "\(second.directory)/away.yaml", atomically: true, encoding: .utf8)
        #expect(try second.tandem("abort", "--yes", "--config", "away.yaml").exitCode == 1)
        #expect(try second.lines.count > first.lines.count)
        #expect(try first.tandem("pause").exitCode == 0)
        let refused = try second.tandem("resume")
        #expect(refused.exitCode != 0 && refused.stderr.contains("is not what old remembers"), "\(refused.stderr)")
        #expect(refused.stderr.contains("tandem evidence link"))
        #expect(try second.tandem("evidence", "verify").stdout.contains("is another one than old remembers"))
        let linked = try second.tandem("evidence", "link", "--reason", "both sides were away")
        #expect(linked.exitCode == 0 && linked.stdout.contains("aside-1"), "\(linked.stderr)")
        #expect(try second.tandem("resume").exitCode == 0)
        #expect(try second.tandem("evidence", "verify").exitCode == 0)
        #expect(FileManager.default.fileExists(atPath: second.log + ".aside-1"))
    }
}
