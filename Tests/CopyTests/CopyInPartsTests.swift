// A table that is read in many snapshots, while its rows change and move, and the stream goes on.

import TestSupport
import Testing

@Suite(.blocking) struct CopyInPartsTests {
    private static let tables = """
        CREATE TABLE big (a int PRIMARY KEY, b text, c text);
        CREATE TABLE other (a int PRIMARY KEY);
        """
    private static let rows = """
        ALTER TABLE big ALTER c SET STORAGE EXTERNAL;
        INSERT INTO big SELECT i, repeat('b', i % 50), CASE WHEN i % 100 = 0 THEN repeat(md5(i::text), 100) END
          FROM generate_series(1, 12000) i;
        """

    /// A limit that no table keeps; rows move to other pages, keys change, large values stay.
    @Test func manySnapshotsAndTheStreamBesideThem() throws {
        let s = try Scenario.copying(
            "snapshots", extra: "jobs: 2\ncopy: {range: 64kB}\nlimits: {snapshot: 300ms, copy_rate: 300kB}",
            tables: Self.tables, rows: Self.rows)
        defer { s.end() }
        let run = try s.start("run")
        try s.new.wait(for: "SELECT count(*) > 2 FROM tandem.copied_range", toBe: "t", within: .seconds(120))
        for round in 1...5 {
            try s.old.sql(
                """
                UPDATE big SET b = 'moved \(round)' WHERE a % 7 = \(round);
                UPDATE big SET a = -a WHERE a % 211 = \(round); DELETE FROM big WHERE a % 97 = \(round);
                INSERT INTO big SELECT 100000 * \(round) + i, 'new' FROM generate_series(1, 50) i;
                INSERT INTO other VALUES (\(round)); VACUUM big;
                """)
        }
        // The stream is past a table that is still being copied.
        try s.new.wait(for: "SELECT count(*) FROM other", toBe: "5", within: .seconds(120))
        #expect(try s.new.value("SELECT state FROM tandem.copied_table WHERE table_name = 'big'") == "copying")
        try s.waitForCopy(of: "big", toBe: "done")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
        #expect(try s.new.value("SELECT snapshots > 1 FROM tandem.copied_table WHERE table_name = 'big'") == "t")
        #expect(try s.new.value("SELECT count(*) FROM tandem.touched") == "0")
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }

    /// What is recorded as done is not copied again, whatever ends.
    @Test func finishedPartsStay() throws {
        let s = try Scenario.copying(
            "kept", extra: "jobs: 2\ncopy: {range: 64kB}", tables: Self.tables, rows: Self.rows)
        defer { s.end() }
        _ = try s.tandem("run", environment: ["TANDEM_FAILPOINT": "after-range-copied:6"], within: .seconds(120))
        let before = try s.new.value("SELECT string_agg(DISTINCT xmin::text, ',' ORDER BY xmin::text) FROM big")
        #expect(before?.isEmpty == false)
        try s.copy()
        let kept = try s.new.value(
            "SELECT count(DISTINCT xmin::text) FROM big WHERE xmin::text = ANY ('{\(before ?? "")}')")
        #expect(try s.new.value("SELECT cardinality('{\(before ?? "")}'::text[])") == kept)
        try s.expectSame()
    }

    /// Large values lie outside their rows: few pages take long, and a single one is read to its end.
    @Test func aPageThatTakesLongerThanASnapshotMay() throws {
        let s = try Scenario.copying(
            "onepage", extra: "jobs: 1\ncopy: {range: 64kB}\nlimits: {snapshot: 200ms, copy_rate: 800kB}",
            tables: "CREATE TABLE one (a int PRIMARY KEY, c text)",
            rows: """
                ALTER TABLE one ALTER c SET STORAGE EXTERNAL;
                INSERT INTO one SELECT i, repeat('x', 10000) FROM generate_series(1, 300) i
                """)
        defer { s.end() }
        try s.copy()
        try s.expectSame()
        #expect(try s.old.value("SELECT pg_relation_size('one') / current_setting('block_size')::int") == "2")
        #expect(try s.new.value("SELECT snapshots FROM tandem.copied_table WHERE table_name = 'one'") != "1")
    }

    /// The usual size of a part goes by the average page. Where large values lie close together it takes too long, and goes in
    /// halves until it does not.
    @Test func aPartThatTakesTooLongGoesInHalves() throws {
        let s = try Scenario.copying(
            "halves", extra: "jobs: 1\ncopy: {range: 64kB}\nlimits: {snapshot: 500ms, copy_rate: 200kB}",
            tables: "CREATE TABLE uneven (a int PRIMARY KEY, pad text, c text)",
            rows: """
                ALTER TABLE uneven ALTER c SET STORAGE EXTERNAL;
                INSERT INTO uneven SELECT i, repeat('p', 1200), CASE WHEN i <= 48 THEN repeat('x', 10000) END
                  FROM generate_series(1, 600) i
                """)
        defer { s.end() }
        let pages = "SELECT count(DISTINCT (ctid::text::point)[0]) FROM uneven WHERE a <= 48"
        #expect(try s.old.value(pages) == "8")
        let run = try s.start("run")
        try s.new.wait(for: "SELECT count(*) > 0 FROM tandem.copied_range", toBe: "t", within: .seconds(60))
        try s.waitForCopy(of: "uneven", toBe: "done")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
        // Each part is a transaction on new. Of the usual size there would be two or three of these.
        let parts = try s.new.value("SELECT count(DISTINCT xmin::text) >= 4 FROM uneven WHERE a <= 48")
        #expect(parts == "t")
    }

    @Test func aRewrittenTableBeginsAgain() throws {
        let s = try Scenario.copying(
            "rewritten", extra: "jobs: 2\ncopy: {range: 64kB}", tables: Self.tables, rows: Self.rows)
        defer { s.end() }
        _ = try s.tandem("run", environment: ["TANDEM_FAILPOINT": "after-range-copied:6"], within: .seconds(120))
        try s.old.sql("DELETE FROM big WHERE a % 2 = 0; VACUUM FULL big; TRUNCATE other")
        try s.copy()
        try s.expectSame()
    }
}
