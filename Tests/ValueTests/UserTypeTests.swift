// Types that databases make for themselves: they have other numbers on the other side, and only text says what is meant.

import TestSupport
import Testing

@Suite(.blocking) struct UserTypeTests {
    /// `%` is where the labels of an enum stand, whose order may differ.
    private static let made = """
        CREATE SCHEMA "Odd ""S";
        CREATE TYPE "Odd ""S"."Mood" AS ENUM (%);
        CREATE TABLE known (n int PRIMARY KEY); INSERT INTO known SELECT generate_series(1, 5);
        CREATE FUNCTION is_known(int) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM public.known WHERE n = $1)';
        CREATE DOMAIN price AS numeric(8,2); CREATE DOMAIN better_price AS price CHECK (VALUE < 1000);
        CREATE DOMAIN short AS varchar(3); CREATE DOMAIN required AS text NOT NULL;
        CREATE DOMAIN checked AS int CHECK (VALUE IS NULL OR public.is_known(VALUE));
        CREATE DOMAIN moods AS "Odd ""S"."Mood"[];
        CREATE TYPE small AS (a int, "b c" text[]);
        CREATE TYPE large AS (x small, y "Odd ""S"."Mood", z price, w small[], v moods);
        CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");
        CREATE TYPE price_range AS RANGE (subtype = price);
        """

    private static let cases = [
        TypeCase("\"Odd \"\"S\".\"Mood\"", ["sad", "ok", "it's \"so\""]),
        TypeCase("\"Odd \"\"S\".\"Mood\"[]", ["{ok,NULL,\"it's \\\"so\\\"\"}", "{}"]),
        TypeCase("price", ["1.10", "-0.00", "NaN"]), TypeCase("better_price", ["999.99"]),
        TypeCase("short", ["abc", "a  "]),
        TypeCase("checked", ["1", "5"]), TypeCase("moods", ["{ok,sad}", "{NULL}"]),
        TypeCase("price[]", ["{1.10,NULL}"]), TypeCase("short[]", ["{abc,\"a  \",\"\\\\\",NULL}"]),
        TypeCase("small", ["(1,\"{a,\"\"b \\\\\"\"c\"\"}\")", "(,)", "(,{})"]),
        TypeCase("small[]", ["{\"(1,{x})\",NULL,\"(,)\"}"]),
        TypeCase(
            "large",
            expressions: [
                "ROW(ROW(1, '{\"a,b\"}'), 'it''s \"so\"', 1.10, ARRAY[ROW(2, NULL)::small, NULL], '{ok}')::large",
                "ROW(NULL, NULL, NULL, NULL, NULL)::large",
            ]),
        TypeCase("large[]", expressions: ["ARRAY[ROW(ROW(1, '{}'), 'ok', 2.00, '{}', NULL)::large, NULL]"]),
        TypeCase("text_range", ["[a,\"b \\\\ c\")", "empty", "(,é]"]), TypeCase("price_range", ["[1.10,2.00)"]),
        TypeCase("text_multirange", ["{[a,b),[d,e)}"], since: 14),
    ]

    @Test func enumsDomainsCompositesAndRanges() throws {
        let carrying = try Carrying("user types")
        let s = carrying.scenario
        defer { s.end() }
        try s.old.sql(Self.made.replacing("%", with: "'sad', 'ok', 'it''s \"so\"'"))
        try s.new.sql(
            "CREATE TYPE shift AS ENUM ('x');"
                + Self.made.replacing("%", with: "'it''s \"so\"', 'ok', 'new one', 'sad'"))
        try s.both("CREATE TABLE needs (id int PRIMARY KEY, x required)")
        try carrying.create(Self.cases)
        try s.prepare()
        try s.old.sql("INSERT INTO needs VALUES (1, 'x'), (2, ''); UPDATE needs SET x = 'NULL' WHERE id = 1")
        try carrying.write(Self.cases)
        try carrying.expectCarried()
    }

