// The text that a row is hashed by: another one for every other row, whatever its values look like, and however many columns.

import TestSupport
import Testing

@testable import Verification

@Suite(.blocking) struct RowTextTests {
    /// Rows whose values, laid side by side without care, would look alike.
    @Test func everyRowHasATextOfItsOwn() throws {
        let s = try Scenario("row_text")
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE words AS SELECT w FROM unnest(ARRAY[NULL, '', ',', '1', '1,', ',1', '1,1', '()', '(,)', '"', '\\', ' ', ',,', '0,', '1,,1'])
              AS w;
            CREATE TABLE t AS SELECT a.w AS a, b.w AS b, n, j, c.w::varchar AS c FROM words a, words b, words c,
              unnest(ARRAY[NULL, 0, 1, 11]) n, unnest(ARRAY[NULL, '1', '"a,b"', '{"a": ","}']::json[]) j;
            """)
        let forms: [(String, UInt32)] = [("a", 25), ("n", 23), ("b", 25), ("j", 114), ("c", 1043)]
        for order in [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [3, 4, 0, 2, 1]] {
            let columns = order.map { (sql: "r.\(forms[$0].0)", form: RowText.form(forms[$0].1, forms[$0].1)) }
            let seen = try s.old.sql(
                "SELECT count(*) = count(DISTINCT \(RowText(columns).sql)), count(*) > 50000 FROM t r")
            #expect(seen == "t|t")
        }
    }

    @Test func whatIsNotTheSameKindOnBothSidesIsWrittenAsOneKind() {
        #expect(RowText.form(23, 20) == .plain && RowText.form(25, 1043) == .counted)
        #expect(RowText.form(23, 25) == .other && RowText.form(114, 114) == .other && RowText.form(nil, 23) == .other)
        #expect(RowText([("a", .other), ("b", .other)]).sql == "CAST(ROW(a, b) AS pg_catalog.text)")
        #expect(
            RowText([("a", .plain), ("b", .counted), ("c", .other)]).sql
                == "pg_catalog.concat(a, ',', pg_catalog.octet_length(b), ',', b, ',', CAST(ROW(c) AS pg_catalog.text))"
        )
        // A function takes a hundred values, a table has up to 1,600 columns.
        let wide = RowText((0..<1600).map { ("c\($0)", .counted) }).sql
        #expect(wide.contains("c23, ',', CAST(ROW(c24, c25"))
    }

    /// Types that differ between the sides, and more columns than go into one call.
    @Test func manyColumnsOfManyKinds() throws {
        let s = try Scenario("row_wide")
        defer { s.end() }
        let columns = (1...300).map { "c\($0) \(["text", "int", "varchar(9)", "json", "char(3)", "bool"][$0 % 6])" }
        let other = columns.map { $0.replacing(" int", with: " bigint").replacing("varchar(9)", with: "text") }
        try s.old.sql("CREATE TABLE wide (id int PRIMARY KEY, \(columns.joined(separator: ", ")))")
        try s.new.sql("CREATE TABLE wide (id int PRIMARY KEY, \(other.joined(separator: ", ")))")
        try s.both(
            """
            INSERT INTO wide (id, c1, c2, c4, c6, c294, c300) SELECT i, i, 'v', 'x', 'six', 'y', 'z' FROM generate_series(1, 100) i
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.catchUp()
        #expect(try s.verify(expecting: 0)["public.wide"]?.rowsNew == 100)
        try s.new.sql(
            "UPDATE wide SET c300 = 'z ' WHERE id = 7; UPDATE wide SET c299 = true WHERE id = 8; UPDATE wide SET c5 = NULL, c4 = '' WHERE id = 9"
        )
        #expect(try s.verify(expecting: 4).found == [7, 8, 9].map { "public.wide \($0) different" })
    }
}
