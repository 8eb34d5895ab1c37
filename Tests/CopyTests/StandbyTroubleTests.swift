// A standby that rows are read on cancels them, crashes, is away, is promoted and written to: what is there stays, the rest is
// read when it is back, and nothing of what only the promoted one has arrives.

import TestSupport
import Testing

@Suite(.blocking) struct StandbyTroubleTests {
    private static let sessions = "FROM pg_stat_activity WHERE application_name LIKE '%copy _'"

    private func parts(_ s: Scenario) throws -> Int {
        Int(try s.new.value("SELECT count(*) FROM tandem.copied_range") ?? "") ?? 0
    }

    private func more(_ s: Scenario) throws {
        try s.new.wait(
            for: "SELECT count(*) > \(try parts(s)) FROM tandem.copied_range", toBe: "t", within: .seconds(120))
    }

    @Test func whateverHappensToItTheCopyIsWhole() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.copying(
            "standbyends", on: pair,
            tables: "CREATE TABLE big (a int PRIMARY KEY, b text, c text); CREATE TABLE other (a int PRIMARY KEY)",
            rows: "INSERT INTO big SELECT i, repeat('b', i % 50), repeat('c', 100) FROM generate_series(1, 50000) i")
        defer { s.end() }
        let standby = try Cluster("reader", standbyOf: pair.old)
        defer { standby.remove() }
        try standby.configure(["max_standby_streaming_delay": "0"])
        try standby.start()
        let slow = "jobs: 2\ncopy: {range: 64kB}\nlimits: {copy_rate: 200kB}"
        try s.writeConfiguration(standby: standby[s.name].connection, initialCopy: "all", extra: slow)
        let first = try s.start("run")
        try s.new.wait(for: "SELECT count(*) > 1 FROM tandem.copied_range", toBe: "t", within: .seconds(120))

        // What is vacuumed on old takes away what a snapshot there still shows. Not one that is taken between the two statements, so
        // it happens until one is met.
        let conflicts = "SELECT confl_snapshot > 0 FROM pg_stat_database_conflicts WHERE datname = '\(s.name)'"
        let isMet = try poll(within: .seconds(60), every: .milliseconds(500)) {
            try s.old.sql("UPDATE big SET b = 'new' WHERE a % 3 = 0")
            try s.old.sql("VACUUM big")
            return try standby.value(conflicts) == "t" ? true : nil
        }
        #expect(isMet == true)
        try more(s)
        // It crashes, and comes back.
        try standby.restart(.immediate)
        try s.old.sql("DELETE FROM big WHERE a % 100 = 1; UPDATE big SET a = -a WHERE a % 100 = 2")
        try more(s)
        // It is away. The stream goes on; the copy says what it waits for.
        try standby.stop(.immediate)
        try first.waitForLog("table not copied yet")
        let kept = try parts(s)
        try s.old.sql("INSERT INTO other VALUES (1)")
        try s.new.wait(for: "SELECT count(*) FROM other", toBe: "1", within: .seconds(60))
        first.kill()
        let second = try s.start("run")
        try standby.start()
        try s.new.wait(
            for: "SELECT count(*) > \(kept) FROM tandem.copied_range", toBe: "t", within: .seconds(120))
        #expect(try s.tandem("pause").exitCode == 0)
        try second.waitForLog("copy rests")
        #expect(try s.new.value("SELECT state FROM tandem.copied_table WHERE table_name = 'big'") == "copying")

        // Promoted, it has rows that old never had.
        try standby.sql("SELECT pg_promote()")
        try standby[s.name].sql(
            "UPDATE big SET b = 'never on old'; INSERT INTO big VALUES (1000000, 'never on old', '')")
        try standby.sql("SELECT pg_terminate_backend(pid) \(Self.sessions)")
        #expect(try s.tandem("resume").exitCode == 0)
        let isSaid = poll(within: .seconds(90)) { second.log.contains("is no standby") ? true : nil }
        #expect(isSaid == true, "\(second.tail)")
        let isShown = try poll(within: .seconds(60)) {
            try s.tandem("status").stdout.contains("is no standby") ? true : nil
        }
        #expect(isShown == true)
        try s.old.sql("UPDATE big SET c = 'after' WHERE a % 7 = 0; INSERT INTO big VALUES (1000001, 'on old', '')")
        #expect(try second.stop() == .exited(0))
        let ended = try s.tandem("run", "--until", "caught-up", within: .seconds(60))
        #expect(ended.exitCode == 5 && ended.stderr.contains("name a standby of old"), "\(ended.stderr)")

        try s.writeConfiguration(initialCopy: "all", extra: "jobs: 2\ncopy: {range: 64kB}")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM big WHERE b = 'never on old'") == "0")
        #expect(try s.new.value("SELECT count(*) FROM tandem.touched") == "0")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
        #expect(try s.slots == "1")
    }
}
