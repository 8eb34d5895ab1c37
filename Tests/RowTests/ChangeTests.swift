// Inserts, updates and deletes of tables with a primary key or with no need for one: what arrives is what was written.

import TestSupport
import Testing

@Suite(.blocking) struct ChangeTests {
    @Test(arguments: Travel.allCases)
    func plainChanges(_ travel: Travel) throws {
        try follow(
            "plain", travel,
            tables: """
                CREATE TABLE rep (a int PRIMARY KEY);
                CREATE TABLE covered (a int, b text, c int, CONSTRAINT covering PRIMARY KEY (a) INCLUDE (b));
                CREATE TABLE full_keyed (a int PRIMARY KEY, b text); ALTER TABLE full_keyed REPLICA IDENTITY FULL;
                CREATE TABLE whole_key (a int, b text, PRIMARY KEY (a, b));
                CREATE TABLE nothing (a int, b text); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
                CREATE TABLE busy (id int PRIMARY KEY, n int NOT NULL, note text NOT NULL);
                """,
            [
                "INSERT INTO rep SELECT generate_series(1, 50)",
                "DELETE FROM rep WHERE a > 20",
                "UPDATE rep SET a = -a",
                "UPDATE rep SET a = -a; UPDATE rep SET a = -a",
                "UPDATE rep SET a = a",
                "INSERT INTO covered SELECT g, 'b' || g, g FROM generate_series(1, 6) g",
                "UPDATE covered SET b = 'changed' WHERE a = 2",
                "UPDATE covered SET c = c + 1",
                "UPDATE covered SET a = a + 10 WHERE a = 3",
                "DELETE FROM covered WHERE a = 5",
                "INSERT INTO full_keyed SELECT g, 'b' || g FROM generate_series(1, 6) g",
                "UPDATE full_keyed SET b = NULL WHERE a < 3; UPDATE full_keyed SET a = a + 10 WHERE a = 3",
                "DELETE FROM full_keyed WHERE b IS NULL; UPDATE full_keyed SET b = b",
                "INSERT INTO whole_key SELECT g, 'b' || g FROM generate_series(1, 6) g",
                "UPDATE whole_key SET a = a; UPDATE whole_key SET b = 'x' WHERE a < 4; DELETE FROM whole_key WHERE a = 6",
                "INSERT INTO nothing VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
                // The same row over and over, in one transaction and from one to the next.
                "INSERT INTO busy VALUES (1, 1, 'a'); UPDATE busy SET n = 2; UPDATE busy SET n = 3; DELETE FROM busy",
                "INSERT INTO busy VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')",
                "DELETE FROM busy WHERE id = 1; INSERT INTO busy VALUES (1, 10, 'again')",
                "DELETE FROM busy WHERE id = 2",
                "INSERT INTO busy VALUES (2, 20, 'back')",
                "DELETE FROM busy WHERE id = 2",
                "INSERT INTO busy VALUES (2, 21, 'back again')",
                "INSERT INTO busy VALUES (9, 9, 'brief')",
                "UPDATE busy SET n = 10 WHERE id = 9",
                "DELETE FROM busy WHERE id = 9",
                "UPDATE busy SET id = 4 WHERE id = 3; INSERT INTO busy VALUES (3, 30, 'in its place')",
                "UPDATE busy SET id = -1 WHERE id = 1; UPDATE busy SET id = 1 WHERE id = 2; UPDATE busy SET id = 2 WHERE id = -1",
                "UPDATE busy SET id = -id; UPDATE busy SET id = -id",
                "UPDATE busy SET id = id + 100",
                "UPDATE busy SET id = id - 100, n = n + 1",
                "UPDATE busy SET id = 50, n = 51 WHERE id = 4; UPDATE busy SET n = 52 WHERE id = 50; DELETE FROM busy WHERE id = 50",
            ])
    }

