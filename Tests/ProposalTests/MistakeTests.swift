// Mistakes in tandem.yaml as an operator meets them: through the binary, exit code 2, with file, line and column, and the nearest
// word where there is one. Without a server, until a table has to be looked up.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct MistakeTests {
    private static let right = """
        migration: shop
        pairs:
          - name: one
            old: host=/nowhere dbname=a
            new: host=/nowhere dbname=b
        data_a: ["public.*"]

        """

    /// What is put in the place of what, and what is said of it.
    private static let mistakes: [(String, String, String)] = [
        ("data_a:", "data_aa:", "tandem.yaml:6:1: unknown key `data_aa` did you mean `data_a`?"),
        ("    old:", "    odl:", "tandem.yaml:4:5: unknown key `odl` did you mean `old`?"),
        ("[\"public.*\"]", "public.t", "tandem.yaml:6:9: `data_a` must be a list, not a single value"),
        ("data_a:", "jobs: many\ndata_a:", "tandem.yaml:6:7: `jobs` must be a whole number from 1 to 64, not `many`"),
        (
            "data_a:", "limits: {memory: 1gb}\ndata_a:",
            "tandem.yaml:6:18: `memory` must be a size, not `1gb` did you mean `1GB`?"
        ),
        (
            "data_a:", "strategy: paus\ndata_a:",
            "tandem.yaml:6:11: `strategy` must be `dual-write` or `pause`, not `paus` did you mean `pause`?"
        ),
        (
            "data_a:", "migration: again\ndata_a:",
            "tandem.yaml:6:1: the key `migration` stands here again; it is already set at 1:1"
        ),
        (
            "data_a:", "  - {name: one, old: host=c, new: host=d}\ndata_a:",
            "tandem.yaml:6:5: this pair has the same name as the one at 3:5"
        ),
        (
            "[\"public.*\"]", "[public.t, public.u, public.t]",
            "tandem.yaml:6:30: `data_a` lists `public.t` twice, first at 6:10"
        ),
        (
            "[\"public.*\"]", "[public.t]\nexclude: [public.t]",
            "tandem.yaml:7:11: `public.t` stands in `exclude` here and in `data_a` at 6:10 leave it in one of them"
        ),
        (
            "[\"public.*\"]", "[public.\(String(repeating: "x", count: 64))]",
            "has a part of 64 bytes PostgreSQL's names have at most 63"
        ),
        ("    new:", "\tnew:", "tandem.yaml:5:1: found a tab character"),
        (
            "dbname=a", "dbname=a password=${PASSWORD_OF_OLD}",
            "tandem.yaml:4:42: the environment variable `PASSWORD_OF_OLD` is not set"
        ),
        ("migration: shop\n", "", "tandem.yaml:1:1: the key `migration` is missing"),
        ("[\"public.*\"]", "[*.*]", "tandem.yaml:6:10: an alias (`*name`) is not accepted here"),
        (
            "name: one", "name: One",
            "tandem.yaml:3:11: `name` must have only lower-case letters, digits and `_`, not `One`"
        ),
        ("dbname=b", "dbname=a", "tandem.yaml:5:10: `old` and `new` are the same connection"),
        ("migration: shop", "migration: sh\u{1}op", "tandem.yaml:1:14: control characters are not allowed"),
        ("[\"public.*\"]", "[\"public.*\"", "tandem.yaml:"),
    ]

    private func world(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "mistakes-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private func write(_ text: String, _ directory: String) throws {
        try text.write(toFile: "\(directory)/tandem.yaml", atomically: true, encoding: .utf8)
    }

    private func said(_ directory: String, _ command: String, _ words: [String] = []) throws -> Outcome {
        let outcome = try Command(TandemBinary.path, [command] + words, directory: directory).run()
        #expect(outcome.exitCode == 2, "\(command): \(outcome.status) \(outcome.stderr)")
        #expect(outcome.stdout == "")
        return outcome
    }

    @Test func eachHasItsPlaceAndTheNearestWord() throws {
        try world { directory in
            for (there, instead, expected) in Self.mistakes {
                #expect(Self.right.contains(there))
                try write(Self.right.replacing(there, with: instead), directory)
                let outcome = try said(directory, "status")
                let text = outcome.stderr.split(separator: "\n").map { String($0).trimmingCharacters(in: .whitespaces) }
                    .joined(separator: " ")
                #expect(text.contains(expected), "\(text)")
            }
            // Whatever the command: none goes on with half a configuration.
            try write(Self.right.replacing("data_a:", with: "data_aa:"), directory)
            for command in [
                "preflight", "run", "prepare", "abort", "step", "advance", "verify", "lag", "pause", "fleet",
            ] {
                #expect(try said(directory, command).stderr.contains("tandem.yaml:6:1: unknown key"), "\(command)")
            }
        }
    }

    @Test func aFileThatCannotBeRead() throws {
        try world { directory in
            #expect(try said(directory, "status").stderr.contains("tandem.yaml: there is no such file"))
            let path = "\(directory)/tandem.yaml"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(try said(directory, "status").stderr.contains("this is a directory, not a file"))
            try FileManager.default.removeItem(atPath: path)
            try write(Self.right, directory)
            chmod(path, 0)
            // Root reads everything, unless that is taken away from it.
            let privileged = geteuid() == 0
            let bounds = privileged ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []
            let words = try bounds + [TandemBinary.path, "status"]
            let outcome = try Command("env", words, directory: directory).run()
            #expect(
                outcome.exitCode == 2 && outcome.stderr.contains("cannot be read: Permission denied"),
                "\(outcome.stderr)")
            chmod(path, 0o600)
            #expect(try said(directory, "status", ["--pair", "on"]).stderr.contains("did you mean `one`"))
        }
    }

    /// What only a look at old can tell, and what nobody decided.
    @Test func tablesThatAreNotThereAndWhatIsUndecided() throws {
        let s = try Scenario("mistaken", dataA: ["public.*"], marker: false)
        defer { s.end() }
        try s.both("CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE sums (day int PRIMARY KEY)")
        let right = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        func line(_ text: String, _ word: String) -> Int {
            (text.components(separatedBy: "\n").firstIndex { $0.contains(word) } ?? -1) + 1
        }
        for (list, expected) in [
            ("data_a: [\"public.*\", public.ordrs]", ":22: old has no table `public.ordrs` that can be replicated"),
            ("data_a: [\"publik.*\"]", ":10: no table on old matches `publik.*`"),
            (
                "data_a: [\"public.*\"]\nexclude: [public.sumz]",
                ":11: old has no table `public.sumz` that can be replicated"
            ),
        ] {
            let text = right.replacing("data_a: [\"public.*\"]", with: list)
            try write(text, s.directory)
            let word = list.contains("exclude") ? "exclude" : "data_a"
            for command in ["preflight", "prepare"] {
                let outcome = try said(s.directory, command)
                #expect(
                    outcome.stderr.contains("tandem.yaml:\(line(text, word))\(expected)"),
                    "\(command): \(outcome.stderr)")
                if list.contains("ordrs") { #expect(outcome.stderr.contains("did you mean `public.orders`")) }
            }
        }
        let text = right.replacing(
            "data_a: [\"public.*\"]", with: "data_a: [public.orders]\nundecided:\n  - public.sums\n  - public.more")
        try write(text, s.directory)
        for command in ["preflight", "run", "prepare", "resync", "adopt --side old"] {
            let words = command.split(separator: " ").map(String.init)
            let outcome = try said(s.directory, words[0], Array(words.dropFirst()))
            #expect(
                outcome.stderr.contains(
                    "tandem.yaml:\(line(text, "- public.sums")):5: `public.sums` is undecided, and 1 more"),
                "\(command): \(outcome.stderr)")
        }
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
    }
}
