"""The types that torture's tables are made of, each with an SQL expression that makes up a value anew for each row, and
whether it travels in binary. Made on both sides: SETUP. Only where values are made, on old: MAKERS."""

import os


def pick(type_name, *texts):
    """One of these literals of the type, evaluated row by row."""
    cases = " ".join(f"WHEN {place} THEN {literal(text)}::{type_name}" for place, text in enumerate(texts))
    return f"(CASE floor(random() * {len(texts)})::int {cases} END)"


def literal(text):
    return "'" + text.replace("'", "''") + "'"


SETUP = r"""
CREATE SCHEMA kind;
CREATE TYPE kind.mood AS ENUM ('sad', 'ok', 'it''s "so"', 'a,b\');
CREATE DOMAIN kind.good_mood AS kind.mood CHECK (VALUE <> 'sad');
CREATE DOMAIN kind.moods AS kind.mood[];
CREATE DOMAIN kind.price AS numeric(12,4);
CREATE DOMAIN kind.short AS varchar(8);
CREATE TYPE kind.pair AS (a int, "b c" text);
CREATE TYPE kind.nest AS (p kind.pair, m kind.mood[], l kind.pair[], n numeric);
CREATE TYPE kind.text_range AS RANGE (subtype = text, collation = "C");
CREATE TYPE kind.plain;
CREATE FUNCTION kind.plain_in(cstring) RETURNS kind.plain LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION kind.plain_out(kind.plain) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE kind.plain (INPUT = kind.plain_in, OUTPUT = kind.plain_out, INTERNALLENGTH = VARIABLE, STORAGE = extended);
CREATE FUNCTION kind.pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;
"""

MAKERS = r"""
CREATE SCHEMA make;
CREATE FUNCTION make.text() RETURNS text LANGUAGE sql VOLATILE AS $make$
SELECT coalesce(string_agg((ARRAY['a','B',' ','"','\','''','{','}','(',')',',',E'\n',E'\t',E'\r','é','日','😀','NULL','\N','\.','$1','%s',
    E'\u0001',';--'])[1 + floor(random() * 24)::int], ''), '') FROM generate_series(1, (random() * 9)::int) $make$;
CREATE FUNCTION make.name() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT chr(97 + floor(random() * 26)::int) || floor(random() * 3000)::int $$;
CREATE FUNCTION make.bytes() RETURNS bytea LANGUAGE sql VOLATILE AS $$ SELECT substr(decode(md5(random()::text) || md5(random()::text), 'hex'), 1, floor(random() * 32)::int) $$;
CREATE FUNCTION make.big() RETURNS text LANGUAGE sql VOLATILE AS $$
SELECT CASE WHEN random() < 0.5 THEN make.text() ELSE (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 90 + floor(random() * 200)::int)) END $$;
CREATE FUNCTION make.real8() RETURNS float8 LANGUAGE sql VOLATILE AS $$
SELECT CASE WHEN random() < 0.2 THEN (ARRAY['NaN','-0','0','Infinity','-Infinity','5e-324','0.1'])[1 + floor(random() * 7)::int]::float8
    ELSE (random() - 0.5) * power(10::float8, floor(random() * 600 - 300)) END $$;
CREATE FUNCTION make.number() RETURNS numeric LANGUAGE sql VOLATILE AS $$
SELECT CASE WHEN random() < 0.3 THEN (ARRAY['NaN','0','0.00','1.1','1.10','1e300','-0.000000000000000000001'])[1 + floor(random() * 7)::int]::numeric
    ELSE round((random() - 0.5)::numeric * power(10::numeric, floor(random() * 40)::numeric), floor(random() * 20)::int) END $$;
CREATE FUNCTION make.moment() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
SELECT CASE WHEN random() < 0.1 THEN (ARRAY['infinity','-infinity','2026-03-29 02:30:00+02','4713-01-02 00:00:00+00 BC'])[1 + floor(random() * 4)::int]::timestamptz
    ELSE timestamptz '2000-01-01 00:00:00+00' + (random() - 0.5) * interval '2000 years' END $$;
"""

TEXT, BIG, NAME = "make.text()", "make.big()", "make.name()"

