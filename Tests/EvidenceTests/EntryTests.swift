// What an entry holds, looked at from outside; that it is on disk before anybody acts; and that whatever acts leaves one, and
// what only looks leaves none.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct EntryTests {
    private func lines(_ s: Scenario) throws -> [String] {
        let path = "\(s.directory)/evidence/\(s.slotName).jsonl"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func entries(_ s: Scenario) throws -> [[String: Any]] {
        try lines(s).map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
    }

    /// `command phase` of what came since there were so many.
    private func since(_ count: Int, _ s: Scenario) throws -> [String] {
        try entries(s).dropFirst(count).map { "\($0["command"] ?? "?") \($0["phase"] ?? "?")" }
    }

    @Test func whatActsIsOnRecordAndWhatLooksIsNot() throws {
        let s = try Scenario("acts", dataA: ["public.*"])
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 50) i;
            CREATE SCHEMA b; CREATE TABLE b.sums (day int PRIMARY KEY, total int); INSERT INTO b.sums VALUES (1, 50);
            """)
        try s.writeConfiguration(
            dataA: ["public.*"], initialCopy: "all",
            extra: """
                data_b: [{table: b.sums, refresh: full, every: 1s}]
                gates: {lag: 60s, quiet: 500ms}
                """)
        func leaves(
            _ expected: [String], _ arguments: String..., location: SourceLocation = #_sourceLocation
        ) throws {
            let count = try lines(s).count
            let outcome = try s.tandem(arguments)
            #expect(outcome.exitCode == 0, "\(outcome.stdout)\(outcome.stderr)", sourceLocation: location)
            #expect(try since(count, s) == expected, sourceLocation: location)
        }
        try leaves(["preflight done"], "preflight")
        let count = try lines(s).count
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        let ran = try since(count, s)
        #expect(ran.contains("prepare begins") && ran.contains("run begins") && ran.last == "run done", "\(ran)")
        for act in ["b now", "b pause", "b resume", "recopy public.t", "pause", "resume", "set-aside public.t"] {
            let words = act.split(separator: " ").map(String.init).filter { $0 != "public.t" }.joined(separator: " ")
            let arguments = act.split(separator: " ").map(String.init)
            let before = try lines(s).count
            #expect(try s.tandem(arguments).exitCode == 0, "\(act)")
            #expect(try since(before, s) == ["\(words) begins", "\(words) done"], "\(act)")
        }
        #expect(try s.tandem("recopy", "public.t").exitCode == 0)
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        try leaves(["verify noted"], "verify")
        // Only a stream that moves settles what differs.
        let run = try s.start("run")
        try s.catchUp()
        try s.new.sql("UPDATE t SET b = 'y' WHERE a = 3")
        try leaves(
            ["verify noted", "verify --repair begins", "verify --repair done"], "verify", "--repair", "--yes")
        #expect(try run.stop() == .exited(0))
        try leaves(["b final begins", "b final noted", "b final done"], "b", "final")
        try s.old.sql("SELECT pg_drop_replication_slot('\(s.slotName)')")
        let dry = try s.tandem("resync", "--dry-run")
        #expect(dry.exitCode == 0 && dry.stdout.contains("2 tables would be compared"), "\(dry.stdout)\(dry.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'") == "0")
        try leaves(["resync begins", "resync done"], "resync", "--yes")
        let beforeLooking = try lines(s)
        let recopy = try s.tandem("recopy", "--dry-run", "public.t")
        #expect(recopy.exitCode == 0 && recopy.stdout.contains("public.t would be emptied on new"), "\(recopy.stderr)")
        #expect(try s.tandem("recopy", "--dry-run", "public.u").exitCode == 2)
        #expect(try s.new.value("SELECT count(*) FROM tandem.copied_table WHERE state <> 'done'") == "0")
        let aside = try s.tandem("set-aside", "--dry-run", "public.t")
        #expect(aside.exitCode == 0 && aside.stdout.contains("public.t would be set aside"), "\(aside.stderr)")
        #expect(try s.new.value("SELECT count(*) FROM tandem.set_aside") == "0")
        #expect(try s.tandem("resync", "--dry-run").stderr.contains("nothing is lost"))
        for look in [
            ["status"], ["lag"], ["step"], ["fleet"], ["config", "show"], ["evidence", "show"], ["evidence", "verify"],
            ["evidence", "export"], ["preflight", "--grants"], ["init"], ["verify", "--repair", "--dry-run"],
            ["abort", "--dry-run"], ["advance", "--dry-run"],
        ] { #expect(try ![1, 2].contains(s.tandem(look).exitCode), "\(look)") }
        #expect(try lines(s) == beforeLooking)
        try leaves(["abort begins", "abort done"], "abort", "--yes")
    }

    /// Who, where, what, when, and how both sides stood: against what the system itself says.
    @Test func anEntrySaysWhoDidWhatAndHowBothSidesStood() throws {
        let s = try Scenario("entry", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        let before = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        #expect(try s.tandem("preflight").exitCode == 0)
        try s.prepare()
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        #expect(try s.tandem("verify").exitCode == 0)
        let all = try entries(s)
        let ended = try #require(
            all.first { $0["command"] as? String == "prepare" && $0["phase"] as? String == "done" })
        let (actor, host) = (try Command("id", ["-un"]).succeed().trimmed, try Command("hostname").succeed().trimmed)
        #expect(ended["actor"] as? String == actor && ended["host"] as? String == host)
        #expect((ended["pid"] as? Int ?? 0) > 1 && (ended["seconds"] as? Double ?? -1) >= 0)
        #expect((ended["at"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/) != nil)
        let begun = try #require(all.first { $0["command"] as? String == "prepare" })
        #expect((begun["executed"] as? [String])?.isEmpty == false)
        let started = try #require(all.last { $0["command"] as? String == "run" })
        for (side, database) in [("old", s.old), ("new", s.new)] {
            let state = try #require(started[side] as? [String: Any])
            let system = try database.value("SELECT system_identifier FROM pg_control_system()")
            #expect(state["system"] as? String == system)
            let position = try #require(state["position"] as? String)
            #expect(try database.value("SELECT '\(position)'::pg_lsn <= pg_current_wal_lsn()") == "t")
            if side == "old" { #expect(try database.value("SELECT '\(position)'::pg_lsn > '\(before)'") == "t") }
            #expect((state["schema"] as? String)?.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        }
        #expect(started["step"] as? Int == 1)
        let checked = try #require(all.first { $0["command"] as? String == "preflight" })
        let verdicts = try #require(checked["details"] as? [String: Any])
        #expect(
            (verdicts["schema of old"] as? String)?.count == 64 && (verdicts["schema of new"] as? String)?.count == 64)
        #expect(verdicts.values.contains { ($0 as? String)?.hasPrefix("note: ") == true }, "\(verdicts)")
        #expect((checked["counts"] as? [String: Any])?["blocker"] as? Int == 0, "\(checked)")
        let compared = try #require(all.last { $0["command"] as? String == "verify" })
        let verdict = (compared["details"] as? [String: Any])?["public.t"] as? String
        #expect(verdict?.contains("digest ") == true, "\(compared)")

        // Sealed by SHA-256 over the line up to it, as anybody can tell with other programs.
        for line in try lines(s) {
            let seal = try #require(line.range(of: ",\"hash\":\""))
            let sum = try Command("sha256sum").succeed(input: String(line[..<seal.lowerBound]))
            #expect(line[seal.upperBound...].prefix(64) == sum.prefix(64))
        }
    }

    /// A disk that does not confirm: the entry is taken back, and nothing is done.
    @Test func whatIsNotFlushedStopsTheAct() throws {
        let s = try Scenario("unflushed", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        let source = """
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            #include <unistd.h>
            int fsync(int descriptor) {
                char link[64], path[4096];
                snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
                ssize_t length = readlink(link, path, sizeof path - 1);
                path[length < 0 ? 0 : length] = 0;
                if (strstr(path, ".jsonl")) { errno = EIO; return -1; }
                return 0;
            }
            """
        let library = "\(s.directory)/unflushed.so"
        try source.write(toFile: "\(s.directory)/unflushed.c", atomically: true, encoding: .utf8)
        try Command(
            "clang", ["-shared", "-fPIC", "-o", library, "\(s.directory)/unflushed.c"], directory: s.directory
        ).succeed()
        let failed = try s.tandem(["prepare"], environment: ["LD_PRELOAD": library])
        #expect(failed.exitCode == 1 && failed.stderr.contains("nothing was done without evidence"), "\(failed.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
        #expect(try lines(s) == [])
        try s.prepare()
        #expect(try s.tandem("evidence", "verify").exitCode == 0)
    }

    /// The evidence must not be anybody else's to write.
    @Test func evidenceThatOthersCouldWriteStopsTheAct() throws {
        let s = try Scenario("writable", dataA: ["public.*"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        chmod("\(s.directory)/evidence", 0o777)
        let refused = try s.tandem("pause")
        #expect(refused.exitCode != 0 && refused.stderr.contains("chmod go-w"), "\(refused.stderr)")
        #expect(try s.new.value("SELECT count(*) FROM tandem.copy WHERE paused") == "0")
        chmod("\(s.directory)/evidence", 0o700)
        #expect(try s.tandem("pause").exitCode == 0)
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