    /// Old keys come with NULL in every other column, which must not be taken for values.
    @Test(arguments: Travel.allCases)
    func keyChangesOfColumnsThatMayNotBeNull(_ travel: Travel) throws {
        try follow(
            "key changes", travel,
            tables: """
                CREATE TABLE single (id int PRIMARY KEY, v int NOT NULL, big text NOT NULL);
                CREATE TABLE double (a int, b text, v int NOT NULL, PRIMARY KEY (b, a));
                CREATE TABLE mixed (u uuid, t timestamptz, y bytea, n numeric, c char(3), v int NOT NULL,
                    PRIMARY KEY (u, t, y, n, c));
                """,
            [
                "INSERT INTO single VALUES (1, 1, 'one'), (2, 2, 'two')",
                "UPDATE single SET id = 3 WHERE id = 2",
                "UPDATE single SET id = 4, v = 9 WHERE id = 3",
                "INSERT INTO double VALUES (1, 'x', 1), (2, 'x', 2), (1, 'y', 3)",
                "UPDATE double SET a = 5 WHERE b = 'x' AND a = 2",
                "UPDATE double SET b = 'z', v = 8 WHERE a = 1 AND b = 'y'",
                "DELETE FROM double WHERE a = 5",
                """
                INSERT INTO mixed VALUES
                    ('6ecd8c99-4036-403d-bf84-cf8400f67836', '2020-02-29 23:59:59.999999+00', '\\x00ff', 'NaN', 'a', 1),
                    ('6ecd8c99-4036-403d-bf84-cf8400f67836', 'infinity', '', '1.10', 'ab', 2),
                    ('6ecd8c99-4036-403d-bf84-cf8400f67836', '-infinity', '\\x5c', '-0.000', '', 3)
                """,
                "UPDATE mixed SET v = v + 1",
                "UPDATE mixed SET n = 'NaN', c = 'xyz' WHERE t = 'infinity'",
                "UPDATE mixed SET y = y || '\\x01', t = '2021-01-01 00:00:00.000001+00' WHERE n = 'NaN' AND v = 2",
                "DELETE FROM mixed WHERE v = 4",
            ])
    }