# (type, expression, travels in binary)
TYPES = [
    ("int", "(random() * 4294967290 - 2147483645)::int", True),
    ("smallint", "(random() * 65000 - 32500)::int::smallint", True),
    ("bigint", "(random() * 18446744073709549568::numeric - 9223372036854774784)::bigint", True),
    ("bool", "random() < 0.5", True),
    ("text", TEXT, True), ("text", BIG, True), ("varchar", TEXT, True), ("varchar(90)", f"left({TEXT}, 90)::varchar(90)", True),
    ("char(12)", f"left({TEXT}, 12)::char(12)", True), ("name", f"left({TEXT}, 12)::name", True),
    ('"char"', "chr(97 + floor(random() * 26)::int)::\"char\"", True),
    ("float8", "make.real8()", True), ("float4", pick("float4", "-0", "0", "NaN", "1e-45", "0.1", "3.4028235e38"), True),
    ("numeric", "make.number()", True), ("numeric(20,5)", "((random() - 0.5) * 1e14)::numeric(20,5)", True),
    ("date", pick("date", "infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2026-02-28", "1582-10-10"), True),
    ("timestamptz", "make.moment()", True), ("timestamp(3)", "(now() AT TIME ZONE 'UTC' - random() * interval '9000 days')::timestamp(3)", True),
    ("time", "time '00:00' + random() * interval '86399 s'", True),
    ("timetz", pick("timetz", "24:00:00-15:59:59", "12:00:00+00", "13:00:00+01", "00:00:00.000001+05:45"), True),
    ("interval", pick("interval", "1 mon", "30 days", "24:00", "1 day", "-1 mon +1 day -00:00:00.000001", "178000000 years"), True),
    ("uuid", "md5(random()::text)::uuid", True), ("bytea", "make.bytes()", True),
    ("bit(5)", pick("bit(5)", "10101", "00000", "11111"), True), ("varbit", pick("varbit", "", "1", "0001", "111111111"), True),
    ("inet", "'10.0.0.0'::inet + (random() * 16777215)::bigint", True), ("cidr", pick("cidr", "10.0.0.0/8", "2001:db8::/32"), True),
    ("macaddr", "substr(md5(random()::text), 1, 12)::macaddr", True),
    ("json", pick("json", '{"a" :  1, "a":1.0}', "[1,2 ]", '"\\u0000"', "null"), True),
    ("jsonb", "jsonb_build_object(make.name(), make.number()::text, 'x', random(), 'big', CASE WHEN random() < 0.3 THEN make.big() END)", True),
    ("tsvector", "to_tsvector('simple', make.text() || ' some words')", True), ("tsquery", pick("tsquery", "'a b' & !c:*AB | (d <2> e)", "'it''s'"), True),
    ("point", pick("point", "(-0,NaN)", "(1e300,Infinity)", "(0,0)"), True), ("box", pick("box", "(3,4),(1,2)", "(0,0),(-0,0)"), True),
    ("polygon", pick("polygon", "((0,0),(1,1),(2,0.1))", "((0,0))"), True), ("circle", pick("circle", "<(0.1,0.2),0>", "<(0,0),1>"), True),
    ("path", pick("path", "[(0,0),(1,1)]", "((0,0),(1,1))"), True), ("line", pick("line", "{1,-1,0.1}", "{1,2,3}"), True),
    ("pg_lsn", pick("pg_lsn", "0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"), True), ("oid", "(random() * 4294967290)::bigint::oid", True),
    ("int[]", "CASE WHEN random() < 0.3 THEN ('[0:1]={' || floor(random() * 9)::int || ',NULL}')::int[] ELSE ARRAY[1, floor(random() * 100)::int, NULL] END", False),
    ("text[]", "ARRAY[make.text(), NULL, make.text()]", False), ("numeric[]", "ARRAY[[make.number()], [make.number()]]", False),
    ("float8[]", "ARRAY[make.real8()]", False), ("bytea[]", "ARRAY[make.bytes(), NULL]", False), ("box[]", pick("box[]", "{(3,4),(1,2);(1,1),(0,0)}", "{}"), False),
    ("jsonb[]", "ARRAY[jsonb_build_object('n', make.number())]", False), ("interval[]", pick("interval[]", '{"1 mon","30 days"}', "{NULL}"), False),
    ("money", "(floor(random() * 1e9)::bigint::numeric / 100)::money", False), ("xml", pick("xml", "<a b=\"c\">&lt;</a>", "text only", "x<b/>y", ""), False),
    ("xid8", "floor(random() * 1e15)::bigint::text::xid8", False), ("tid", pick("tid", "(0,1)", "(4294967295,65535)"), False),
    ("pg_snapshot", pick("pg_snapshot", "10:20:10,14,15", "10:20:"), False), ("jsonpath", pick("jsonpath", "$.a[*] ? (@ > 1)", "$"), False),
    ("refcursor", "make.text()::refcursor", False), ("int2vector", pick("int2vector", "1 2 3", ""), False),
    ("regclass", pick("regclass", "pg_class", "-", "4000000001"), False), ("regtype", pick("regtype", "int4[]", "kind.mood", "-"), False),
    ("numrange", pick("numrange", "(1.10,2.0]", "(1.1,2]", "empty", "(,)"), False), ("tstzrange", pick("tstzrange", "[-infinity,infinity]", "[2026-03-29 02:30:00+02,)"), False),
    ("int4multirange", pick("int4multirange", "{}", "{[1,2),[5,9)}", "{(,)}"), False),
    ("nummultirange[]", pick("nummultirange[]", '{"{[1.10,2]}","{}"}', "{NULL}"), False),
    ("kind.mood", pick("kind.mood", "sad", "ok", "it's \"so\"", "a,b\\"), False), ("kind.moods", pick("kind.moods", "{ok,sad}", "{NULL}", "{}"), False),
    ("kind.mood[]", pick("kind.mood[]", "{ok,\"a,b\\\\\"}", "{}"), False), ("kind.good_mood", pick("kind.good_mood", "ok", "a,b\\"), False),
    ("kind.price", "((random() * 1000)::numeric)::kind.price", False), ("kind.price[]", "ARRAY[make.number() % 1000]::kind.price[]", False),
    ("kind.short", "left(make.text(), 8)::kind.short", False), ("kind.pair", "ROW(floor(random() * 9)::int, make.text())::kind.pair", False),
    ("kind.nest", "ROW(ROW(1, make.text())::kind.pair, '{ok}', ARRAY[ROW(NULL, make.text())::kind.pair, NULL], make.number())::kind.nest", False),
    ("kind.pair[]", "ARRAY[ROW(floor(random() * 9)::int, make.text())::kind.pair, NULL]", False),
    ("kind.text_range", pick("kind.text_range", "[a,\"b \\\\ c\")", "empty", "(,é]"), False),
    ("kind.plain", "kind.plain_in(textout(make.text()))", False), ("kind.plain[]", "('{\"' || make.name() || '\",NULL}')::kind.plain[]", False),
]

