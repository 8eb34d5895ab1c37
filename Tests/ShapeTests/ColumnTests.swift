// Columns meet by name: other order, more of them on new, other types, odd names; what new lacks is named and waited for.

import TestSupport
import Testing

@Suite(.blocking) struct ColumnTests {
    @Test func anotherOrderAndMoreColumnsOnNew() throws {
        let s = try Scenario.shaped(
            "order",
            old: """
                CREATE TABLE mixed (a int PRIMARY KEY, b text, c numeric); ALTER TABLE mixed ALTER b SET STORAGE EXTERNAL;
                CREATE TABLE keyless (a int, b text); ALTER TABLE keyless REPLICA IDENTITY FULL;
                """,
            new: """
                CREATE TABLE mixed (d text DEFAULT 'local', c numeric, at timestamptz DEFAULT '2001-01-01Z',
                    nr bigint GENERATED ALWAYS AS IDENTITY, b text, a int PRIMARY KEY);
                CREATE TABLE keyless (nr bigserial PRIMARY KEY, b text, e int DEFAULT 999, a int);
                """)
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO mixed VALUES (1, 'x', 1.1), (2, repeat('xyzzy', 100000), 2.2), (3, NULL, NULL);
            INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL);
            """)
        try s.expectSame("mixed", "keyless")
        let defaults = "SELECT count(*) FROM mixed WHERE d = 'local' AND nr > 0 AND at = '2001-01-01Z'"
        #expect(try s.new.value(defaults) == "3")
        try s.new.sql("UPDATE mixed SET d = 'kept ' || a, at = '2002-02-02Z'; UPDATE keyless SET e = nr")
        try s.old.sql(
            """
            UPDATE mixed SET c = 3.3; UPDATE mixed SET a = a + 10; BEGIN; UPDATE mixed SET c = 4; UPDATE mixed SET a = a + 10;
            COMMIT; UPDATE keyless SET b = 'y' WHERE a = 2; INSERT INTO mixed VALUES (1, 'again', 0);
            """)
        try s.expectSame("mixed", "keyless")
        #expect(
            try s.new.sql("SELECT a, d, at = '2002-02-02Z', length(b) FROM mixed WHERE a > 20 ORDER BY a")
                == "21|kept 1|t|1\n22|kept 2|t|500000\n23|kept 3|t|")
        #expect(try s.new.value("SELECT count(*) FROM keyless WHERE e = nr") == "3")
        try s.expectQuietEnd()
    }

    @Test(arguments: [true, false])
    func typesThatTakeOldsValues(inBinary: Bool) throws {
        let text = inBinary ? "" : "CREATE TABLE forces_text (id int PRIMARY KEY, list int[]);"
        let s = try Scenario.shaped(
            "types",
            old: text
                + """
                CREATE TABLE t (id int PRIMARY KEY, v varchar(10), n int, b text, j json, ts timestamp, i int, c char(3));
                """,
            new: text
                + """
                CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
                CREATE TABLE t (c text, i positive, ts timestamptz, j jsonb, b bytea, n bigint, v text, id bigint PRIMARY KEY);
                """)
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO t VALUES (1, 'abc', 1, 'bytes', '{"a": 1}', '2026-01-02 03:04', 7, 'xy'), (2, '', NULL, '', NULL, NULL, NULL, '');
            UPDATE t SET v = 'def', b = 'öäü' WHERE id = 1; UPDATE t SET id = 3 WHERE id = 2; INSERT INTO t (id) VALUES (4);
            DELETE FROM t WHERE id = 4;
            """)
        try s.catchUp()
        #expect(
            try s.new.sql(
                "SELECT id, v, n, convert_from(b, 'UTF8'), j->'a', ts AT TIME ZONE 'UTC', i FROM t ORDER BY id")
                == "1|def|1|öäü|1|2026-01-02 03:04:00|7\n3||||||")
        try s.expectQuietEnd()
    }

    @Test func columnsThatNewLacksAreNamedTogether() throws {
        let s = try Scenario.shaped(
            "missing",
            old: """
                CREATE TABLE t (id int PRIMARY KEY, "Wörd" varchar(7)[], n numeric(9, 3), v text); CREATE TABLE u (id int PRIMARY KEY)
                """, new: "CREATE TABLE t (v text, id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)")
        defer { s.end() }
        try s.old.sql("INSERT INTO u VALUES (1); INSERT INTO t VALUES (1, '{a,b}', 1.5, 'v'); INSERT INTO u VALUES (2)")
        try s.expectBlocked("public.t", "Wörd", "ADD COLUMN", "character varying(7)[]", "numeric(9,3)")
        #expect(try s.new.sql("SELECT count(*) FROM t; SELECT count(*) FROM u") == "0\n1")
        try s.new.sql("ALTER TABLE t ADD COLUMN \"Wörd\" varchar(7)[], ADD COLUMN n numeric(9, 3)")
        try s.expectSame("t", "u")
        // Taken away under the stream, and given back.
        try s.new.sql("ALTER TABLE t DROP COLUMN n")
        try s.old.sql("UPDATE t SET v = 'w'")
        try s.expectBlocked("public.t", "lacks", "numeric(9,3)")
        try s.new.sql("ALTER TABLE t ADD COLUMN n numeric(9, 3)")
        try s.expectSame("t", "u")
        try s.expectQuietEnd(blocked: 2)
    }

    @Test func namesThatNeedQuotes() throws {
        let s = try Scenario.shaped(
            "names",
            old: #"""
                CREATE SCHEMA "select"; CREATE TABLE "select"."table" ("order" int PRIMARY KEY, "a.b" text, """quoted""" int);
                CREATE TABLE """table""" ("Ünï cödé" int, "back\slash" text, "a'b" int, PRIMARY KEY ("Ünï cödé", "a'b"));
                CREATE TABLE nfc (id int PRIMARY KEY, U&"\00e9" int, U&"e\0301" int); CREATE TABLE "%s $1 {}" ("$1" int PRIMARY KEY, v text);
                CREATE TABLE a23456789012345678901234567890123456789012345678901234567890123 (
                    b23456789012345678901234567890123456789012345678901234567890123 int PRIMARY KEY, ctid_ int, xmin_ int);
                CREATE TABLE v (v int PRIMARY KEY, a0 int, t int, x int, k0 int, gone int, o_v int, hit int);
                CREATE TABLE f (f int, g int, n int, r int, p int); ALTER TABLE f REPLICA IDENTITY FULL;
                """#)
        defer { s.end() }
        try s.old.sql(
            #"""
            INSERT INTO "select"."table" VALUES (1, 'x', 1), (2, 'y', 2); UPDATE "select"."table" SET "a.b" = 'z';
            INSERT INTO """table""" VALUES (1, 'x', 1), (2, '\', 2); UPDATE """table""" SET "a'b" = 3, "back\slash" = '\\';
            INSERT INTO nfc VALUES (1, 2, 3); UPDATE nfc SET U&"e\0301" = 5; INSERT INTO "%s $1 {}" VALUES (1, '%'); DELETE FROM "%s $1 {}";
            INSERT INTO a23456789012345678901234567890123456789012345678901234567890123 VALUES (1, 2, 3);
            INSERT INTO v VALUES (1, 2, 3, 4, 5, 6, 7, 8), (2, 2, 3, 4, 5, 6, 7, 8); UPDATE v SET v = v + 10, x = 9; UPDATE v SET t = 0;
            DELETE FROM v WHERE v = 11; INSERT INTO f VALUES (1, 2, 3, 4, 5), (1, 2, 3, 4, 5), (2, 2, 2, 2, 2);
            UPDATE f SET g = 7 WHERE f = 1; DELETE FROM f WHERE f = 2;
            """#)
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [], "\(s.lastStarted?.tail ?? "")")
        try s.expectQuietEnd()
    }
}
