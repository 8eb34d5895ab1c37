// `step`, `advance` and `back` through the program, on real servers.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct StepCommandTests {
    /// Nothing is made up: neither a step nor that nothing is there.
    @Test func whatNobodyCanSayIsNotSaid() throws {
        let s = try Scenario("unanswered")
        defer { s.end() }
        let nobody = "host=127.0.0.1 port=1 user=u dbname="
        try s.writeConfiguration(old: nobody + "a", new: nobody + "b")
        let screen = try s.expect(1, "step").stdout
        #expect(screen.contains("neither side can be reached") && screen.contains("Connection refused"), "\(screen)")
        #expect(!screen.contains("step 0") && !screen.contains("in charge"), "\(screen)")
        let json = try s.expect(1, "step", "--json").stdout
        #expect(json.contains("Connection refused"), "\(json)")
        #expect(!json.contains(#""step""#) && !json.contains(#""truth""#), "\(json)")
        #expect(try !s.expect(1, "finish", "--without", "new", "--dry-run").stdout.contains("nothing of pair"))
    }

    /// On a screen, however narrow: the words that there are elsewhere, none cut off and no line too long.
    @Test func linesAreBrokenBetweenWords() throws {
        let s = try Scenario.stepping("narrow", extra: "strategy: pause")
        defer { s.end() }
        try s.expect(0, "run", "--until", "caught-up")
        /// What passes while it is asked again is no word.
        func words(_ text: String) -> [Substring] {
            text.replacing(#/[\d.]+(\s+(ms|s|min|h|d|B|kB|MB|GB)\b)?/#, with: "N").split(whereSeparator: \.isWhitespace)
        }
        for (command, width) in [("status", 60), ("step", 60), ("status", 100), ("step", 100)] {
            var told: (screen: String, elsewhere: String) = ("", "")
            // What is known of the lag, say, may be another thing by the second look.
            let same = try poll(within: .seconds(30)) {
                let screen = try Command(
                    "script", ["-qec", "stty cols \(width); '\(TandemBinary.path)' \(command)", "/dev/null"],
                    environment: PostgresInstallation.tandemEnvironment.merging(["NO_COLOR": "1", "TERM": "xterm"]) {
                        $1
                    },
                    directory: s.directory
                ).run()
                told = try (screen.stdout, s.expect(0, command).stdout)
                return words(told.screen) == words(told.elsewhere) ? true : nil
            }
            let lines = told.screen.split(whereSeparator: \.isNewline)
            let long = lines.filter { $0.count > width && $0.trimmingCharacters(in: .whitespaces).contains(" ") }
            #expect(long == [], "\(command) at \(width)")
            #expect(lines.count > 5, "\(told.screen)")
            #expect(same == true, "\(command) at \(width):\n\(told.screen)\n\(told.elsewhere)")
        }
    }

    /// From nothing to step 2 and back, each gate refusing first; then everything is gone again.
    @Test func thereAndBack() throws {
        let s = try Scenario.stepping("steps")
        defer { s.end() }
        #expect(try s.expect(0, "step").stdout.contains("step 0"))
        let unchecked = try s.expect(3, "advance", "--yes")
        #expect(unchecked.stderr.contains("preflight") && unchecked.stderr.contains("`tandem preflight`"))
        #expect(try s.old.value("SELECT to_regnamespace('tandem') IS NULL") == "t", "a refused step changes nothing")
        try s.expect(0, "preflight")
        try s.expect(0, "advance", "--dry-run")
        #expect(try s.old.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
        try s.expect(2, "advance")
        #expect(try s.expect(0, "advance", "--yes").stdout.contains("now at step 1"))
        try s.expectStep("1 1")
        #expect(try s.expect(3, "advance", "--yes").stderr.contains("copy"))
        #expect(try s.expect(3, "back", "--yes").stderr.contains("abort"))

        let run = try s.following()
        try s.expectStep("1 1")
        let unfinished = try s.expect(3, "advance", "--yes")
        #expect(unfinished.stderr.contains("gate data-b refuses") && unfinished.stderr.contains("tandem b final"))
        #expect(unfinished.stdout.contains("ok       copy") && unfinished.stdout.contains("ok       stream"))
        try s.expect(0, "b", "final")
        try s.expect(0, "advance", "--yes")
        try s.expectStep("2 2")
        #expect(try s.isDataBPaused() == "t")
        let resumed = try s.expect(3, "b", "resume")
        #expect(resumed.stderr.contains("tandem back"))
        // So nobody is told to do it.
        let status = try s.expect(0, "status").stdout
        #expect(status.contains("at rest from step 2 on") && !status.contains("b resume"), "\(status)")

        // What lies further on asks for more.
        try s.expect(0, "verify")
        #expect(try s.expect(3, "advance", "--yes").stderr.contains("gate rehearsed refuses"))
        try s.expectStep("2 2")

        try s.expect(0, "back", "--yes")
        try s.expectStep("3 1")
        #expect(try s.isDataBPaused() == "f")
        #expect(run.status == nil)
        #expect(try run.stop() == .exited(0))
        let log = try s.evidence()
        #expect(log.contains("\"command\":\"advance\"") && log.contains("\"command\":\"back\""))
        #expect(log.contains("\"gate data-b\":\"holds: 1 table identical in the final copy\""))
        try s.expect(0, "evidence", "verify")
        try s.expect(0, "abort", "--yes")
        for side in [s.old, s.new] { #expect(try side.value("SELECT to_regnamespace('tandem') IS NULL") == "t") }
    }

    /// The screen, for people and for machines; and why.
    @Test func whatItShows() throws {
        let s = try Scenario.stepping("stepscreen")
        defer { s.end() }
        let screen = try s.expect(0, "step").stdout
        for words in ["0 to 1", "1 to 2", "4 to 5", "5 to 6", "refuses  preflight"] {
            #expect(screen.contains(words), "\(words) in \(screen)")
        }
        let json = try JSONSerialization.jsonObject(with: Data(s.expect(0, "step", "--json").stdout.utf8))
        let first = try #require((json as? [[String: Any]])?.first)
        #expect(first["step"] as? Int == 0 && first["truth"] as? String == "old")
        let ahead = try #require(first["ahead"] as? [[String: Any]])
        #expect(ahead.compactMap { $0["to"] as? Int } == [1, 2, 3, 4, 5, 6])
        let gates = try #require(ahead[0]["gates"] as? [[String: Any]])
        #expect(gates.compactMap { $0["gate"] as? String } == ["decided", "preflight"])
        #expect(gates.allSatisfy { $0["at"] is String && $0["saw"] is String })
        #expect(try s.expect(0, "step", "--explain", "lag").stdout.contains("can be waived"))
        let census = try s.expect(0, "step", "--explain", "census").stdout
        #expect(census.contains("cannot be waived") && census.contains("does not see its own acknowledged write"))
        #expect(try s.expect(2, "step", "--explain", "lags").stderr.contains("did you mean `lag`?"))
        #expect(
            try s.expect(2, "advance", "--yes", "--waive", "census", "--reason", "x").stderr.contains(
                "cannot be waived"))
        #expect(try s.expect(2, "advance", "--yes", "--waive", "lag").stderr.contains("needs a reason"))
        #expect(try s.expect(2, "advance", "--yes", "--pair", "nobody").stderr.contains("no pair"))
    }

    /// Killed at each place on the way to step 2 and back: nothing happened, or it is completed, and no more than that.
    @Test func killedOnTheWay() throws {
        let s = try Scenario.stepping("stepkill")
        defer { s.end() }
        let run = try s.following()
        try s.expect(0, "b", "final")
        func killed(_ command: String, _ place: String) throws {
            let outcome = try s.tandem(command, "--yes", environment: ["TANDEM_FAILPOINT": place])
            #expect(outcome.status == .signalled(9), "\(command) \(place): \(outcome.stderr)")
        }
        try killed("advance", "after-intent")
        try s.expectStep("1 1 to 2")
        #expect(try s.expect(0, "step").stdout.contains("was begun"))
        #expect(try s.expect(0, "back", "--yes").stdout.contains("still at step 1"))
        try s.expectStep("1 1")
        try killed("advance", "after-intent")
        try s.expect(0, "advance", "--yes")
        try s.expectStep("2 2")
        var epoch = 2
        for place in ["after-epoch-committed", "after-epoch-copied", "before-passage-end"] {
            for (command, step) in [("back", 1), ("advance", 2)] {
                try killed(command, place)
                epoch += 1
                #expect(try s.stands(s.old) == "\(epoch) \(step) to \(step)")
                #expect(try s.expect(0, "step").stdout.contains("interrupted after its commit"))
                #expect(try s.expect(0, "advance", "--yes").stdout.contains("Completed, and no more"))
                try s.expectStep("\(epoch) \(step)")
                #expect(try s.isDataBPaused() == (step == 2 ? "t" : "f"))
            }
        }
        #expect(run.status == nil)
        #expect(try run.stop() == .exited(0))
    }

    @Test func twoAtOnceAndSidesThatDisagree() throws {
        let s = try Scenario.stepping("steptwice")
        defer { s.end() }
        var run = try s.following()
        let other = try s.new.session()
        try other.send("SELECT pg_advisory_lock(hashtextextended('tandem_t_\(s.name)', 7463))")
        let told = try s.expect(3, "advance", "--yes")
        #expect(told.stderr.contains("another tandem is moving pair"))
        #expect(try s.expect(0, "step").stdout.contains("step 1"), "looking needs no lock")

        // One side is behind, as after a crash: the next command tells it. (Without the lock `run` does, within a second.)
        try s.expect(0, "b", "final")
        try s.new.sql("UPDATE tandem.epoch SET epoch = 0")
        #expect(try s.expect(0, "step").stdout.contains("new has not heard of it yet"))
        try other.send("SELECT pg_advisory_unlock_all()")
        try s.expect(0, "advance", "--yes")
        try s.expectStep("2 2")

        // A stream from before there was such a row. A running one would write it.
        #expect(try run.stop() == .exited(0))
        try s.both("DROP TABLE tandem.epoch")
        #expect(try s.expect(0, "step").stdout.contains("not written down yet"))
        try s.expect(3, "back", "--yes")
        try s.expectStep("1 1")
        run = try s.following()

        // Another server than the one on record, and two rows that cannot both be.
        try s.both("UPDATE tandem.epoch SET system_new = '4711'")
        let stranger = try s.expect(6, "advance", "--yes")
        #expect(stranger.stderr.contains("new of") && stranger.stderr.contains("adopt --side new"))
        try s.new.sql("UPDATE tandem.epoch SET step = 2")
        #expect(try s.expect(6, "advance", "--yes").stderr.contains("different things"))
        // The replicator may have read that, too, before it is stopped.
        let ended = try run.stop()
        #expect(ended == .exited(0) || ended == .exited(6))
    }

    /// The hook hears what is to happen; one that fails, hangs or is not there keeps it from happening.
    @Test func hooksAndWaivers() throws {
        let s = try Scenario.stepping("stephook")
        defer { s.end() }
        let script = "\(s.directory)/hook.sh"
        func write(_ body: String) throws { try Program.write(body, to: script) }
        let run = try s.following()
        try s.configureSteps("hooks: {before_step: [\(script), --team, ops], timeout: 2s}")
        let waive = ["advance", "--yes", "--waive", "data-b", "--reason", "its job was deleted"]
        func advance(_ code: Int32) throws -> String {
            let outcome = try s.tandem(waive)
            #expect(outcome.status == .exited(code), "\(outcome.stderr)")
            return outcome.stderr
        }
        #expect(try advance(3).contains("cannot run"))
        try write("echo the team says no; exit 7")
        let refused = try advance(3)
        #expect(refused.contains("status 7") && refused.contains("the team says no"))
        try write("sleep 60")
        let late = try advance(3)
        #expect(late.contains("took too long"), "\(late)")
        try s.expectStep("1 1")
        #expect(try s.isDataBPaused() != "t")
        try write("echo \"$* $TANDEM_COMMAND $TANDEM_FROM-$TANDEM_TO $TANDEM_PAIRS\"")
        let done = try advance(0)
        #expect(done.contains("--team ops 1 2 advance 1-2 \(s.name)"))
        #expect(done.contains("restore point tandem_t_\(s.name)_e1 on old"))
        try s.expectStep("2 2")
        let log = try s.evidence()
        #expect(log.contains("\"waived data-b\":\"its job was deleted\"") && log.contains("status 7"))
        #expect(try run.stop() == .exited(0))
    }

    /// Both pairs or none; and when it is killed between them, the second one follows.
    @Test func pairsStepTogether() throws {
        let (s, other) = (try Scenario.stepping("steppair"), try Scenario.stepping("steppair"))
        defer {
            s.end()
            other.end()
        }
        try """
        migration: t
        pairs:
          - {name: \(s.name), old: "\(s.old.connection)", new: "\(s.new.connection)"}
          - {name: \(other.name), old: "\(other.old.connection)", new: "\(other.new.connection)"}
        data_a: ["public.*"]
        data_b: [{table: b.sums, refresh: full, every: 1s}]
        gates: {lag: 60s, quiet: 500ms}
        spill: "\(s.spillDirectory)"
        evidence: "\(s.directory)/evidence"
        """.write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        try s.expect(0, "preflight")
        try s.expect(0, "advance", "--yes")
        try s.expectStep("1 1")
        try other.expectStep("1 1")
        let run = try s.start("run")
        try other.new.wait(for: "SELECT to_regclass('b.sums') IS NOT NULL", toBe: "t")
        try s.catchUp()
        try other.new.wait(for: "SELECT count(*) FROM b.sums", toBe: "1")
        try s.waitUntilItStreams()
        try other.waitUntilItStreams()
        try other.old.wait(
            for: "SELECT count(*) FROM pg_replication_slots WHERE active AND slot_name = '\(other.slotName)'", toBe: "1"
        )
        try s.expect(0, "b", "final", "--pair", s.name)
        let one = try s.expect(3, "advance", "--yes")
        #expect(one.stderr.contains("data-b of \(other.name)"))
        try s.expectStep("1 1")
        try s.expect(0, "b", "final", "--pair", other.name)
        let killed = try s.tandem("advance", "--yes", environment: ["TANDEM_FAILPOINT": "after-epoch-copied"])
        #expect(killed.status == .signalled(9), "\(killed.stderr)")
        try s.expectStep("2 2 to 2")
        try other.expectStep("1 1 to 2")
        #expect(try s.expect(0, "advance", "--yes").stdout.contains("Completed"))
        try s.expectStep("2 2")
        try other.expectStep("2 2")
        #expect(try other.isDataBPaused() == "t")
        #expect(try run.stop() == .exited(0))
    }
}
