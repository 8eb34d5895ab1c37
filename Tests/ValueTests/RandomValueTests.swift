// A real server makes up rows of many types from a seed; what arrives must print the same and send the same bytes.
// TANDEM_VALUE_SEED repeats a run, TANDEM_VALUE_SECONDS makes it longer (ten seconds each way otherwise).

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct RandomValueTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed =
        environment["TANDEM_VALUE_SEED"].flatMap { UInt32($0) } ?? UInt32.random(in: 0..<1_000_000)
    private static let seconds = environment["TANDEM_VALUE_SECONDS"].flatMap { Int($0) } ?? 8

    /// How each type's value is made; they use each other.
    private static let flat = [
        (
            "text",
            "string_agg((ARRAY['a','B',' ','\"','\\','''','{','}','(',')',',',E'\\n',E'\\t','é','日','😀','NULL','\\N','\\.','$1','%'])[1 + floor(random() * 21)], '') FROM generate_series(1, (random() * 12)::int)"
        ),
        ("int8", "(random() * 18446744073709549568::numeric - 9223372036854774784)::int8"),
        ("int4", "(random() * 4294967290 - 2147483645)::int4"), ("int2", "(random() * 65000 - 32500)::int2"),
        (
            "float8",
            "CASE WHEN random() < 0.1 THEN (ARRAY['NaN','-0','Infinity','-Infinity','5e-324'])[1 + floor(random() * 5)]::float8 ELSE (random() - 0.5) * power(10::float8, floor(random() * 600 - 300)) END"
        ),
        ("float4", "((random() - 0.5) * power(10::float8, floor(random() * 70 - 35)))::float4"),
        (
            "numeric",
            "CASE WHEN random() < 0.05 THEN 'NaN' ELSE round((random() - 0.5)::numeric * power(10::numeric, floor(random() * 60)::numeric), (random() * 30)::int) END"
        ),
        ("numeric(20,5)", "((random() - 0.5) * 1e14)::numeric(20,5)"), ("bool", "random() < 0.5"),
        ("date", "date '2000-01-01' + ((random() - 0.5) * 1400000)::int"),
        ("timestamp", "timestamp '2000-01-01' + (random() - 0.5) * interval '8000 years'"),
        (
            "timestamptz",
            "CASE WHEN random() < 0.05 THEN '-infinity' ELSE timestamptz '2000-01-01 00:00:00+00' + (random() - 0.5) * interval '200 years' END"
        ),
        ("time", "time '00:00' + random() * interval '86399 s'"),
        (
            "timetz",
            "(timetz '00:00:00+00' + random() * interval '86399 s') AT TIME ZONE make_interval(secs => (random() * 100000 - 50000)::int)"
        ),
        (
            "interval",
            "make_interval((random() * 200 - 100)::int, (random() * 24 - 12)::int, 0, (random() * 60 - 30)::int, 0, 0, random() * 200000 - 100000)"
        ),
        ("uuid", "md5(random()::text)::uuid"),
        ("bytea", "substr(decode(md5(random()::text) || md5(random()::text), 'hex'), 1, (random() * 32)::int)"),
        ("varbit", "substring((random() * 1000000)::int::bit(32)::varbit, 1, (random() * 31)::int)"),
        ("inet", "('10.0.0.0'::inet + (random() * 16777215)::int8)"),
        ("macaddr", "substr(md5(random()::text), 1, 12)::macaddr"),
        ("point", "point(random() * 1e10, -random() / 1e10)"), ("box", "box(point(random(), 1), point(2, random()))"),
        ("json", "json_build_object(coalesce(make_text(), ''), make_int8(), 'n', make_numeric())"),
        (
            "jsonb",
            "jsonb_build_object(coalesce(make_text(), ''), make_int8(), 'x', jsonb_build_array(make_text(), make_bool(), NULL))"
        ),
        ("tsvector", "to_tsvector('simple', make_text() || ' b c')"),
        ("pg_lsn", "(to_hex((random() * 1e9)::int) || '/' || to_hex((random() * 1e9)::int))::pg_lsn"),
        ("char(9)", "left(make_text(), 9)::char(9)"),
    ]

    private static let nested = [
        ("text[]", "ARRAY[make_text(), NULL, make_text()]"), ("numeric[]", "ARRAY[[make_numeric()], [make_numeric()]]"),
        ("float4[]", "array_fill(make_float4(), ARRAY[2], ARRAY[-3])"),
        ("bytea[]", "ARRAY[make_bytea()]"), ("box[]", "ARRAY[make_box(), make_box()]"),
        ("interval[]", "ARRAY[make_interval(), NULL]"), ("jsonb[]", "ARRAY[make_jsonb()]"),
        ("timestamptz[]", "ARRAY[make_timestamptz()]"),
        (
            "numrange",
            "numrange(least(a, b), greatest(a, b), '(]') FROM (SELECT make_int8()::numeric / 7 AS a, make_int8()::numeric / 3 AS b) x"
        ),
        ("tsrange", "tsrange(make_timestamp(), NULL)"), ("money", "(make_int4()::numeric / 100)::money"),
        ("xml", "xmlelement(name a, make_text())"),
        ("mood", "(ARRAY['sad', 'a \"b\\c']::mood[])[1 + floor(random() * 2)]"),
        ("holder", "ROW(make_text(), make_int2(), ARRAY[make_text()], NULL)::holder"),
        ("holder[]", "ARRAY[make_holder(), NULL]"), ("price", "((random() * 1000)::numeric)::price"),
    ]

    @Test(arguments: Travel.allCases)
    func madeUpRows(_ travel: Travel) throws {
        print("TANDEM_VALUE_SEED=\(Self.seed) TANDEM_VALUE_SECONDS=\(Self.seconds) (\(travel))")
        let carrying = try Carrying("random", travel)
        let s = carrying.scenario
        defer { s.end() }
        let types = travel == .binary ? Self.flat : Self.flat + Self.nested
        try s.both(
            "CREATE TYPE mood AS ENUM ('sad', 'a \"b\\c'); CREATE DOMAIN price AS numeric(8,2); CREATE TYPE holder AS (\"a b\" text, n int2, l text[], p price);"
        )
        let columns = types.enumerated().map { "c\($0) \($1.0)" }.joined(separator: ", ")
        try s.both(
            """
            CREATE TABLE made (id int PRIMARY KEY, \(columns));
            CREATE TABLE keyless (\(columns)); ALTER TABLE keyless REPLICA IDENTITY FULL
            """)
        try s.old.sql(Self.makers(types))
        try s.prepare()
        let end = ContinuousClock.now + .seconds(Self.seconds)
        var round = 0
        repeat {
            try s.old.sql(Self.workload(types, round: round))
            try carrying.expectCarried()
            round += 1
        } while ContinuousClock.now < end
        #expect(round > 0)
    }

    private static func makers(_ types: [(String, String)]) -> String {
        types.map { type, made in
            """
            CREATE FUNCTION \(maker(type))() RETURNS \(type.prefix { $0 != "(" }) LANGUAGE plpgsql VOLATILE AS $make$
            DECLARE r \(type); BEGIN SELECT \(made) INTO r; RETURN r; END $make$;

            """
        }.joined()
    }

    private static func maker(_ type: String) -> String {
        "make_"
            + type.map { $0.isLetter || $0.isNumber ? String($0) : $0 == "[" ? "_list" : $0 == "(" ? "_" : "" }.joined()
    }

    private static func workload(_ types: [(String, String)], round: Int) -> String {
        let values = types.map { "CASE WHEN random() < 0.1 THEN NULL ELSE \(maker($0.0))() END" }.joined(
            separator: ", ")
        let first = round * 1000
        let half = types.indices.filter { $0 % 2 == 0 }.map { "c\($0) = n.c\($0)" }.joined(separator: ", ")
        let names = types.indices.map { "c\($0)" }.joined(separator: ", ")
        return """
            SET TimeZone = 'UTC';
            SELECT setseed(\(Double((Int(seed) + round * 7919) % 1_000_003) / 1_000_003));
            INSERT INTO made SELECT \(first) + g, \(values) FROM generate_series(1, 120) g;
            INSERT INTO keyless SELECT \(names) FROM made WHERE id > \(first) AND id % 3 <> 0;
            UPDATE made t SET \(half) FROM made n WHERE n.id = t.id - 1 AND t.id % 5 = 0;
            UPDATE made SET id = id + 500 WHERE id > \(first) AND id % 7 = 0;
            DELETE FROM made WHERE id > \(first) AND id % 11 = 0;
            UPDATE keyless t SET \(half) FROM (SELECT * FROM made ORDER BY id DESC LIMIT 1) n WHERE t.ctid IN (SELECT ctid FROM keyless LIMIT 20);
            DELETE FROM keyless WHERE ctid IN (SELECT ctid FROM keyless ORDER BY ctid DESC LIMIT 20);
            """
    }
}
