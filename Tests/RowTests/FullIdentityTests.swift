// Tables without any key, REPLICA IDENTITY FULL: rows are told apart by every byte they hold and by nothing else, and of
// several equal rows exactly as many change as on old.

import TestSupport
import Testing

@Suite(.blocking) struct FullIdentityTests {
    @Test(arguments: Travel.allCases)
    func equalRowsAndNulls(_ travel: Travel) throws {
        try follow(
            "full", travel,
            tables: """
                CREATE TABLE numbers (a int); ALTER TABLE numbers REPLICA IDENTITY FULL;
                CREATE TABLE words (x text); ALTER TABLE words REPLICA IDENTITY FULL;
                CREATE TABLE several (a int, b text, c numeric); ALTER TABLE several REPLICA IDENTITY FULL;
                CREATE TABLE indexed (a int, b text); ALTER TABLE indexed REPLICA IDENTITY FULL;
                CREATE INDEX ON indexed (a);
                CREATE TABLE odd_indexes (a int, b text, c int); ALTER TABLE odd_indexes REPLICA IDENTITY FULL;
                CREATE INDEX ON odd_indexes (a) WHERE a > 5; CREATE INDEX ON odd_indexes (lower(b));
                CREATE INDEX ON odd_indexes USING hash (c);
                CREATE TABLE loosely_unique (a int UNIQUE, b text); ALTER TABLE loosely_unique REPLICA IDENTITY FULL;
                CREATE TABLE no_columns (); ALTER TABLE no_columns REPLICA IDENTITY FULL;
                """,
            [
                "INSERT INTO numbers SELECT generate_series(1, 10); INSERT INTO numbers SELECT generate_series(1, 10)",
                "UPDATE numbers SET a = a * a",
                "UPDATE numbers SET a = a",
                "DELETE FROM numbers WHERE ctid IN (SELECT min(ctid) FROM numbers WHERE a IN (4, 9) GROUP BY a)",
                "INSERT INTO words VALUES ('a'), ('b'), ('b'), (NULL), (NULL), ('')",
                "UPDATE words SET x = 'bb' WHERE x = 'b'",
                "DELETE FROM words WHERE ctid = (SELECT min(ctid) FROM words WHERE x IS NULL)",
                "DELETE FROM words WHERE ctid = (SELECT min(ctid) FROM words WHERE x = 'bb')",
                "INSERT INTO several SELECT g % 3, nullif(g % 4, 0)::text, nullif(g % 5, 0) / 10.0 FROM generate_series(1, 60) g",
                "UPDATE several SET c = coalesce(c, 0) + 1 WHERE b IS NULL; UPDATE several SET b = NULL WHERE c IS NULL",
                "UPDATE several SET a = a, b = b, c = c",
                // A row that becomes like another, and goes; one that comes back as it was.
                "UPDATE several SET a = 7, b = '7', c = 7 WHERE a = 1; DELETE FROM several WHERE ctid = (SELECT min(ctid) FROM several WHERE a = 7)",
                "INSERT INTO several VALUES (99, 'x', 1.0); DELETE FROM several WHERE a = 99; INSERT INTO several VALUES (99, 'x', 1.00)",
                "INSERT INTO indexed SELECT nullif(g % 4, 0), 'v' || g % 3 FROM generate_series(1, 40) g",
                "UPDATE indexed SET b = 'w' WHERE a IS NULL; UPDATE indexed SET a = NULL WHERE a = 1; DELETE FROM indexed WHERE b = 'v1'",
                "INSERT INTO odd_indexes SELECT g % 12, chr(65 + g % 5), nullif(g % 6, 0) FROM generate_series(1, 60) g",
                "UPDATE odd_indexes SET a = a + 1; DELETE FROM odd_indexes WHERE a = 6; UPDATE odd_indexes SET c = NULL WHERE b = 'B'",
                "INSERT INTO loosely_unique VALUES (1, 'a'), (NULL, 'n'), (NULL, 'n'), (2, 'b')",
                "UPDATE loosely_unique SET b = 'm' WHERE ctid = (SELECT min(ctid) FROM loosely_unique WHERE a IS NULL)",
                "UPDATE loosely_unique SET a = 3 WHERE a = 1; UPDATE loosely_unique SET a = 1 WHERE a = 2",
                "INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns DEFAULT VALUES",
                "DELETE FROM no_columns WHERE ctid = (SELECT min(ctid) FROM no_columns)",
            ])
    }