# Multiranges came with PostgreSQL 14.
if min(int(os.environ.get(side) or 14) for side in ("TANDEM_TEST_OLD", "TANDEM_TEST_NEW")) < 14:
    TYPES = [kind for kind in TYPES if "multirange" not in kind[0]]

# Types that can be a key, with many different values, some of them equal but not the same.
KEYS = [
    ("int", "floor(random() * 3000)::int", True), ("bigint", "floor(random() * 3000)::bigint", True), ("text", NAME, True),
    ("uuid", "lpad(floor(random() * 3000)::int::text, 32, '0')::uuid", True), ("bytea", "decode(lpad(to_hex(floor(random() * 3000)::int), 8, '0'), 'hex')", True),
    ("numeric", "round((floor(random() * 500) / 10)::numeric, 1 + floor(random() * 3)::int)", True),
    ("float8", "(CASE WHEN random() < 0.05 THEN '-0' WHEN random() < 0.05 THEN 'NaN' ELSE floor(random() * 1000)::text END)::float8", True),
    ("timestamptz", "timestamptz '2026-01-01 00:00:00+00' + floor(random() * 3000) * interval '1 us'", True), ("date", "date '2026-01-01' + floor(random() * 3000)::int", True),
    ("char(9)", f"left({NAME}, 9)::char(9)", True), ("varchar(40)", NAME + "::varchar(40)", True), ("inet", "'10.0.0.0'::inet + floor(random() * 3000)::bigint", True),
    ("interval", "floor(random() * 100) * (CASE WHEN random() < 0.5 THEN interval '24:00' ELSE interval '1 day' END)", True),
    ("jsonb", "to_jsonb(floor(random() * 3000)::int)", True), ("pg_lsn", "('0/' || to_hex(floor(random() * 3000)::int))::pg_lsn", True),
    ("int[]", "ARRAY[floor(random() * 60)::int, floor(random() * 60)::int]", False), ("text[]", f"ARRAY[{NAME}, NULL]", False),
    ("kind.mood[]", "(ARRAY[" + ", ".join([pick("kind.mood", "sad", "ok", "it's \"so\"", "a,b\\")] * 4) + "])", False),
    ("kind.pair", "ROW(floor(random() * 50)::int, make.name())::kind.pair", False), ("int4range", "int4range(floor(random() * 50)::int, 50 + floor(random() * 50)::int)", False),
    ("kind.price", "(floor(random() * 3000) / 10)::numeric::kind.price", False), ("kind.short", f"left({NAME}, 8)::kind.short", False),
]
