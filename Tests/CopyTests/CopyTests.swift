// The copy from empty tables to a following database.

import TestSupport
import Testing

@Suite(.blocking) struct CopyTests {
    @Test func rowsAreCopiedAndThenFollow() throws {
        let s = try Scenario.copying(
            "copy",
            tables: """
                CREATE TABLE keyed (a int PRIMARY KEY, b text, n numeric, at timestamptz);
                CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
                CREATE TABLE vacant (a int PRIMARY KEY);
                """,
            rows: """
                INSERT INTO keyed SELECT i, repeat(md5(i::text), i % 20), i / 7.0, now() FROM generate_series(1, 5000) i;
                INSERT INTO keyed VALUES (0, NULL, 'NaN', '-infinity');
                INSERT INTO loose SELECT i % 10, E'tab\\t back\\\\slash\\nline' FROM generate_series(1, 1000) i;
                """)
        defer { s.end() }
        try s.copy()
        try s.expectSame()
        try s.old.sql("INSERT INTO loose VALUES (1, 'later'); UPDATE keyed SET b = 'later' WHERE a < 10")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0")
        #expect(try s.new.value("SELECT count(*) FROM tandem.copied_table WHERE state <> 'done'") == "0")
        #expect(try s.new.value("SELECT reltuples FROM pg_class WHERE relname = 'keyed'") == "5001")
        #expect(try s.tandem("abort", "--yes").status == .exited(0))
        #expect(try s.slots == "0")
    }

    @Test func aTableWithRowsOnNewIsRefusedBeforeAnything() throws {
        let s = try Scenario.copying(
            "occupied", tables: "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int PRIMARY KEY)",
            rows: "INSERT INTO t VALUES (1)")
        defer { s.end() }
        try s.new.sql("INSERT INTO u VALUES (7)")
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(refused.status == .exited(3))
        #expect(refused.stderr.contains("public.u"), "\(refused.stderr)")
        #expect(try s.slots == "0")
        try s.new.sql("TRUNCATE u")
        try s.copy()
        try s.expectSame()
    }

    @Test func bigTablesGoInParts() throws {
        let s = try Scenario.copying(
            "parts", extra: "jobs: 3\ncopy: {range: 64kB}",
            tables: "CREATE TABLE big (a int, b text); ALTER TABLE big REPLICA IDENTITY FULL",
            rows: "INSERT INTO big SELECT i, repeat('x', i % 300) FROM generate_series(1, 20000) i")
        defer { s.end() }
        try s.old.sql("DELETE FROM big WHERE a % 5 = 0; UPDATE big SET b = 'moved' WHERE a % 3 = 0")
        try s.copy()
        try s.expectSame()
        // Without a key not on 13.
        let isDivided = try s.old.value("SELECT current_setting('server_version_num')::int >= 140000")
        #expect(try s.new.value("SELECT count(DISTINCT xmin::text) > 5 FROM big") == isDivided)
    }

    @Test func oneTableThatCannotBeCopiedDoesNotHoldUpTheOthers() throws {
        let s = try Scenario.copying(
            "narrow", tables: "CREATE TABLE good (a int PRIMARY KEY)",
            rows: "INSERT INTO good SELECT generate_series(1, 100)")
        defer { s.end() }
        try s.old.sql("CREATE TABLE bad (a int PRIMARY KEY, b text); INSERT INTO bad VALUES (1, 'too long')")
        try s.new.sql("CREATE TABLE bad (a int PRIMARY KEY, b varchar(3))")
        let narrow = try s.tandem("run", "--until", "caught-up")
        #expect(narrow.status == .exited(3), "\(narrow.stderr)")
        #expect(narrow.stderr.contains("public.bad") && narrow.stderr.contains("TYPE text"), "\(narrow.stderr)")
        #expect(try s.slots == "0")
        try s.new.sql("ALTER TABLE bad ALTER b TYPE text, ADD CONSTRAINT short CHECK (length(b) < 3)")
        let blocked = try s.tandem("run", "--until", "caught-up", within: .seconds(120))
        #expect(blocked.status == .exited(5), "\(blocked.stderr)")
        #expect(blocked.stderr.contains("public.bad"), "\(blocked.stderr)")
        #expect(try s.new.value("SELECT count(*) FROM good") == "100")
        try s.new.sql("ALTER TABLE bad DROP CONSTRAINT short")
        try s.copy()
        try s.expectSame()
    }
}
