// New's synchronous standby is away: commits there wait for it, tandem's do not, and status stays fresh.

import TestSupport
import Testing

@Suite(.blocking) struct AbsentStandbyTests {
    @Test func whatIsTandemsOwnDoesNotWaitForAStandby() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("standbyaway", on: pair, "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer {
            _ = try? pair.new.sql("ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()")
            s.end()
        }
        let run = try s.start("run")
        try s.catchUp()
        for cluster in [pair.new, pair.old] {
            try cluster.sql(
                """
                ALTER SYSTEM SET synchronous_standby_names = 'away'; SELECT pg_reload_conf();
                """)
            try cluster.wait(for: "SHOW synchronous_standby_names", toBe: "away")
        }
        try s.old.sql("SET synchronous_commit = local; \(rows("t", count: 100))")
        try s.new.wait(for: "SELECT count(*) FROM t", toBe: "100")
        for _ in 0..<3 {
            let seen = try s.new.value("SELECT at FROM tandem.stream_status") ?? ""
            try s.new.wait(for: "SELECT at > '\(seen)' FROM tandem.stream_status", toBe: "t")
        }
        try s.new.wait(for: "SELECT status LIKE '%\"streaming\"%' FROM tandem.stream_status", toBe: "t")
        #expect(try s.tandem("lag").stdout.contains("streaming"))
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        try pair.old.sql("ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()")
    }

    /// What old has committed and does not show yet is made what its changes say, one after another: a row that was there already
    /// ends as the last of them left it.
    @Test func whatOldDoesNotShowYetIsMadeWhatItsLastChangeSays() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("unseen", on: pair, "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.new.sql("INSERT INTO t VALUES (1, 'of somebody else'), (2, 'of somebody else')")
        try pair.old.sql("ALTER SYSTEM SET synchronous_standby_names = 'away'; SELECT pg_reload_conf()")
        try pair.old.wait(for: "SHOW synchronous_standby_names", toBe: "away")
        let writer = try s.old.session()
        try writer.start(
            """
            BEGIN; INSERT INTO t VALUES (1, 'first'), (2, 'first'), (3, 'first'); UPDATE t SET b = 'second' WHERE a <> 2;
            DELETE FROM t WHERE a = 2; COMMIT
            """)
        try s.new.wait(
            for: "SELECT string_agg(a || b, ' ' ORDER BY a) FROM t", toBe: "1second 3second", within: .seconds(60))
        #expect(try s.old.value("SELECT count(*) FROM t") == "0", "old shows it: this tests nothing")
        try pair.old.sql("ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()")
        _ = try writer.result()
        try s.catchUp()
        try s.expectSame()
        #expect(try s.new.value("SELECT string_agg(found || '/' || repaired, ' ') FROM tandem.difference") == "2/2")
        #expect(try run.stop() == .exited(0))
    }
}
