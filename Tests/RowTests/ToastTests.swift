// Large values are stored out of line, and an update that does not touch one does not send it: what was there must
// survive, however changes are folded together, moved, or found missing.
//
// Row filters, which would have to see such values on old, are not tested: tandem publishes without filters.

import TestSupport
import Testing

@Suite struct ToastTests {
    @Test(arguments: Travel.allCases)
    func untouchedValuesSurvive(_ travel: Travel) throws {
        try follow(
            "toast", travel,
            tables: """
                CREATE TABLE mixed (a int PRIMARY KEY, b text, c numeric);
                CREATE TABLE tt (id int PRIMARY KEY, v int, big text); ALTER TABLE tt ALTER big SET STORAGE EXTERNAL;
                CREATE TABLE whole (id int, v int, big text); ALTER TABLE whole ALTER big SET STORAGE EXTERNAL;
                ALTER TABLE whole REPLICA IDENTITY FULL;
                CREATE TABLE keyed_full (id int PRIMARY KEY, v int, big text); ALTER TABLE keyed_full ALTER big SET STORAGE EXTERNAL;
                ALTER TABLE keyed_full REPLICA IDENTITY FULL;
                CREATE TABLE several (id int PRIMARY KEY, a text, j jsonb, y bytea, v int);
                ALTER TABLE several ALTER a SET STORAGE EXTERNAL, ALTER y SET STORAGE EXTERNAL;
                """,
            [
                "INSERT INTO mixed VALUES (1, 'foo', 1.1), (2, 'bar', 2.2)",
                "UPDATE mixed SET b = repeat('xyzzy', 100000) WHERE a = 2",
                "UPDATE mixed SET c = 3.3 WHERE a = 2",
                "UPDATE mixed SET a = 3 WHERE a = 2",
                "INSERT INTO tt SELECT g, g, repeat(md5(g::text), 150) FROM generate_series(1, 3) g",
                "INSERT INTO tt SELECT 9, 9, big FROM tt WHERE id = 2; UPDATE tt SET v = 10 WHERE id = 9; UPDATE tt SET id = 10 WHERE id = 9",
                "UPDATE tt SET big = repeat('new', 2000) WHERE id = 10; UPDATE tt SET v = 11 WHERE id = 10",
                "UPDATE tt SET id = 11 WHERE id = 10",
                "UPDATE tt SET v = 12 WHERE id = 11",
                "UPDATE tt SET id = 12 WHERE id = 11; UPDATE tt SET v = 13 WHERE id = 12; UPDATE tt SET id = 13 WHERE id = 12",
                "DELETE FROM tt WHERE id = 1; INSERT INTO tt VALUES (1, 1, repeat('one', 2000)); UPDATE tt SET v = 2 WHERE id = 1",
                "UPDATE tt SET v = v + 1; UPDATE tt SET v = v + 1; UPDATE tt SET big = NULL WHERE id = 3; UPDATE tt SET v = v + 1",
                "INSERT INTO whole SELECT g % 3, g, repeat(md5((g % 2)::text), 150) FROM generate_series(1, 8) g",
                "UPDATE whole SET v = v + 1",
                "UPDATE whole SET id = id + 1; UPDATE whole SET v = 0 WHERE id = 2; UPDATE whole SET big = 'small' WHERE id = 3",
                "DELETE FROM whole WHERE ctid = (SELECT min(ctid) FROM whole WHERE id = 2)",
                "INSERT INTO keyed_full SELECT g, g, repeat(md5(g::text), 150) FROM generate_series(1, 4) g",
                "UPDATE keyed_full SET v = v + 1; UPDATE keyed_full SET id = id + 10; UPDATE keyed_full SET v = v + 1",
                "DELETE FROM keyed_full WHERE id = 11; UPDATE keyed_full SET big = repeat('q', 9000), id = 99 WHERE id = 12",
                "UPDATE keyed_full SET v = 7 WHERE id = 99",
                """
                INSERT INTO several SELECT g, repeat(md5(g::text), 150), jsonb_object_agg(h, md5(h::text)),
                    decode(repeat(md5(g::text), 150), 'hex'), g
                FROM generate_series(1, 4) g, generate_series(1, 300) h GROUP BY g
                """,
                "UPDATE several SET v = v + 1",
                "UPDATE several SET a = 'short' WHERE id = 1; UPDATE several SET j = '{}' WHERE id = 2; UPDATE several SET y = '' WHERE id = 3",
                "UPDATE several SET v = v + 1; UPDATE several SET id = id + 10; UPDATE several SET j = j || '{\"more\": 1}' WHERE id = 14",
            ])
    }

    @Test func untouchedValuesOfTypesOfOnesOwn() throws {
        let following = try Following("toast types", .text)
        defer { following.scenario.end() }
        try following.scenario.both("CREATE EXTENSION hstore SCHEMA public")
        try following.create(
            """
            CREATE TABLE lists (id int PRIMARY KEY, t text[], n int[], u uuid[], d date[], h public.hstore, v int);
            ALTER TABLE lists ALTER t SET STORAGE EXTERNAL, ALTER n SET STORAGE EXTERNAL, ALTER u SET STORAGE EXTERNAL,
                ALTER d SET STORAGE EXTERNAL, ALTER h SET STORAGE EXTERNAL;
            """,
            [.gathered, .whole])
        try following.run(
            [
                """
                INSERT INTO lists SELECT g, array_agg(md5(h::text)), array_agg(h), array_agg(md5(h::text)::uuid),
                    array_agg(date '2020-01-01' + h), public.hstore(array_agg(h::text), array_agg(md5(h::text))), 1
                FROM generate_series(1, 3) g, generate_series(1, 1000) h GROUP BY g
                """,
                "UPDATE lists SET v = 2",
                "UPDATE lists SET id = id + 10; UPDATE lists SET v = 3; UPDATE lists SET t = '{}' WHERE id = 11",
                "UPDATE lists SET n = n || 1 WHERE id = 12; UPDATE lists SET v = 4; DELETE FROM lists WHERE id = 13",
            ], [.gathered, .whole])
    }

