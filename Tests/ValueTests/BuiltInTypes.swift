// The types PostgreSQL brings along, each with the values that go wrong first.

enum BuiltInTypes {
    /// Those that travel in binary where everything around them does.
    static let flat: [TypeCase] = numbers + times + texts + bytes + others

    private static let numbers = [
        TypeCase(
            "float8",
            [
                "NaN", "Infinity", "-Infinity", "-0", "0", "1e-320", "5e-324", "1.7976931348623157e308",
                "0.30000000000000004",
                "0.1", "-1e-300",
            ]),
        TypeCase("float4", ["NaN", "-Infinity", "-0", "0.1", "1e-45", "3.4028235e38", "1.17549435e-38"]),
        TypeCase(
            "numeric",
            [
                "NaN", "0.00", "0", "-0.0", "1.10", "1.1", "1e131071", "1e-16383",
                "-99999999999999999999.000000000000001",
            ]),
        TypeCase("numeric", ["Infinity", "-Infinity", "1"], since: 14),
        TypeCase("numeric(12,4)", ["1.5", "-99999999.9999", "NaN", "0"]),
        TypeCase("numeric", expressions: ["repeat('9', 131072)::numeric", "('0.' || repeat('7', 16383))::numeric"]),
        TypeCase("int8", ["9223372036854775807", "-9223372036854775808", "9007199254740993", "0"]),
        TypeCase("int4", ["2147483647", "-2147483648"]), TypeCase("int2", ["32767", "-32768"]),
        TypeCase("bool", ["true", "false"]), TypeCase("oid", ["0", "4294967295"]),
        TypeCase("pg_lsn", ["0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"]),
    ]