    /// Rows that `=` calls equal and that hold different bytes: exactly the one that was meant changes.
    @Test(arguments: Travel.allCases)
    func equalButNotTheSame(_ travel: Travel) throws {
        var columns = [
            ("float8", "-0", "0"), ("float4", "-0", "0"), ("numeric", "1.10", "1.1"), ("numeric", "0.00", "0"),
            ("interval", "1 mon", "30 days"), ("interval", "24:00", "1 day"), ("jsonb", "{\"a\":1.0}", "{\"a\":1.00}"),
            ("timetz", "12:00:00+00", "13:00:00+01"), ("text COLLATE public.blind", "A", "a"),
            ("json", "{\"a\":1}", "{\"a\": 1}"),
        ]
        if travel == .text {
            columns += [
                ("float4[]", "{-0}", "{0}"), ("numrange", "[1.0,2)", "[1,2)"), ("public.citext", "A", "a"),
                ("numeric[]", "{1.0,NULL}", "{1.00,NULL}"), ("public.amount", "(1.0)", "(1.00)"),
            ]
        }
        let tables = columns.indices.map { place in
            "CREATE TABLE t\(place) (v \(columns[place].0), tag text); ALTER TABLE t\(place) REPLICA IDENTITY FULL;"
                + " CREATE TABLE i\(place) (v \(columns[place].0), tag text); ALTER TABLE i\(place) REPLICA IDENTITY FULL;"
                + " CREATE INDEX ON i\(place) (tag);"
        }
        let transactions = columns.indices.flatMap { place in
            ["t", "i"].flatMap { letter -> [String] in
                let (table, one, other) = ("\(letter)\(place)", columns[place].1, columns[place].2)
                return [
                    "INSERT INTO \(table) VALUES ('\(one)', 'A'), ('\(other)', 'A'), ('\(one)', 'A')",
                    "UPDATE \(table) SET tag = 'B' WHERE v::text = (SELECT '\(other)'::\(columns[place].0.prefix { $0 != " " })::text)",
                    "INSERT INTO \(table) VALUES ('\(one)', 'C'), ('\(other)', 'C')",
                    "DELETE FROM \(table) WHERE tag = 'C' AND v::text = (SELECT '\(one)'::\(columns[place].0.prefix { $0 != " " })::text)",
                ]
            }
        }
        let following = try Following("bytes", travel)
        defer { following.scenario.end() }
        try following.scenario.both(
            """
            CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TYPE public.amount AS (n numeric); CREATE EXTENSION citext SCHEMA public;
            """)
        try following.create(tables.joined(separator: "\n"), [.gathered, .whole])
        try following.run(transactions, [.gathered, .whole])
    }

    /// Types that have no equality at all.
    @Test(arguments: Travel.allCases)
    func typesWithoutEquality(_ travel: Travel) throws {
        var columns = [
            ("json", "[1, 2]", "[2]"), ("point", "(1,2)", "(3,4)"),
            ("polygon", "((0,0),(1,1),(2,0))", "((0,0),(1,1),(2,2))"),
            ("line", "{1,2,3}", "{1,2,4}"), ("lseg", "[(0,0),(1,1)]", "[(0,0),(1,2)]"),
            ("path", "[(0,0),(1,1)]", "((0,0),(1,1))"),
            ("box", "(1,1),(0,0)", "(2,1),(0,0)"), ("circle", "<(0,0),1>", "<(0,0),2>"),
        ]
        if travel == .text {
            columns += [
                ("xml", "<a/>", "<b/>"), ("jsonpath", "$.a", "$.b"), ("pg_snapshot", "10:20:", "10:30:"),
                ("txid_snapshot", "10:20:", "10:30:"), ("refcursor", "a", "b"),
                ("public.spot", "(\"(1,2)\")", "(\"(3,4)\")"),
                ("json[]", "{\"[1]\"}", "{\"[ 1]\"}"),
            ]
        }
        let tables = columns.indices.map { place in
            "CREATE TABLE t\(place) (id int, v \(columns[place].0)); ALTER TABLE t\(place) REPLICA IDENTITY FULL;"
        }
        let transactions = columns.indices.flatMap { place -> [String] in
            let (table, one, other) = ("t\(place)", columns[place].1, columns[place].2)
            return [
                "INSERT INTO \(table) VALUES (1, '\(one)'), (2, '\(other)'), (3, NULL), (4, '\(one)'), (4, '\(one)'), (4, '\(other)')",
                "UPDATE \(table) SET id = 10 WHERE id = 1; UPDATE \(table) SET v = '\(other)' WHERE id = 10",
                "UPDATE \(table) SET v = '\(one)' WHERE v IS NULL; UPDATE \(table) SET v = NULL WHERE id = 2",
                "DELETE FROM \(table) WHERE ctid = (SELECT min(ctid) FROM \(table) WHERE id = 4)",
                "DELETE FROM \(table) WHERE id = 10",
            ]
        }
        let following = try Following("no equality", travel)
        defer { following.scenario.end() }
        try following.scenario.both("CREATE TYPE public.spot AS (p point)")
        try following.create(tables.joined(separator: "\n"), [.gathered, .whole])
        try following.run(transactions, [.gathered, .whole])
    }