    /// The key itself is large and does not change: then it is left out of the new row like any other value.
    @Test(arguments: Travel.allCases)
    func largeKeys(_ travel: Travel) throws {
        try follow(
            "large keys", travel,
            tables: """
                CREATE TABLE keyed (k text, id int, v int, w text, PRIMARY KEY (k, id)); ALTER TABLE keyed ALTER k SET STORAGE EXTERNAL;
                CREATE TABLE huge (k text, v int); ALTER TABLE huge ALTER k SET STORAGE EXTERNAL; ALTER TABLE huge REPLICA IDENTITY FULL;
                """,
            [
                // An index entry holds up to a third of a page, and values above 2 kB go out of line.
                "INSERT INTO keyed SELECT repeat(md5(g::text), 75), g, 1, repeat('w', 500) FROM generate_series(1, 4) g",
                "UPDATE keyed SET v = 2",
                "UPDATE keyed SET id = id + 10",
                "UPDATE keyed SET k = repeat('k', 2300) WHERE id = 11; UPDATE keyed SET v = 3",
                "DELETE FROM keyed WHERE id = 12",
                "INSERT INTO huge SELECT repeat(md5(g::text), 4000), g FROM generate_series(1, 3) g",
                "UPDATE huge SET v = v + 1; UPDATE huge SET k = k || 'x' WHERE v = 2",
                "DELETE FROM huge WHERE v = 3",
            ])
    }

    @Test(arguments: Travel.allCases)
    func partitionKeyChangesUnderALargeValue(_ travel: Travel) throws {
        let keys = "CREATE TABLE flat (id int PRIMARY KEY, region text, big text, v int);"
        let parts = """
            CREATE TABLE parted (id int, region text, big text, v int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
            CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a'); CREATE TABLE parted_b PARTITION OF parted FOR VALUES IN ('b');
            """
        try follow(
            "moving parts", travel, tables: keys + parts,
            onNew: """
                CREATE TABLE flat (id int, region text, big text, v int) PARTITION BY LIST (region);
                CREATE TABLE flat_a PARTITION OF flat FOR VALUES IN ('a'); CREATE TABLE flat_b PARTITION OF flat FOR VALUES IN ('b');
                \(parts)
                """,
            compare: ["flat", "parted", "parted_a", "parted_b"],
            [
                "INSERT INTO flat SELECT g, 'a', repeat(md5(g::text), 500), 0 FROM generate_series(1, 4) g",
                "UPDATE flat SET v = 1",
                "UPDATE flat SET region = 'b' WHERE id > 2",
                "UPDATE flat SET v = 2; DELETE FROM flat WHERE id = 4",
                "INSERT INTO parted SELECT g, 'a', repeat(md5(g::text), 500), 0 FROM generate_series(1, 4) g",
                "UPDATE parted SET v = 1",
                "UPDATE parted SET region = 'b' WHERE id > 2",
                "UPDATE parted SET v = 2; DELETE FROM parted WHERE id = 4",
            ])
    }

    /// A table is rewritten, dropped or filled by COPY around large values, before tandem has read any of it.
    @Test(arguments: Travel.allCases)
    func rewrittenDroppedAndCopied(_ travel: Travel) throws {
        let following = try Following("rewritten", travel)
        let s = following.scenario
        defer { s.end() }
        let paces: [Pace] = [.gathered, .whole]
        let tables = """
            CREATE TABLE rewritten (id int PRIMARY KEY, n int, big text); ALTER TABLE rewritten ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE dropped (id int PRIMARY KEY, v int, big text); ALTER TABLE dropped ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE copied (id int PRIMARY KEY, a text, b text);
            """
        try following.create(tables, onNew: tables.replacing("n int", with: "n bigint"), paces)
        try s.prepare()
        for pace in paces {
            try following.write(
                [
                    "INSERT INTO rewritten SELECT g, g, repeat(md5(g::text), 150) FROM generate_series(1, 3) g",
                    "UPDATE rewritten SET n = 5; ALTER TABLE rewritten ALTER n TYPE bigint; UPDATE rewritten SET n = n + 1",
                    "UPDATE rewritten SET n = n + 1; INSERT INTO rewritten SELECT id + 10, n, big FROM rewritten",
                    "INSERT INTO dropped SELECT g, g, repeat(md5(g::text), 150) FROM generate_series(1, 3) g",
                    "UPDATE dropped SET v = v + 1",
                    #"""
                    COPY copied FROM PROGRAM 'awk ''BEGIN { big = "long "; while (length(big) < 200000) big = big big;
                        for (i = 1; i <= 203; i++) print i "," (i % 50 ? "plain" : big) "," }''' (FORMAT csv)
                    """#,
                    "UPDATE copied SET b = 'y' WHERE id % 25 = 0",
                    "UPDATE dropped SET v = v + 1; DROP TABLE dropped",
                ], pace)
        }
        _ = try s.start("run")
        let dropped = Set(paces.map { "\($0.rawValue).dropped" })
        try expectHealthy(s, except: dropped)
        for pace in paces {
            let rows = try s.new.value(
                "SELECT string_agg(v || ':' || length(big), ',' ORDER BY id) FROM \(pace.rawValue).dropped")
            #expect(rows == "3:4800,4:4800,5:4800")
        }
    }
}
