// The judge: equal contents agree whatever their order, and every smallest difference shows.

import TestSupport
import Testing

@Suite(.blocking) struct FingerprintTests {
    struct Difference: Sendable, CustomTestStringConvertible {
        let name: String
        let column: String
        let old: String
        let new: String

        var testDescription: String { name }
    }

    static let differences = [
        Difference(name: "a flipped value", column: "int", old: "(1), (2)", new: "(1), (3)"),
        Difference(name: "a swapped pair", column: "int[]", old: "('{1,2}'), ('{3,4}')", new: "('{1,4}'), ('{3,2}')"),
        Difference(name: "a duplicate row", column: "int", old: "(1), (2)", new: "(1), (2), (2)"),
        Difference(name: "another duplicate", column: "int", old: "(1), (1), (2)", new: "(1), (2), (2)"),
        Difference(name: "two duplicates more", column: "int", old: "(1)", new: "(1), (1), (1)"),
        Difference(name: "a missing row", column: "int", old: "(1), (2)", new: "(1)"),
        Difference(name: "an empty table", column: "int", old: "(1)", new: "(1) LIMIT 0"),
        Difference(name: "NULL for ''", column: "text", old: "(NULL)", new: "('')"),
        Difference(name: "a trailing blank", column: "text", old: "('a')", new: "('a ')"),
        Difference(name: "-0 for 0", column: "float8", old: "('-0')", new: "('0')"),
        Difference(name: "the last bit", column: "float8", old: "(0.30000000000000004)", new: "(0.3)"),
        Difference(name: "1.10 for 1.1", column: "numeric", old: "(1.10)", new: "(1.1)"),
        Difference(name: "json white space", column: "json", old: "('{\"a\": 1}')", new: "('{\"a\":1}')"),
        Difference(
            name: "a microsecond", column: "timestamptz", old: "('2026-01-01 00:00:00.000001Z')", new: "('2026-01-01Z')"
        ),
    ]

    @Test(arguments: differences) func sees(_ difference: Difference) throws {
        let scenario = try Scenario("differ", marker: false)
        defer { scenario.end() }
        for (side, values) in [(scenario.old, difference.old), (scenario.new, difference.new)] {
            try side.sql("CREATE TABLE t (v \(difference.column)); INSERT INTO t VALUES \(values)")
        }
        let found = try Fingerprint.expectEqual(old: scenario.old, new: scenario.new)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("public.t: ") == true)
    }

    @Test func agreesOnEqualContentsWhateverTheirOrder() throws {
        let scenario = try Scenario("agree", marker: false)
        defer { scenario.end() }
        try scenario.both(
            """
            CREATE SCHEMA "Odd ""Name"; CREATE SCHEMA tandem; CREATE TABLE empty (a int); CREATE TABLE nothing ();
            CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent);
            """)
        try scenario.old.sql("CREATE TABLE \"Odd \"\"Name\".\"T\" (a int, gone int, \"B b\" text, c timestamptz)")
        try scenario.old.sql("ALTER TABLE \"Odd \"\"Name\".\"T\" DROP gone; INSERT INTO nothing DEFAULT VALUES")
        try scenario.new.sql("CREATE TABLE \"Odd \"\"Name\".\"T\" (c timestamptz, extra int, a int, \"B b\" text)")
        try scenario.new.sql("CREATE TABLE tandem.progress AS SELECT 1; INSERT INTO nothing DEFAULT VALUES")
        let row =
            "SELECT i, i || '|,\"', '2026-01-01Z'::timestamptz + i * interval '1 hour' FROM generate_series(1, 500) i"
        try scenario.old.sql("INSERT INTO \"Odd \"\"Name\".\"T\" (a, \"B b\", c) \(row)")
        try scenario.new.sql("INSERT INTO \"Odd \"\"Name\".\"T\" (a, \"B b\", c) \(row) ORDER BY i DESC")
        try scenario.both("INSERT INTO child VALUES (1)")
        // What a database is set to must not reach the judge.
        try scenario.new.sql("ALTER DATABASE \(scenario.name) SET datestyle = 'SQL, DMY'")
        try scenario.new.sql("ALTER DATABASE \(scenario.name) SET timezone = 'Asia/Kathmandu'")

        #expect(try Fingerprint.expectEqual(old: scenario.old, new: scenario.new) == [])
        let one = try Fingerprint.of(scenario.old)
        #expect(one["public.empty"] == "0:0:0")
        #expect(one["public.parent"] == "0:0:0")
        #expect(one["public.child"]?.hasPrefix("1:") == true)
        #expect(one["public.nothing"]?.hasPrefix("1:") == true)
        #expect(one["\"Odd \"\"Name\".\"T\""]?.hasPrefix("500:") == true)
    }

    @Test func namesTablesOfOneSide() throws {
        let scenario = try Scenario("onesided", marker: false)
        defer { scenario.end() }
        try scenario.old.sql("CREATE TABLE a (x int)")
        try scenario.new.sql("CREATE TABLE b (x int)")
        let both = try Fingerprint.expectEqual(old: scenario.old, new: scenario.new)
        #expect(both == ["public.a: only on old", "public.b: only on new"])
        #expect(
            try Fingerprint.expectEqual(old: scenario.old, new: scenario.new, except: ["public.a", "public.b"]) == [])
        let one = try Fingerprint.expectEqual(old: scenario.old, new: scenario.new, tables: ["public.c"])
        #expect(one == ["public.c: on neither side"])
    }

    @Test func comparesAPartitionedTableWithAPlainOne() throws {
        let scenario = try Scenario("partitions", marker: false)
        defer { scenario.end() }
        try scenario.old.sql(
            "CREATE TABLE t (a int) PARTITION BY RANGE (a); CREATE TABLE t1 PARTITION OF t DEFAULT; INSERT INTO t VALUES (1)"
        )
        try scenario.new.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        #expect(try Fingerprint.expectEqual(old: scenario.old, new: scenario.new, tables: ["public.t"]) == [])
    }
}
