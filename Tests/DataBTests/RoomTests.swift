// The room without the program around it: both directions of a plan, and ranges of keys.

import Model
import Telemetry
import TestSupport
import Testing
import Threading

@testable import DataB

@Suite(.blocking) struct RoomTests {
    private static let entries = [
        "table: b.t, modified: at, every: 1s, deletes: 1h, margin: 1ms", "table: b.l, refresh: full, every: 1s",
        "table: b.v, refresh: full, every: 1s",
    ]
    private static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text, at timestamptz); CREATE INDEX ON t (at);
        CREATE TABLE l (v text); CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t;
        """

    /// Old gives what it has; new then becomes what counts, and the same plan runs the other way: schedule and final copy.
    @Test func bothDirections() throws {
        let s = try Scenario.derived(
            "b_both", tables: Self.tables,
            rows: "INSERT INTO t SELECT i, 'old', now() FROM generate_series(1, 100) i; INSERT INTO l VALUES ('x')",
            dataB: Self.entries, extra: "gates: {quiet: 1s}")
        defer { s.end() }
        let log = Log(threshold: .error)
        let forward = DataBRun(try s.plan(), log: log)
        try forward.start()
        defer { forward.end() }
        try s.new.wait(for: "SELECT n FROM b.v", toBe: "100")
        try s.new.wait(for: "SELECT count(*) FROM b.l", toBe: "1")
        forward.end()

        try s.new.sql(
            """
            UPDATE b.t SET v = 'new', at = now() WHERE id < 10; DELETE FROM b.t WHERE id = 100; INSERT INTO b.l VALUES ('y');
            UPDATE b.t SET v = 'untold', at = NULL WHERE id = 50
            """)
        let back = try s.plan(.reverse)
        let reverse = DataBRun(back, log: log)
        try reverse.start()
        defer { reverse.end() }
        try s.old.wait(for: "SELECT count(*) FROM b.t WHERE v = 'new'", toBe: "9")
        try s.old.wait(for: "SELECT count(*) FROM b.l", toBe: "2")
        // Progress is where the rows are, by the transaction that wrote them; requests and status are on new.
        try s.old.wait(
            for: "SELECT count(*) FROM tandem.data_b_progress WHERE stream LIKE '%reverse'", toBe: "3")
        #expect(
            try s.new.value("SELECT count(*) FROM tandem.data_b_progress WHERE stream LIKE '%reverse'") == "0")
        reverse.end()

        let writer = try s.new.session(applicationName: "late")
        _ = try writer.send("BEGIN; INSERT INTO b.l VALUES ('late')")
        let final = FinalCopy(back, tables: back.tables, stop: StopSignal(), log: log, tell: { _ in })
        var refused = ""
        do { _ = try final.run() } catch { refused = "\(error)" }
        #expect(refused.contains("late"))
        _ = try writer.send("COMMIT")
        try s.new.sql("REFRESH MATERIALIZED VIEW b.v")
        let verdicts = try final.run()
        #expect(verdicts.map(\.isIdentical) == [true, true, true], "\(verdicts)")
        try s.expectSame("t", "l", "v")
    }

    @Test func everyRowIsInExactlyOneRange() {
        let ranges = KeyRanges(bounds: [["1", "a"], ["5", "b'"]], null: false)
        let order = KeyRanges.Order(columns: [("id", "integer"), ("n", "text")])
        #expect(
            ranges.all.map { order.condition($0) } == [
                "(\"id\", \"n\") <= ('1'::integer, 'a'::text)",
                "(\"id\", \"n\") > ('1'::integer, 'a'::text) AND (\"id\", \"n\") <= ('5'::integer, 'b'''::text)",
                "(\"id\", \"n\") > ('5'::integer, 'b'''::text)",
            ])
        let stamps = KeyRanges(bounds: [["2024-01-01"]], null: true)
        let stamp = KeyRanges.Order(columns: [("at", "date")])
        #expect(
            stamps.all.map { stamp.condition($0) } == [
                "\"at\" <= '2024-01-01'::date", "\"at\" > '2024-01-01'::date", "\"at\" IS NULL",
            ])
        #expect(KeyRanges(bounds: [], null: false).all.map { order.condition($0) } == [nil])
    }
}
