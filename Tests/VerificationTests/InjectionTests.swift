// Faults put into new while the stream runs: each is found, and named by key; nothing else is.

import TestSupport
import Testing

@Suite(.blocking) struct InjectionTests {
    static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, f float8, j json, last text);
        CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;
        CREATE TABLE words (k text COLLATE "und-x-icu" PRIMARY KEY, v int);
        CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE loose_words (k text COLLATE loose PRIMARY KEY, v int);
        CREATE TABLE odd_keys (f float8, n numeric, c char(4), v int, PRIMARY KEY (f, n, c));
        CREATE TABLE pairs (a int, b text COLLATE "C", v int, PRIMARY KEY (a, b));
        CREATE TABLE nothing_in_it (id int PRIMARY KEY);
        CREATE TABLE no_columns (); ALTER TABLE no_columns REPLICA IDENTITY FULL;
        CREATE TABLE later (id int PRIMARY KEY DEFERRABLE, v int); ALTER TABLE later REPLICA IDENTITY FULL;
        """
    static let names = [
        "t", "bag", "words", "loose_words", "odd_keys", "pairs", "nothing_in_it", "no_columns", "later", "parted",
    ].map { "public.\($0)" }
    static let parts = """
        CREATE TABLE parted (id int, day date, v text, PRIMARY KEY (id, day))
        """
    static let partitions = """
         PARTITION BY RANGE (day);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
        """
    static let rows = """
        INSERT INTO t SELECT g, 'v' || g, 1.10, 0.1, '{"a": 1}', 'end' FROM generate_series(1, 60000) g;
        UPDATE t SET v = NULL WHERE id = 4; UPDATE t SET f = '-0' WHERE id = 5;
        INSERT INTO bag SELECT g % 50, 'x' || g % 3 FROM generate_series(1, 3000) g;
        INSERT INTO words SELECT chr(97 + g % 26) || g, g FROM generate_series(1, 3000) g;
        INSERT INTO loose_words SELECT 'w' || g, g FROM generate_series(1, 300) g;
        INSERT INTO odd_keys VALUES ('-0', 1.10, 'a', 1), ('NaN', 1.1, 'b ', 2), (1.5, 'NaN', 'c', 3), ('-Infinity', 0, '', 4);
        INSERT INTO pairs SELECT g / 1000, 'k' || g, g FROM generate_series(1, 5000) g;
        INSERT INTO no_columns DEFAULT VALUES; INSERT INTO later VALUES (1, 1), (2, 2);
        INSERT INTO parted SELECT g, date '2026-01-20' + g % 30, 'p' FROM generate_series(1, 2000) g;
        """
    static let faults = """
        UPDATE t SET v = overlay(v PLACING 'w' FROM 1 FOR 1) WHERE id = 1;
        DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (-3, 'extra', 1, 1, '{}', 'end');
        UPDATE t SET v = '' WHERE id = 4; UPDATE t SET f = 0 WHERE id = 5; UPDATE t SET n = 1.1 WHERE id = 6;
        UPDATE t SET v = v || ' ' WHERE id = 7; UPDATE t SET j = '{"a":1}' WHERE id = 8;
        UPDATE t SET last = 'End' WHERE id = 9; UPDATE t SET v = 'x' WHERE id = 60000;
        UPDATE t a SET v = b.v FROM t b WHERE (a.id, b.id) IN ((30000, 30001), (30001, 30000));
        INSERT INTO bag SELECT * FROM bag LIMIT 1;
        UPDATE words SET v = 0 WHERE k = 'b53'; UPDATE loose_words SET k = 'W7' WHERE k = 'w7';
        UPDATE odd_keys SET f = 0 WHERE f = 0; UPDATE pairs SET v = -1 WHERE b = 'k2500';
        INSERT INTO no_columns DEFAULT VALUES;
        ALTER TABLE later DROP CONSTRAINT later_pkey; INSERT INTO later VALUES (2, 2);
        UPDATE parted SET v = 'q' WHERE id = 29;
        """
    static let expected = [
        "public.bag  count", "public.later  count", "public.loose_words W7 extra", "public.loose_words w7 missing",
        "public.no_columns  count", "public.odd_keys -0|1.10|a    missing", "public.odd_keys 0|1.10|a    extra",
        "public.pairs 2|k2500 different", "public.parted 29|2026-02-18 different", "public.t -3 extra",
        "public.t 1 different", "public.t 2 missing", "public.t 30000 different", "public.t 30001 different",
        "public.t 4 different", "public.t 5 different", "public.t 6 different", "public.t 60000 different",
        "public.t 7 different", "public.t 8 different", "public.t 9 different", "public.words b53 different",
    ]

    /// A scenario with the same rows on both sides, followed by `run`; columns in another order on new, further ones, and
    /// one table partitioned there only.
    static func following(_ title: String) throws -> Scenario {
        let s = try Scenario(title)
        try s.old.sql(tables + parts + ";" + rows)
        try s.new.sql(
            tables.replacing(
                "t (id int PRIMARY KEY, v text, n numeric, f float8, j json, last text)",
                with:
                    "t (last text, extra text DEFAULT 'mine', j json, f float8, n numeric, v text, id int PRIMARY KEY)")
                + parts + partitions
                + rows.replacing("INSERT INTO t SELECT", with: "INSERT INTO t (id, v, n, f, j, last) SELECT"))
        try s.prepare()
        _ = try s.start("run")
        try s.catchUp()
        return s
    }

    @Test func eachFaultIsFoundByKeyAndNothingElse() throws {
        let s = try Self.following("injected")
        defer { s.end() }
        let before = try s.verify(expecting: 0)
        #expect(before.verdict == "equal" && before.tables.count == 11)
        #expect(before.tables.allSatisfy { $0.digestOld == $0.digestNew })
        #expect(before["public.t"]?.rowsOld == 60000)

        try s.new.sql(Self.faults.replacing("t VALUES (-3, 'extra', 1, 1, '{}', 'end')", with: "t (id) VALUES (-3)"))
        let after = try s.verify("--show-values", expecting: 4)
        #expect(after.found == Self.expected)
        let row = after["public.t"]?.differences.first { $0.key == ["4"] }
        #expect(row?.oldValues == [#"(4,,1.10,0.1,"{""a"": 1}",end)"#])
        #expect(row?.newValues == [#"(4,"",1.10,0.1,"{""a"": 1}",end)"#])
        #expect(row.map { $0.old != $0.new } ?? false)
        // The same content at another time: the same digest.
        #expect(after["public.t"]?.digestOld == before["public.t"]?.digestOld)
        #expect(try s.verify("--table", "public.nothing_in_it", expecting: 0).tables.count == 1)

        let mistyped = try s.tandem("verify", "--table", "public.nothing_in")
        #expect(mistyped.exitCode == 2 && mistyped.stderr.contains("did you mean `public.nothing_in_it`?"))
        #expect(try !s.tandem("status").stdout.contains("public.nothing_in:"), "a mistake is no history")
        let words = try s.tandem("verify", "--table", "public.words")
        #expect(words.exitCode == 4)
        #expect(words.stdout.contains("k=b53: different (old "))
        #expect(!words.stdout.contains("(b53,"), "values are shown only when asked for")
    }
}