    /// Arrays, enums, domains, composite types and ranges as keys: deleting and updating by an array of keys needs the
    /// right type for each.
    @Test func keysOfTypesOfOnesOwn() throws {
        try follow(
            "own types", .text,
            tables: """
                CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
                CREATE DOMAIN good_mood AS mood CHECK (VALUE <> 'sad');
                CREATE TYPE pair AS (a int, b text);
                CREATE TABLE by_enum (m mood PRIMARY KEY, v int);
                CREATE TABLE by_enums (m mood, n mood, v int, PRIMARY KEY (m, n));
                CREATE TABLE by_domain (m good_mood PRIMARY KEY, v int);
                CREATE TABLE by_enum_array (m mood[] PRIMARY KEY, v int);
                CREATE TABLE by_array (k int[] PRIMARY KEY, v int);
                CREATE TABLE by_composite (k pair PRIMARY KEY, v int);
                CREATE TABLE by_range (k int4range PRIMARY KEY, v int);
                CREATE TABLE by_texts (k text[], f float8[], i interval[], v int, PRIMARY KEY (k, f, i));
                CREATE TABLE by_times (k tstzrange, l pair[], v int, PRIMARY KEY (k, l));
                """,
            [
                "INSERT INTO by_enum VALUES ('sad', 1), ('ok', 2), ('happy', 3)",
                "INSERT INTO by_enums SELECT m, n, 1 FROM unnest(enum_range(NULL::mood)) m, unnest(enum_range(NULL::mood)) n",
                "INSERT INTO by_domain VALUES ('ok', 1), ('happy', 2)",
                "INSERT INTO by_enum_array VALUES ('{}', 1), ('{sad}', 2), ('{ok,NULL,happy}', 3)",
                "INSERT INTO by_array VALUES ('{}', 1), ('{1,2}', 2), ('{NULL}', 3), ('[0:1]={7,8}', 4)",
                "INSERT INTO by_composite VALUES ('(1,x)', 1), ('(,)', 2), ('(2,\"a,\"\"b\")', 3)",
                "INSERT INTO by_range VALUES ('empty', 1), ('[1,5)', 2), ('(,3)', 3), ('(,)', 4)",
                "UPDATE by_enum SET v = v + 1; UPDATE by_enums SET v = v + 1 WHERE m <> n; UPDATE by_domain SET v = 9",
                "UPDATE by_enum_array SET v = v + 1; UPDATE by_array SET v = v + 1; UPDATE by_composite SET v = v + 1",
                "UPDATE by_range SET v = v + 1",
                """
                INSERT INTO by_texts VALUES ('{a,NULL}', '{-0,NaN}', '{1 mon}', 1), ('{}', '{0.1}', '{30 days,NULL}', 2),
                    ('{"NULL"}', '{5e-324}', '{"1 day -00:00:01"}', 3), ('{"a,\\"b"}', '{{1,2},{3,4}}', '{}', 4)
                """,
                """
                INSERT INTO by_times VALUES ('[-infinity,infinity]', '{"(1,x)",NULL}', 1), ('empty', '{}', 2),
                    ('["2026-03-29 02:30:00+02",)', '{"(,)"}', 3)
                """,
                "UPDATE by_texts SET v = v + 10; UPDATE by_times SET v = v + 10 WHERE v > 1",
                "UPDATE by_texts SET k = k || 'z'::text, i = i || interval '2 s' WHERE v = 12; UPDATE by_times SET l = l || '(7,y)'::pair",
                "DELETE FROM by_texts WHERE v IN (11, 13); DELETE FROM by_times WHERE v = 13",
                "UPDATE by_array SET k = k || 5; UPDATE by_range SET k = '[8,9)' WHERE v = 3",
                "UPDATE by_composite SET k = ROW((k).a, 'new')::pair WHERE v = 4",
                "DELETE FROM by_enum WHERE m <> 'ok'; DELETE FROM by_enums WHERE m = 'sad'; DELETE FROM by_domain WHERE m::mood = 'ok'",
                "DELETE FROM by_enum_array WHERE v > 2; DELETE FROM by_array WHERE v > 3; DELETE FROM by_range WHERE v = 2",
            ])
    }

    @Test(arguments: Travel.allCases)
    func upsertsAndMerges(_ travel: Travel) throws {
        let merge = """
            MERGE INTO upsert AS u USING generate_series(-5, 30) AS s(id) ON u.id = s.id
            WHEN MATCHED AND u.id < 0 THEN DELETE
            WHEN MATCHED THEN UPDATE SET n = n + 10
            WHEN NOT MATCHED THEN INSERT VALUES (s.id, 7)
            """
        let knowsMerge = try ClusterPair.shared.old.installation.major >= 15
        try follow(
            "upserts", travel,
            tables: """
                CREATE TABLE upsert (id int PRIMARY KEY, n int);
                CREATE TABLE two_keys (id int PRIMARY KEY, u text UNIQUE, active bool, slot int);
                CREATE UNIQUE INDEX one_active ON two_keys (slot) WHERE active;
                """,
            [
                "INSERT INTO upsert SELECT g, 0 FROM generate_series(-15, 15) g",
                "INSERT INTO upsert AS u SELECT g, 1 FROM generate_series(-20, 10) g ON CONFLICT (id) DO UPDATE SET n = u.n + 1",
                "INSERT INTO upsert SELECT g, 1 FROM generate_series(-30, 30) g ON CONFLICT DO NOTHING",
                knowsMerge ? merge : "DELETE FROM upsert WHERE id < 0",
                "INSERT INTO upsert AS u SELECT g, 1 FROM generate_series(1, 5000) g ON CONFLICT (id) DO UPDATE SET n = u.n + 1",
                "DELETE FROM upsert WHERE id > 100",
                // NULLs in a unique column, and equal values that a partial unique index does not cover, are no conflicts.
                "INSERT INTO two_keys VALUES (1, NULL, false, 1), (2, NULL, false, 1), (3, 'x', true, 1)",
                "INSERT INTO two_keys VALUES (4, NULL, NULL, 1), (5, 'y', true, 2)",
                "UPDATE two_keys SET active = false WHERE id = 3; UPDATE two_keys SET active = true WHERE id = 1",
                "UPDATE two_keys SET u = NULL WHERE u = 'x'; UPDATE two_keys SET u = 'x' WHERE id = 2",
                "DELETE FROM two_keys WHERE u = 'y'; INSERT INTO two_keys VALUES (6, 'y', true, 2)",
                "UPDATE two_keys SET u = 'z' WHERE u = 'y'; INSERT INTO two_keys VALUES (7, 'y', false, 2)",
            ])
    }

