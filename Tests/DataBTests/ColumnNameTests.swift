// Columns of a key that are called as tandem calls things in its own statements.

import TestSupport
import Testing

@Suite(.blocking) struct ColumnNameTests {
    @Test func theyAreComparedLikeOthers() throws {
        let names = ["n", "here", "there", "row_hash", "hash_here", "k0", "x", "t", "w"]
        let s = try Scenario.derived(
            "b_names",
            tables: names.map {
                "CREATE TABLE of_\($0) (\($0) int, other int, at timestamptz, PRIMARY KEY (\($0), other));"
            }
            .joined(separator: "\n"),
            rows: names.map { "INSERT INTO of_\($0) SELECT i, i, now() FROM generate_series(1, 30) i;" }.joined(),
            dataB: names.map { "table: b.of_\($0), modified: at, every: 1s, deletes: 1h" }, extra: "gates: {quiet: 1s}")
        defer { s.end() }
        try s.prepare()
        try s.carry()
        for name in names {
            try s.old.sql(
                "DELETE FROM b.of_\(name) WHERE other = 7; UPDATE b.of_\(name) SET at = at - interval '1 day' WHERE other = 8"
            )
        }
        let final = try s.tandem("b", "final")
        #expect(final.status == .exited(0), "\(final.stdout)\(final.stderr)")
        for name in names { try s.expectSame("of_\(name)") }
    }
}
