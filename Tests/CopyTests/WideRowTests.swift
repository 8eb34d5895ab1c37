// Rows far wider than `limits.memory`, in binary and as text, with what COPY writes otherwise in them: equal on both sides,
// in memory that does not depend on their width.

import TestSupport
import Testing

@Suite(.blocking) struct WideRowTests {
    private static let limit = 4 << 20
    /// What the program itself needs besides `limits.memory`: see docs/limits.md.
    private static let constant = 64 << 20
    private static let extra = "jobs: 2\ncopy: {range: 64kB}\nlimits: {memory: 4MB}"

    private static let tables = #"""
        CREATE TABLE keyed (a int PRIMARY KEY, n text, t text, b bytea, j jsonb, v varchar, filler text);
        CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN long AS text;
        CREATE TABLE written (a int PRIMARY KEY, m mood, t long, b bytea, x int[], w text[], c char(9), j jsonb, filler text);
        CREATE TABLE bag (t text, b bytea, "e""'é" json); ALTER TABLE bag REPLICA IDENTITY FULL;
        """#

    /// Up to 36 MB in a row, stored compressed or not; and around the size from which rows come in pieces.
    private static let rows = #"""
        ALTER TABLE keyed ALTER b SET STORAGE EXTERNAL; ALTER TABLE written ALTER t SET STORAGE EXTERNAL;
        CREATE FUNCTION odd(n int) RETURNS text LANGUAGE sql AS $$
            SELECT repeat(E'\\N\t\\.\n\r\\x5cöé€ \b\f\v''"' || repeat('and what has to be escaped no more ', 8), n) $$;
        INSERT INTO keyed SELECT i, NULL, 'narrow', '\x00', 'null', '', repeat('f', 100) FROM generate_series(1, 3000) i;
        INSERT INTO keyed VALUES
            (-1, NULL, odd(90000), decode(repeat('00ff5c0a', 2000000), 'hex'), NULL, NULL),
            (-2, '', NULL, NULL, jsonb_build_object('k', repeat('x"\and a little more', 1500000), 'l', '[1, null]'::jsonb), repeat('v', 1000000));
        INSERT INTO keyed SELECT -10 - i, 'n', repeat('m', 14000 * i), decode(repeat('ab', 14000 * i), 'hex'), NULL, NULL
            FROM generate_series(1, 20) i;
        INSERT INTO written SELECT i, 'ok', 'narrow', '\x00', '{1,NULL}', ARRAY['', NULL, 'NULL', E'\\'], 'c', '{}', repeat('f', 90)
            FROM generate_series(1, 3000) i;
        INSERT INTO written VALUES
            (-1, 'sad', odd(90000), decode(repeat('00ff5c0a', 500000), 'hex'), NULL, ARRAY['', NULL, 'NULL', E'\\', odd(2)], 'c', NULL),
            (-2, NULL, '', '', array_fill(1234567, ARRAY[2000000]), '{}', NULL, to_jsonb(odd(10000))),
            (-3, NULL, NULL, NULL, NULL, ARRAY[odd(10000), NULL, odd(3)], '', NULL);
        INSERT INTO bag SELECT odd(50000), '\x', '{"a":   1}' FROM generate_series(1, 2);
        INSERT INTO bag SELECT 'narrow', '\x5c', NULL FROM generate_series(1, 500);
        """#

    @Test func theirWidthCostsNoMemory() throws {
        let texts = (1...400).map { "t\($0)" }
        let columns = texts.map { "\($0) text" } + (1...1199).map { "i\($0) int" }
        let s = try Scenario.copying(
            "widerows",
            extra: Self.extra + "\ndata_b: [{table: public.summary, refresh: full, every: 1h}]",
            tables: Self.tables + """
                CREATE TABLE columns (a int PRIMARY KEY, \(columns.joined(separator: ", ")));
                CREATE TABLE summary (a int PRIMARY KEY, t text, x int[]);
                """,
            rows: Self.rows + """
                INSERT INTO columns (a, \(texts.joined(separator: ", ")))
                SELECT 1, \(texts.map { "repeat('\($0)', 20000)" }.joined(separator: ", "));
                INSERT INTO summary VALUES (1, odd(80000), NULL), (2, 'narrow', array_fill(-7, ARRAY[200000]));
                """)
        defer { s.end() }
        let run = try s.start("run")
        for table in ["keyed", "written", "bag", "columns"] { try s.waitForCopy(of: table, toBe: "done") }
        try s.new.wait(for: "SELECT count(*) FROM summary", toBe: "2", within: .seconds(120))
        let peak = run.peakMemory ?? .max
        #expect(peak < Self.limit + Self.constant, "\(peak)")
        #expect(try run.stop() == .exited(0))
        try s.expectSame()
    }

    /// Killed in the middle of one; then rows are read again because another column of theirs has changed.
    @Test func killedAndReadAgain() throws {
        let s = try Scenario.copying("widekill", extra: Self.extra, tables: Self.tables, rows: Self.rows)
        defer { s.end() }
        for place in ["during-table-copy:30", "during-table-copy:50"] {
            let killed = try s.tandem(
                "run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": place], within: .seconds(120))
            #expect(killed.status == .signalled(9), "\(killed.stderr)")
        }
        #expect(try s.tandem("pause").exitCode == 0)
        // Values that do not change are not in the stream.
        try s.old.sql(
            """
            UPDATE keyed SET n = 'later' WHERE a < 0; UPDATE keyed SET a = -3 WHERE a = -2;
            UPDATE written SET m = 'sad' WHERE a % 10 = 0 OR a = -1; UPDATE written SET a = -4 WHERE a = -2
            """)
        let run = try s.start("run")
        try s.new.wait(for: "SELECT count(*) > 20 FROM tandem.touched", toBe: "t", within: .seconds(120))
        #expect(try s.tandem("resume").exitCode == 0)
        for table in ["keyed", "written", "bag"] { try s.waitForCopy(of: table, toBe: "done") }
        try s.catchUp()
        let peak = run.peakMemory ?? .max
        #expect(peak < Self.limit + Self.constant, "\(peak)")
        #expect(try run.stop() == .exited(0))
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.touched") == "0")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }
}