    /// An insert that was put in for the time being and taken back, because another session was faster with the key.
    @Test func upsertThatLosesARace() throws {
        let s = try Scenario("race")
        defer { s.end() }
        try s.both("CREATE TABLE t (k text PRIMARY KEY, n int)")
        try s.old.sql(
            """
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
            CREATE TRIGGER hold BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.n = 1) EXECUTE FUNCTION hold();
            """)
        try s.prepare()
        _ = try s.start("run")
        let (gate, loser) = (try s.old.session(), try s.old.session())
        try gate.send("SELECT pg_advisory_lock(1)")
        try loser.start("INSERT INTO t VALUES ('x', 1) ON CONFLICT (k) DO UPDATE SET n = t.n + 100")
        try s.old.wait(for: "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", toBe: "1")
        try s.old.sql("INSERT INTO t VALUES ('x', 2)")
        try gate.send("SELECT pg_advisory_unlock(1)")
        _ = try loser.result()
        #expect(try s.old.value("SELECT n FROM t") == "102")
        try expectHealthy(s)
    }

    /// Rows by the ten thousand go another way, by COPY.
    @Test(arguments: Travel.allCases)
    func manyRowsAtOnce(_ travel: Travel) throws {
        let following = try Following("many", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE wide (id int PRIMARY KEY, t text, n numeric, d timestamptz, j jsonb, b bytea);
            CREATE TABLE narrow (id int, v text); ALTER TABLE narrow REPLICA IDENTITY FULL;
            CREATE TABLE entries (id int PRIMARY KEY, v text);
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql(
            """
            INSERT INTO wide SELECT g, repeat('ä', g % 40), g / 7.0, timestamptz '2020-01-01' + g * interval '1 s',
                jsonb_build_object('g', g), decode(md5(g::text), 'hex') FROM generate_series(1, 20000) g;
            INSERT INTO narrow SELECT g % 100, CASE WHEN g % 3 > 0 THEN 'v' END FROM generate_series(1, 20000) g;
            UPDATE narrow SET v = 'w' WHERE id < 50;
            BEGIN; INSERT INTO entries SELECT g, 'e' FROM generate_series(1, 20000) g;
            UPDATE entries SET v = 'f' WHERE id % 2 = 0; DELETE FROM entries WHERE id % 3 = 0; COMMIT;
            UPDATE wide SET id = -id;
            DELETE FROM wide WHERE id > -1000;
            DELETE FROM entries;
            """)
        try expectHealthy(s)
    }

    /// What `data_a` does not name stays as it is on new.
    @Test func tablesLeftOutAreUntouched() throws {
        let s = try Scenario("left out", dataA: ["public.*"])
        defer { s.end() }
        try s.both(
            "CREATE SCHEMA apart; CREATE TABLE apart.t (a int PRIMARY KEY); CREATE TABLE rep (a int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO apart.t SELECT generate_series(1, 10); INSERT INTO rep SELECT a FROM apart.t")
        try s.old.sql("UPDATE apart.t SET a = -a; DELETE FROM rep WHERE a < 5")
        try expectHealthy(s, except: ["apart.t"])
        #expect(try s.new.value("SELECT count(*) FROM apart.t") == "0")
    }
}
