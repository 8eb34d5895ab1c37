// Columns whose type on new is not old's: wider ones take every value as its text says, narrower ones never take
// something else than the value.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct OtherTypeTests {
    private struct Wider {
        let old: String
        let new: String
        let value: String
        let expected: String
    }

    private static let wider = [
        Wider(old: "varchar(5)", new: "text", value: "'ab '", expected: "ab "),
        Wider(old: "int", new: "bigint", value: "-7", expected: "-7"),
        Wider(old: "int", new: "numeric", value: "7", expected: "7"),
        Wider(old: "int", new: "numeric(12,2)", value: "7", expected: "7.00"),
        Wider(old: "json", new: "jsonb", value: "'{\"b\" : 1.0}'", expected: "{\"b\": 1.0}"),
        Wider(old: "timestamp", new: "timestamptz", value: "'2026-03-29 02:30:00'", expected: "2026-03-29 02:30:00+00"),
        Wider(old: "timestamptz", new: "timestamp", value: "'2026-03-29 02:30:00+02'", expected: "2026-03-29 00:30:00"),
        Wider(old: "date", new: "timestamp(0)", value: "'2026-03-29'", expected: "2026-03-29 00:00:00"),
        Wider(old: "text", new: "bytea", value: "'\\x00ff'", expected: "\\x00ff"),
        Wider(old: "bool", new: "text", value: "true", expected: "t"),
        Wider(old: "char(4)", new: "text", value: "'ab'", expected: "ab  "),
        Wider(old: "char(4)", new: "char(2)", value: "'ab'", expected: "ab"),
        Wider(old: "inet", new: "text", value: "'10.0.0.1'", expected: "10.0.0.1"),
        Wider(old: "float4", new: "float8", value: "0.1", expected: "0.1"),
        Wider(old: "numeric(5,2)", new: "numeric", value: "1.10", expected: "1.10"),
        Wider(old: "numeric(5,2)", new: "numeric(8,3)", value: "1.10", expected: "1.100"),
        Wider(old: "varchar(3)", new: "varchar(10)", value: "'a  '", expected: "a  "),
        Wider(
            old: "uuid", new: "text",
            value: "'00000000-0000-0000-0000-000000000001'", expected: "00000000-0000-0000-0000-000000000001"),
        Wider(old: "timestamp(0)", new: "timestamp(3)", value: "'2026-01-01'", expected: "2026-01-01 00:00:00"),
        Wider(old: "text", new: "short_domain", value: "'abc'", expected: "abc"),
        Wider(old: "bigint", new: "int", value: "7", expected: "7"),
        Wider(old: "bigint", new: "money", value: "-7", expected: "-$7.00"),
        Wider(
            old: "text", new: "uuid", value: "'00000000-0000-0000-0000-00000000000A'",
            expected: "00000000-0000-0000-0000-00000000000a"),
        Wider(old: "interval day to second(3)", new: "interval", value: "'1 day 0.5 s'", expected: "1 day 00:00:00.5"),
    ]

    private static let widerNested = [
        Wider(old: "int[]", new: "bigint[]", value: "'[0:1]={1,NULL}'", expected: "[0:1]={1,NULL}"),
        Wider(old: "varchar(3)[]", new: "text[]", value: "'{\"a  \"}'", expected: "{\"a  \"}"),
        Wider(old: "price", new: "numeric(10,4)", value: "1.10", expected: "1.1000"),
        Wider(old: "numeric(8,2)", new: "price", value: "1.1", expected: "1.10"),
        Wider(old: "mood", new: "text", value: "'ok'", expected: "ok"),
        Wider(old: "text", new: "mood", value: "'ok'", expected: "ok"),
        Wider(old: "text", new: "int[]", value: "'{1}'", expected: "{1}"),
        Wider(old: "int[]", new: "text", value: "'{1,2}'", expected: "{1,2}"),
    ]

    private static let made = """
        CREATE DOMAIN short_domain AS varchar(3); CREATE DOMAIN price AS numeric(8,2); CREATE TYPE mood AS ENUM ('ok');

        """

    @Test(arguments: Travel.allCases)
    func compatibleTypes(_ travel: Travel) throws {
        let carrying = try Carrying("wider", travel)
        let s = carrying.scenario
        defer { s.end() }
        try s.both(Self.made)
        let cases = travel == .binary ? Self.wider : Self.wider + Self.widerNested
        for (number, each) in cases.enumerated() {
            try s.old.sql("CREATE TABLE t\(number) (id int PRIMARY KEY, x \(each.old))")
            try s.new.sql("CREATE TABLE t\(number) (id int PRIMARY KEY, x \(each.new))")
        }
        try s.new.sql("ALTER DATABASE \(sqlIdentifier(s.name)) SET timezone = 'Asia/Kathmandu'")
        try s.prepare()
        try s.old.sql(
            cases.enumerated().map {
                "INSERT INTO t\($0) VALUES (1, \($1.value)), (2, NULL); UPDATE t\($0) SET id = 3 WHERE id = 2;\n"
            }
            .joined())
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        let query = cases.indices.map { "SELECT format('%s', x) FROM t\($0) WHERE id = 1;" }.joined(separator: "\n")
        let found = try s.new.sql("SET TimeZone = 'UTC'; " + query).split(separator: "\n").map(String.init)
        #expect(found.count == cases.count)
        for (each, value) in zip(cases, found) { #expect(value == each.expected, "\(each)") }
    }

    private struct Narrower {
        let old: String
        let new: String
        /// As SQL, of old's type; PostgreSQL would take it and store something else.
        let value: String
    }

    private static let silent = [
        Narrower(old: "numeric(10,4)", new: "numeric(10,2)", value: "1.2345"),
        Narrower(old: "numeric", new: "numeric(10,2)", value: "1.2345"),
        Narrower(old: "double precision", new: "real", value: "0.123456789012"),
        Narrower(old: "numeric", new: "double precision", value: "0.12345678901234567890"),
        Narrower(old: "bigint", new: "double precision", value: "9007199254740993"),
        Narrower(old: "numeric", new: "money", value: "1.2345"),
        Narrower(old: "timestamp without time zone", new: "timestamp(3)", value: "'2026-01-01 00:00:00.123456'"),
        Narrower(old: "timestamp(6) with time zone", new: "timestamptz(0)", value: "'2026-01-01 00:00:00.5+00'"),
        Narrower(old: "time without time zone", new: "time(0)", value: "'00:00:00.5'"),
        Narrower(old: "time with time zone", new: "time", value: "'00:00:00+05'"),
        Narrower(old: "interval", new: "interval(0)", value: "'0.5 s'"),
        Narrower(old: "interval", new: "interval year", value: "'1 year 1 day'"),
        Narrower(old: "timestamp without time zone", new: "date", value: "'2026-01-01 10:00:00'"),
        Narrower(old: "text", new: "name", value: "repeat('n', 100)"),
        Narrower(old: "text", new: "\"char\"", value: "'abc'"),
        Narrower(old: "numeric(10,4)[]", new: "numeric(10,2)[]", value: "'{1.2345}'"),
        Narrower(old: "character varying(9)[]", new: "varchar(3)[]", value: "'{\"a    \"}'"),
        Narrower(old: "price_4", new: "price_2", value: "1.2345"),
        Narrower(old: "numeric(10,4)", new: "price_2", value: "1.2345"),
        Narrower(old: "holder", new: "holder_2", value: "'(1.2345)'"),
    ]

    /// Nothing is said by the server here, so the table is refused before its first row; the remedy is what is shown.
    @Test func silentChangesAreRefusedByTheTypesThemselves() throws {
        let carrying = try Carrying("silent")
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE DOMAIN price_4 AS numeric(10,4); CREATE DOMAIN price_2 AS numeric(10,2);
            CREATE TYPE holder AS (p numeric(10,4)); CREATE TYPE holder_2 AS (p numeric(10,2));
            """)
        for (number, each) in Self.silent.enumerated() {
            try s.old.sql("CREATE TABLE t\(number) (id int PRIMARY KEY, x \(each.old))")
            try s.new.sql("CREATE TABLE t\(number) (id int PRIMARY KEY, x \(each.new))")
        }
        try s.prepare()
        try s.old.sql(
            Self.silent.enumerated().map { "INSERT INTO t\($0) VALUES (1, \($1.value));" }.joined(separator: "\n"))
        for (number, each) in Self.silent.enumerated() {
            let outcome = try s.tandem("run", "--until", "caught-up")
            let said = outcome.stderr.replacing("\\\"", with: "\"")
            #expect(outcome.exitCode == 5, "\(each): \(said)")
            #expect(said.contains("public.t\(number)") && said.contains(each.old), "\(each): \(said)")
            #expect(said.contains("values would be changed to fit"), "\(each): \(said)")
            let remedy =
                said.firstRange(of: "on new: ALTER TABLE").map { said[$0.upperBound...].prefix { $0 != ";" } } ?? ""
            // A composite has no cast to another: what is to be done is the same.
            try s.new.sql("ALTER TABLE\(remedy)" + (each.old == "holder" ? " USING NULL" : ""))
        }
        try carrying.expectCarried()
    }

    private struct Refused {
        let old: String
        let new: String
        let value: String
        let state: String
    }

    private static let refused = [
        Refused(old: "varchar(5)", new: "varchar(3)", value: "'abcd'", state: "22001"),
        Refused(old: "varchar(5)", new: "varchar(3)", value: "'ab   '", state: "22001"),
        Refused(old: "text", new: "varchar(300)", value: "repeat(' ', 301)", state: "22001"),
        Refused(old: "varchar(5)", new: "short_domain", value: "'abc  '", state: "22001"),
        Refused(old: "text", new: "char(3)", value: "'a    '", state: "22001"),
        Refused(old: "char(5)", new: "char(3)", value: "'abcd'", state: "22001"),
        Refused(old: "bit(5)", new: "bit(3)", value: "B'10101'", state: "22026"),
        Refused(old: "varbit(5)", new: "varbit(3)", value: "B'10101'", state: "22001"),
        Refused(old: "bigint", new: "int", value: "1099511627776", state: "22003"),
        Refused(old: "numeric", new: "int", value: "1.5", state: "22P02"),
        Refused(old: "float8", new: "bigint", value: "0.5", state: "22P02"),
        Refused(old: "int", new: "smallint", value: "70000", state: "22003"),
        Refused(old: "numeric(8,2)", new: "numeric(5,2)", value: "99999.99", state: "22003"),
        Refused(old: "text", new: "int", value: "'1.5'", state: "22P02"),
    ]

    @Test(arguments: Travel.allCases)
    func whatDoesNotFitIsAnError(_ travel: Travel) throws {
        let carrying = try Carrying("narrower", travel)
        let s = carrying.scenario
        defer { s.end() }
        try s.both(Self.made)
        for (number, each) in Self.refused.enumerated() {
            try s.old.sql("CREATE TABLE t\(number) (id int PRIMARY KEY, x \(each.old))")
            try s.new.sql("CREATE TABLE t\(number) (id int PRIMARY KEY, x \(each.new))")
        }
        try s.prepare()
        try s.old.sql(
            Self.refused.enumerated().map {
                "INSERT INTO t\($0) VALUES (1, NULL); INSERT INTO t\($0) VALUES (2, \($1.value));"
            }.joined(separator: "\n"))
        for (number, each) in Self.refused.enumerated() {
            try carrying.expectRefused("public.t\(number)", each.state)
            #expect(try s.new.sql("SELECT id FROM t\(number)") == "1", "\(each)")
            try s.new.sql("ALTER TABLE t\(number) ALTER COLUMN x TYPE \(each.old) USING NULL")
        }
        try carrying.expectCarried()
    }
}