    /// Columns that came with a default for rows that were there before, and columns that went: at other places on new.
    @Test(arguments: Travel.allCases)
    func columnsThatCameAndWent(_ travel: Travel) throws {
        let common = "ALTER TABLE fast REPLICA IDENTITY FULL; ALTER TABLE gone REPLICA IDENTITY FULL;"
        try follow(
            "came and went", travel,
            tables: """
                CREATE TABLE fast (a int NOT NULL); INSERT INTO fast VALUES (1), (2);
                ALTER TABLE fast ADD COLUMN b bool DEFAULT false NOT NULL;
                CREATE TABLE gone (x int, a int, y text, b text, z int); ALTER TABLE gone DROP COLUMN y;
                INSERT INTO gone VALUES (9, 1, 'one', 9), (9, 2, NULL, 9);
                ALTER TABLE gone DROP COLUMN x, DROP COLUMN z;
                CREATE TABLE kept (gone int, id int PRIMARY KEY, v text); ALTER TABLE kept DROP COLUMN gone; \(common)
                """,
            onNew: """
                CREATE TABLE fast (b bool, a int NOT NULL); INSERT INTO fast VALUES (false, 1), (false, 2);
                CREATE TABLE gone (b text, w int, a int, u int); ALTER TABLE gone DROP COLUMN w, DROP COLUMN u;
                INSERT INTO gone VALUES ('one', 1), (NULL, 2);
                CREATE TABLE kept (v text, t int, id int PRIMARY KEY, own text DEFAULT 'own'); ALTER TABLE kept DROP COLUMN t;
                \(common)
                """,
            [
                "UPDATE fast SET a = a + 1; INSERT INTO fast VALUES (7, true)",
                "UPDATE gone SET b = coalesce(b, 'was null'); INSERT INTO gone VALUES (3, NULL)",
                "DELETE FROM gone WHERE a = 1; UPDATE gone SET a = a + 1",
                "INSERT INTO kept VALUES (1, 'a'), (2, 'b'); UPDATE kept SET v = 'c' WHERE id = 2; UPDATE kept SET id = 3 WHERE id = 1",
            ])
    }

    /// Every row of a big table without a key is updated: that must not take time by the square of it.
    @Test func everyRowOfABigTable() throws {
        let s = try Scenario("big full")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t SELECT g % 5000, 'b' || g % 7 FROM generate_series(1, 20000) g")
        try s.old.sql("UPDATE t SET b = b || '!'")
        try s.old.sql("DELETE FROM t WHERE a % 2 = 0")
        try expectHealthy(s)
    }

    /// New has more rows than old, equal to the one that changes but for one column, under a unique index that does not
    /// tell them apart by itself: one row changes. Also where new is partitioned.
    @Test(arguments: Travel.allCases)
    func newHasMoreRows(_ travel: Travel) throws {
        let following = try Following("more rows", travel)
        let s = following.scenario
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE u (a int, b int); CREATE UNIQUE INDEX ON u (a, b); ALTER TABLE u REPLICA IDENTITY FULL;
            CREATE TABLE p (a int, b text); ALTER TABLE p REPLICA IDENTITY FULL;
            """)
        try s.new.sql(
            """
            CREATE TABLE u (a int, b int); CREATE UNIQUE INDEX ON u (a, b); ALTER TABLE u REPLICA IDENTITY FULL;
            INSERT INTO u VALUES (1, NULL), (1, NULL), (2, 1), (1, 2);
            CREATE TABLE p (a int, b text) PARTITION BY LIST (a);
            CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1, 2); CREATE TABLE p2 PARTITION OF p DEFAULT;
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql(
            """
            INSERT INTO u VALUES (1, NULL), (1, 1); UPDATE u SET a = 5 WHERE b IS NULL; UPDATE u SET b = 7 WHERE b = 1;
            INSERT INTO p SELECT g % 4, 'x' FROM generate_series(1, 12) g; UPDATE p SET b = 'y' WHERE a = 1;
            UPDATE p SET a = 3 WHERE ctid = (SELECT min(ctid) FROM p WHERE a = 2); DELETE FROM p WHERE a = 0;
            """)
        let tables = ["public.p", "public._marker"]
        try expectHealthy(s, tables: tables)
        let rows = try s.new.sql("SELECT a || '/' || coalesce(b, -1) FROM u ORDER BY 1")
        #expect(rows.split(separator: "\n") == ["1/-1", "1/-1", "1/2", "1/7", "2/1", "5/-1"])
    }
}