    @Test func extensionsInOtherSchemas() throws {
        let carrying = try Carrying("extensions")
        let s = carrying.scenario
        defer { s.end() }
        let names = ["hstore", "citext", "ltree", "cube", "seg", "isn", "intarray"]
        let available = try Set(s.old.rows("SELECT name FROM pg_available_extensions").compactMap { $0.first ?? nil })
        guard Set(names).isSubset(of: available) else { return }
        let made = names.map { "CREATE EXTENSION \($0) SCHEMA \"Ext\";" }
        try s.old.sql("CREATE SCHEMA \"Ext\";" + made.joined())
        try s.new.sql("CREATE SCHEMA \"Ext\";" + made.reversed().joined())
        let cases = [
            TypeCase("\"Ext\".hstore", ["a=>NULL", "\"a b\"=>\"c\\\\\\\"=>\", NULL=>\"NULL\"", ""]),
            TypeCase("\"Ext\".hstore[]", ["{\"a=>1\",NULL}"]), TypeCase("\"Ext\".citext", ["Aa", "aA", "", "NULL"]),
            TypeCase("\"Ext\".citext[]", ["{A,a}"]), TypeCase("\"Ext\".ltree", ["a.b.c", ""]),
            TypeCase("\"Ext\".ltree[]", ["{a.b,c}"]), TypeCase("\"Ext\".lquery", ["a.*{1,2}.!b"]),
            TypeCase("\"Ext\".cube", ["(0.1,-0)", "(1,2),(3,4)"]),
            TypeCase("\"Ext\".seg", ["1.10 .. 2.0", "~5", "1(+-)0.2"]),
            TypeCase("\"Ext\".isbn13", ["978-0-306-40615-7"]), TypeCase("\"Ext\".query_int", ["1&(2|!3)"]),
        ]
        try carrying.carry(cases)
    }

    /// Keys that old tells apart and new's type does not, and such keys on both sides.
    @Test func keysOfATypeThatCallsDifferentValuesEqual() throws {
        let carrying = try Carrying("citext key")
        let s = carrying.scenario
        defer { s.end() }
        let isThere = try s.old.value("SELECT true FROM pg_available_extensions WHERE name = 'citext'") == "t"
        guard isThere else { return }
        try s.both("CREATE EXTENSION citext; CREATE TABLE same (x citext PRIMARY KEY, n int)")
        try s.old.sql("CREATE TABLE other (x text PRIMARY KEY, n int)")
        try s.new.sql("CREATE TABLE other (x citext PRIMARY KEY, n int)")
        try s.prepare()
        try s.old.sql(
            """
            INSERT INTO same VALUES ('a', 1), ('b', 1); UPDATE same SET x = 'A', n = 2 WHERE x = 'a'; UPDATE same SET n = 3;
            DELETE FROM same WHERE x = 'B'; INSERT INTO same VALUES ('B', 4); UPDATE same SET x = 'b' WHERE n = 4;
            INSERT INTO other VALUES ('a', 1), ('b', 1); UPDATE other SET n = 2 WHERE x = 'a'; DELETE FROM other WHERE x = 'b';
            """)
        try carrying.expectCarried()
        try s.old.sql("INSERT INTO other VALUES ('A', 3)")
        try carrying.expectRefused("public.other", "23505")
        #expect(try s.new.sql("SELECT * FROM other") == "a|2")
    }

