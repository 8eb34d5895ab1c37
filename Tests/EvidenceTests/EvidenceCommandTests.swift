// The log as operators and auditors meet it: through the binary, with both sides.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct EvidenceCommandTests {
    private func path(_ s: Scenario) -> String { "\(s.directory)/evidence/tandem_t_\(s.name)_forward.jsonl" }

    private func lines(_ s: Scenario) throws -> [String] {
        try String(contentsOfFile: path(s), encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func write(_ lines: [String], _ s: Scenario) throws {
        try lines.map { $0 + "\n" }.joined().write(toFile: path(s), atomically: false, encoding: .utf8)
    }

    private func commands(_ s: Scenario) throws -> [String] {
        try lines(s).compactMap { line in
            guard let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            return "\(fields["command"] as? String ?? "?") \(fields["phase"] as? String ?? "?")"
        }
    }

    @Test func everyActIsInTheLogAndBothSidesRememberIt() throws {
        let s = try Scenario("evidence", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.old.sql("INSERT INTO t VALUES (1, 'a-row-value')")
        try s.prepare()
        let replicator = try s.start("run")
        try s.catchUp()
        #expect(try s.tandem("set-aside", "public.t").exitCode == 0)
        #expect(try s.tandem("pause").exitCode == 0)
        #expect(try replicator.stop() == .exited(0))
        let expected = [
            "prepare begins", "prepare done", "run begins", "set-aside begins", "set-aside done", "pause begins",
            "pause done",
            "run done",
        ]
        #expect(try commands(s) == expected)
        let text = try lines(s).joined()
        #expect(!text.contains("a-row-value") && !text.contains(s.old.connection) && !text.contains("host="))
        for side in [s.old, s.new] {
            #expect(
                try side.value("SELECT string_agg(number::text, ' ' ORDER BY number) FROM tandem.evidence")
                    == "1 2 3 4 5 6 7 8")
        }
        let verified = try s.tandem("evidence", "verify")
        #expect(verified.exitCode == 0, "\(verified.stdout) \(verified.stderr)")
        #expect(verified.stdout.contains("8 entries, the log is whole"))
        #expect(try s.tandem("evidence", "show", "--last", "1").stdout.contains("run done"))

        // Changed, missing, cut off.
        let whole = try lines(s)
        var changed = whole
        changed[3] = changed[3].replacing("set aside public.t", with: "set aside public.u")
        try write(changed, s)
        #expect(try s.tandem("evidence", "verify").stdout.contains("entry 4 was changed"))
        try write(whole.filter { $0 != whole[2] }, s)
        let missing = try s.tandem("evidence", "verify")
        #expect(missing.exitCode == 3 && missing.stdout.contains("entry 3 is missing"))
        try write(Array(whole.prefix(5)), s)
        let cut = try s.tandem("evidence", "verify")
        #expect(cut.exitCode == 3 && cut.stdout.contains("ends at entry 5, old remembers entries 6 to 8"))

        // Going on from a copy that lacks the end, as another machine would; then brought together.
        let linked = try s.tandem("resume")
        #expect(linked.exitCode == 0 && linked.stderr.contains("does not have entries 6 to 8"))
        #expect(try s.tandem("evidence", "verify").exitCode == 3)
        try whole.map { $0 + "\n" }.joined().write(
            toFile: "\(s.directory)/elsewhere.jsonl", atomically: false, encoding: .utf8)
        #expect(try s.tandem("evidence", "import", "elsewhere.jsonl").stdout.contains("took 3 of 8"))
        #expect(try s.tandem("evidence", "verify").exitCode == 0)
        #expect(try s.tandem("evidence", "export").stdout == lines(s).map { $0 + "\n" }.joined())
    }

    @Test func killedBeforeItActsOrUnableToWriteItDoesNotAct() throws {
        let s = try Scenario("evidence_first", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        #expect(try s.tandem("prepare", environment: ["TANDEM_FAILPOINT": "after-evidence"]).status == .signalled(9))
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
        #expect(try commands(s) == ["prepare begins"])
        #expect(try s.tandem("evidence", "verify").stdout.contains("has no end: it is under way, or was killed"))
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" prepare"
        let full = try Command("/bin/bash", ["-c", script, TandemBinary.path], directory: s.directory).run()
        #expect(full.exitCode == 1 && full.stderr.contains("nothing was done without evidence"), "\(full.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
        #expect(try s.tandem("evidence", "verify").exitCode == 0)
        try s.prepare()
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
        #expect(try s.old.value("SELECT to_regnamespace('tandem')") == nil)
        // The log outlives what it tells of, and goes on.
        try s.prepare()
        #expect(try s.tandem("evidence", "verify").exitCode == 0)
        #expect(try commands(s).filter { $0.hasSuffix("begins") }.count == 4)
    }
}
