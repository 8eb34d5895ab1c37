// Partitioned tables copied again: with a default partition, and after the whole was set aside.

import TestSupport
import Testing

@Suite(.blocking) struct PartitionsAgainTests {
    private func following(_ title: String) throws -> (Scenario, Replicator) {
        let s = try Scenario.copying(
            title,
            tables: """
                CREATE TABLE p (id int, r text, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
                CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_def PARTITION OF p DEFAULT
                """,
            rows: "INSERT INTO p SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'z' END FROM generate_series(1, 1000) i")
        try s.copy()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        return (s, run)
    }

    private func isComplete(_ s: Scenario) throws {
        try s.new.wait(for: "SELECT bool_and(state = 'done') FROM tandem.copied_table", toBe: "t", within: .seconds(60))
    }

    /// Where new has the same partitions, nobody else's rows are in the default one.
    @Test func withADefaultPartition() throws {
        let (s, run) = try following("defaultagain")
        defer { s.end() }
        try s.new.sql("DELETE FROM p WHERE id < 10")
        #expect(try s.tandem("recopy", "public.p").exitCode == 0)
        try isComplete(s)
        try s.old.sql("INSERT INTO p VALUES (2000, 'q'), (2000, 'a')")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    /// Where it lacks one, its rows share the default partition: refused, and the stream goes on.
    @Test func whatSharesATableIsRefused() throws {
        let (s, run) = try following("sharedagain")
        defer { s.end() }
        try s.new.sql("DROP TABLE p_a")
        let refused = try s.tandem("recopy", "--accept-schema", "public.p_def")
        #expect(refused.exitCode == 3 && refused.stderr.contains("shares its table on new"), "\(refused.stderr)")
        #expect(try s.tandem("recopy", "--accept-schema", "--dry-run", "public.p").exitCode == 3)
        try s.old.sql("INSERT INTO p VALUES (2000, 'q')")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM p WHERE id = 2000") == "1")
        #expect(try run.stop() == .exited(0))
    }

    @Test func setAsideAsAWhole() throws {
        let (s, run) = try following("asidewhole")
        defer { s.end() }
        #expect(try s.tandem("set-aside", "public.p").exitCode == 0)
        try run.waitForLog("event=\"set aside\"")
        try s.catchUp()
        try s.old.sql("INSERT INTO p VALUES (3000, 'a'), (3000, 'z')")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM p WHERE id = 3000") == "0")
        // One partition comes back, the other stays.
        #expect(try s.tandem("recopy", "public.p_a").exitCode == 0)
        try s.new.wait(
            for: "SELECT string_agg(table_name, ' ') FROM tandem.set_aside", toBe: "p_def", within: .seconds(60))
        try isComplete(s)
        try s.old.sql("INSERT INTO p VALUES (3001, 'a'), (3001, 'z')")
        try s.catchUp()
        #expect(try s.new.value("SELECT string_agg(r, '' ORDER BY id) FROM p WHERE id >= 3000") == "aa")
        #expect(try s.tandem("recopy", "public.p").exitCode == 0)
        try s.new.wait(for: "SELECT count(*) FROM tandem.set_aside", toBe: "0", within: .seconds(60))
        try isComplete(s)
        try s.old.sql("INSERT INTO p VALUES (3002, 'a'), (3002, 'z')")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}