    private static let times = [
        TypeCase("date", ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "1582-10-10", "2000-02-29"]),
        TypeCase(
            "timestamp",
            [
                "infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999",
                "2026-03-29 02:30:00",
                "1500-01-01 00:00:00.000001",
            ]),
        TypeCase(
            "timestamptz",
            [
                "infinity", "-infinity", "4713-01-02 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00",
                "2026-03-29 02:30:00 Europe/Berlin", "2026-10-25 02:30:00+02", "2026-10-25 02:30:00+01",
                "1880-01-01 00:00:00 Asia/Kathmandu",
            ]),
        TypeCase("timestamp(3)", ["2026-01-01 00:00:00.1235", "infinity"]),
        TypeCase("timestamptz(0)", ["2026-01-01 00:00:00.5+00"]),
        TypeCase("time", ["00:00:00", "24:00:00", "23:59:59.999999"]), TypeCase("time(2)", ["12:00:00.555"]),
        TypeCase("timetz", ["24:00:00-15:59:59", "00:00:00+15:59:59", "12:00:00.000001+05:45"]),
        TypeCase(
            "interval",
            [
                "1 mon", "30 days", "1 day -00:00:01", "-1 mon +1 day -00:00:00.000001", "178000000 years",
                "-178000000 years", "0", "1 year -1 day",
            ]),
        TypeCase("interval day to second(3)", ["3 days 04:05:06.789"]), TypeCase("interval year", ["7 years"]),
    ]

    private static let syntax = [
        "", "NULL", "null", "\\N", "\\.", "a\\nb", "a\nb", "\r\n", "\t", "\\", "'", "\"", "''", "$$", "$1", "{}",
        "{NULL}",
        "(,)", "E'x'", "a,b", "%s %I", "\u{10FFFF}", "e\u{301}", "\u{5d0}\u{5d1}", "\u{a0}", " leading", "trailing  ",
        "--", "/*", ";DROP", "\u{1}", "\u{7f}", "\u{feff}x", "日本語", "😀",
    ]

    private static let texts = [
        TypeCase("text", syntax), TypeCase("varchar", syntax), TypeCase("varchar(40)", syntax),
        TypeCase("char(20)", syntax), TypeCase("bpchar", ["a", "a  ", "  "]), TypeCase("name", syntax),
        TypeCase("text", expressions: ["repeat('xyzzy \\ \" ', 200000)"]),
        TypeCase(
            "json",
            [
                "{\"a\" :  1, \"a\":1.0}", "null", "\"\\u0000\"", "1e400", " [1 , 2]\n", "9007199254740993",
                "\"\\ud83d\\ude00\"", "{\"\":\"\\\\\"}",
            ]),
        TypeCase(
            "jsonb", ["{\"b\":1.0,\"a\":1.00}", "null", "1e400", "9007199254740993", "\"\\\\N\"", "[]", "{}", "-0.0"]),
        TypeCase("\"char\"", expressions: ["''::\"char\"", "'a'::\"char\"", "'\\'::\"char\"", "'\"'::\"char\""]),
        TypeCase("\"char\"", expressions: ["'\\200'::\"char\"", "'\\377'::\"char\"", "'\\012'::\"char\""], since: 15),
    ]

    private static let bytes = [
        TypeCase(
            "bytea",
            expressions: [
                "decode(string_agg, 'hex') FROM (SELECT string_agg(lpad(to_hex(g), 2, '0'), '' ORDER BY g) FROM generate_series(0, 255) g) s"
            ].map { "(SELECT \($0))" } + ["''::bytea", "'\\x5c2e0a'::bytea", "'\\x5047434f50590aff0d0a00'::bytea"]),
        TypeCase("bit(1)", ["0", "1"]), TypeCase("bit(3)", ["101"]),
        TypeCase("bit(64)", ["1" + String(repeating: "0", count: 63)]),
        TypeCase("varbit", ["", "1", "0001", "111111111"]), TypeCase("varbit(5)", ["00001"]),
    ]

    private static let others = [
        TypeCase("uuid", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        TypeCase("inet", ["10.0.0.1/8", "10.0.0.1", "::1", "::ffff:1.2.3.4/96", "0.0.0.0/0"]),
        TypeCase("cidr", ["10.0.0.0/8", "2001:db8::/32", "1.2.3.4"]),
        TypeCase("macaddr", ["08:00:2b:01:02:03"]), TypeCase("macaddr8", ["08:00:2b:01:02:03:04:05"]),
        TypeCase("point", ["(-0,NaN)", "(1e300,Infinity)"]), TypeCase("line", ["{1,-1,0.1}"]),
        TypeCase("lseg", ["[(0,0),(-0,1)]"]), TypeCase("box", ["(3,4),(1,2)"]),
        TypeCase("path", ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"]), TypeCase("polygon", ["((0,0),(1,1),(2,0.1))"]),
        TypeCase("circle", ["<(0.1,0.2),0>"]),
        TypeCase("tsvector", ["'it''s':1A,2B 'a \\\\ b':3 plain", ""]),
        TypeCase("tsquery", ["'a b' & !c:*AB | (d <2> e)", "'it''s'"]),
    ]
}

extension BuiltInTypes {
    static let nested: [TypeCase] = arrays + ranges + named

    private static let arrays = [
        TypeCase("int[]", ["{}", "{NULL}", "{{1,2},{3,4}}", "[0:1]={7,8}", "[-2:-1][0:0]={{1},{2}}", "{1,NULL,3}"]),
        TypeCase(
            "text[]", ["{NULL,\"NULL\",null,\"\"}", "{\"a\\\\b\",\"c\\\"d\",\"e,f\",\"{}\",\" \"}", "{\"x\ny\"}"]),
        TypeCase("char(10)[]", ["{a,\"b \"}"]), TypeCase("varchar(3)[]", ["{abc,\"a  \"}"]),
        TypeCase("numeric(8,2)[]", ["{1.10,NaN,NULL}"]), TypeCase("numeric[]", ["{1.10,1.1,0.00}"]),
        TypeCase("box[]", ["{(3,4),(1,2);(1,1),(0,0)}"]), TypeCase("point[]", ["{\"(-0,1)\",NULL}"]),
        TypeCase("float4[]", ["{-0,NaN,0.1}"]), TypeCase("float8[]", ["{0.30000000000000004,5e-324}"]),
        TypeCase("bytea[]", ["{\"\\\\x00ff5c\",\"\\\\x\"}"]),
        TypeCase("interval[]", ["{\"1 mon\",\"30 days -00:00:01\"}"]),
        TypeCase("timestamptz[]", ["{infinity,\"2026-02-03 10:00:00+05:45\"}"]),
        TypeCase("date[]", ["{\"0044-03-15 BC\"}"]),
        TypeCase("bit(3)[]", ["{101,000}"]), TypeCase("bool[]", ["{t,f,NULL}"]),
        TypeCase("json[]", ["{\"{\\\"a\\\" : 1}\"}"]),
        TypeCase("uuid[]", ["{00000000-0000-0000-0000-000000000000}"]), TypeCase("\"char\"[]", ["{a,\"\\\\\"}"]),
        TypeCase("money[]", ["{\"$1,234.11\"}"]), TypeCase("xml[]", ["{<a/>,\"x<b/>y\"}"]),
        TypeCase("inet[]", ["{10.0.0.1/8}"]),
    ]

    private static let ranges = [
        TypeCase("int4range", ["empty", "[1,5)", "(,)", "[3,)"]), TypeCase("int8range", ["[9007199254740993,)"]),
        TypeCase("numrange", ["(1.10,2.0]", "[0.00,)"]), TypeCase("daterange", ["[infinity,)", "(,2026-01-01)"]),
        TypeCase("tstzrange", ["[-infinity,infinity]", "[\"2026-03-29 02:30:00+02\",)"]),
        TypeCase("tsrange", ["[,infinity)"]),
        TypeCase("int4range[]", ["{\"[1,2)\",NULL,empty}"]),
        TypeCase("int4multirange", ["{}", "{[1,2),[5,9)}", "{(,)}"], since: 14),
        TypeCase("tstzmultirange", ["{[\"2026-03-29 02:30:00+02\",infinity)}"], since: 14),
        TypeCase("nummultirange[]", ["{\"{[1.10,2]}\",\"{}\"}"], since: 14),
    ]

    private static let named = [
        TypeCase("money", ["$1,234.11", "-92233720368547758.08", "92233720368547758.07", "0"]),
        TypeCase("xml", ["<a b=\"c\">&lt;</a>", "text only", "x<b/>y", "", "<?xml version=\"1.0\"?><a/>"]),
        TypeCase("tid", ["(0,1)", "(4294967295,65535)"]), TypeCase("xid", ["4294967295"]),
        TypeCase("xid8", ["18446744073709551615"]), TypeCase("cid", ["7"]),
        TypeCase("int2vector", ["1 2 3", ""]), TypeCase("oidvector", ["1 4294967295"]),
        TypeCase("refcursor", ["<unnamed 1>", ""]),
        TypeCase("pg_snapshot", ["10:20:10,14,15"]), TypeCase("txid_snapshot", ["10:20:"]),
        TypeCase("jsonpath", ["$.a[*] ? (@ > 1)"]),
        TypeCase("aclitem", ["postgres=r/postgres"]), TypeCase("pg_lsn[]", ["{0/0}"]),
        TypeCase("name[]", ["{\"a b\"}"]),
        TypeCase("regclass", ["pg_class", "-", "4000000001"]), TypeCase("regproc", ["pg_catalog.now", "-"]),
        TypeCase("regtype", ["int4[]", "-"]),
        TypeCase("regoperator", ["+(integer,integer)"]), TypeCase("regoper", ["0"]),
        TypeCase("regrole", ["postgres", "-"]), TypeCase("regnamespace", ["pg_catalog"]),
        TypeCase("regconfig", ["english"]), TypeCase("regdictionary", ["simple"]), TypeCase("regcollation", ["\"C\""]),
    ]
}