    /// Functions on new run with an empty search path, so that settings cannot change what they mean.
    @Test func aDomainWhoseFunctionFindsItsTableByPathIsRefused() throws {
        let carrying = try Carrying("path")
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE known (n int PRIMARY KEY); INSERT INTO known VALUES (1);
            CREATE FUNCTION is_known(int) RETURNS bool LANGUAGE plpgsql STABLE AS 'BEGIN RETURN EXISTS (SELECT FROM known WHERE n = $1); END';
            CREATE DOMAIN checked AS int CHECK (is_known(VALUE)); CREATE TABLE t (id int PRIMARY KEY, x checked)
            """)
        try s.prepare()
        try s.old.sql("INSERT INTO t VALUES (1, 1)")
        try carrying.expectRefused("public.t", "known", "does not exist", "42P01")
        try s.new.sql("ALTER FUNCTION is_known(int) SET search_path = public")
        try carrying.expectCarried()
    }

    /// Types without a send function, and casts from text that are not the type's input function.
    @Test func baseTypesWithoutSendAndCastsFromText() throws {
        let carrying = try Carrying("base types")
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE TYPE plain; CREATE FUNCTION plain_in(cstring) RETURNS plain LANGUAGE internal IMMUTABLE STRICT AS 'textin';
            CREATE FUNCTION plain_out(plain) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
            CREATE TYPE plain (INPUT = plain_in, OUTPUT = plain_out, INTERNALLENGTH = VARIABLE);
            CREATE FUNCTION shout(text) RETURNS plain LANGUAGE internal IMMUTABLE STRICT AS 'upper';
            CREATE CAST (text AS plain) WITH FUNCTION shout(text) AS ASSIGNMENT;
            CREATE TYPE colour AS ENUM ('red', 'a "b\\c'); CREATE TYPE pair AS (a int, b text);
            CREATE FUNCTION always_red(text) RETURNS colour LANGUAGE sql IMMUTABLE AS 'SELECT ''red''::colour';
            CREATE CAST (text AS colour) WITH FUNCTION always_red(text);
            CREATE FUNCTION no_pair(text) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW(0, ''lost'')::pair';
            CREATE CAST (text AS pair) WITH FUNCTION no_pair(text) AS ASSIGNMENT;
            CREATE FUNCTION zero(text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
            CREATE CAST (text AS int) WITH FUNCTION zero(text);
            """)
        let cases = [
            TypeCase("plain", expressions: ["plain_in('quiet')", "plain_in('')"]),
            TypeCase("plain[]", ["{a,\"b c\",NULL}"]),
            TypeCase("colour", expressions: ["enum_last(NULL::colour)", "enum_first(NULL::colour)"]),
            TypeCase("pair", expressions: ["ROW(1, 'x \"y\\')::pair", "ROW(NULL, '')::pair"]),
            TypeCase("int", ["7"]), TypeCase("colour[]", ["{red}"]),
        ]
        try carrying.carry(cases)
    }

    /// A type that cannot be sent makes text of everything; given a send function later, it still does.
    @Test func whatHasNoBinaryFormTravelsAsText() throws {
        let carrying = try Carrying("no send", .binary)
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE TYPE plain; CREATE FUNCTION plain_in(cstring) RETURNS plain LANGUAGE internal IMMUTABLE STRICT AS 'textin';
            CREATE FUNCTION plain_out(plain) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
            CREATE TYPE plain (INPUT = plain_in, OUTPUT = plain_out, INTERNALLENGTH = VARIABLE);
            CREATE TABLE t (id int PRIMARY KEY, x plain, n numeric)
            """)
        try s.prepare()
        func follow() throws {
            let outcome = try s.tandem("run", "--until", "caught-up")
            #expect(outcome.exitCode == 0 && outcome.stderr.contains("detail=text"), "\(outcome.stderr)")
            let query = "SELECT id, plain_out(x), n FROM t ORDER BY id"
            #expect(try s.old.sql(query) == s.new.sql(query))
        }
        try s.old.sql("INSERT INTO t VALUES (1, 'a \"b\\', 1.10), (2, NULL, 'NaN'); UPDATE t SET x = 'c' WHERE id = 2")
        try follow()
        try s.both(
            """
            CREATE FUNCTION plain_send(plain) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
            ALTER TYPE plain SET (SEND = plain_send)
            """)
        try s.old.sql("INSERT INTO t VALUES (3, 'later', 0.00); DELETE FROM t WHERE id = 1")
        try follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "2")
    }

    @Test func aCastFromTextToAnArrayIsRefusedByName() throws {
        let carrying = try Carrying("array cast")
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (id int PRIMARY KEY, x int[]);
            CREATE FUNCTION no_list(text) RETURNS int[] LANGUAGE sql IMMUTABLE AS 'SELECT NULL::int[]';
            CREATE CAST (text AS int[]) WITH FUNCTION no_list(text);
            """)
        try s.prepare()
        try s.old.sql("INSERT INTO t VALUES (1, '{1,2}')")
        try carrying.expectRefused("public.t", "integer[]", "DROP CAST (text AS integer[])")
        try s.new.sql("DROP CAST (text AS integer[])")
        try carrying.expectCarried()
    }

    @Test func aLabelThatNewLacksBlocksUntilItIsThere() throws {
        let carrying = try Carrying("label")
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            "CREATE SCHEMA \"Q\"; CREATE TYPE \"Q\".\"E\" AS ENUM ('a'); CREATE TABLE t (id int PRIMARY KEY, x \"Q\".\"E\")"
        )
        try s.prepare()
        try s.old.sql(
            "INSERT INTO t VALUES (1, 'a'); ALTER TYPE \"Q\".\"E\" ADD VALUE 'later'; INSERT INTO t VALUES (2, 'later'), (3, 'a')"
        )
        try carrying.expectRefused("public.t", "invalid input value for enum", "22P02")
        #expect(try s.new.sql("SELECT * FROM t") == "1|a")
        try s.new.sql("ALTER TYPE \"Q\".\"E\" ADD VALUE 'later' BEFORE 'a'")
        try carrying.expectCarried()
    }

    /// Old's rows bear the label that was valid when they were written, and new is given the same one in its own time.
    @Test func aLabelThatChangesItsNameBlocksUntilNewFollows() throws {
        let carrying = try Carrying("renamed label")
        let s = carrying.scenario
        defer { s.end() }
        try s.both("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int PRIMARY KEY, x mood, l mood[])")
        try s.prepare()
        try s.old.sql(
            """
            INSERT INTO t VALUES (1, 'sad', '{ok,sad}'); ALTER TYPE mood RENAME VALUE 'sad' TO 'so-so'; UPDATE t SET l = '{ok}';
            INSERT INTO t VALUES (2, 'so-so', '{}')
            """)
        try carrying.expectRefused("public.t", "invalid input value for enum", "22P02")
        #expect(try s.new.sql("SELECT * FROM t") == "1|sad|{ok,sad}")
        try s.new.sql("ALTER TYPE mood RENAME VALUE 'sad' TO 'so-so'")
        try carrying.expectCarried()
    }
}
