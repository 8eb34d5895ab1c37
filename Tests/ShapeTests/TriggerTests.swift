// Triggers and rules of new: those marked REPLICA or ALWAYS run, those of applications do not, and none of them can
// change what comes after it.

import TestSupport
import Testing

@Suite(.blocking) struct TriggerTests {
    @Test func whichOfThemFire() throws {
        let s = try Scenario.shaped(
            "triggers", dataA: ["public.*"],
            old: """
                CREATE TABLE filtered (id int PRIMARY KEY, v text); CREATE TABLE guarded (id int PRIMARY KEY, v text);
                CREATE TABLE caught (id int PRIMARY KEY, v text); CREATE TABLE stated (id int PRIMARY KEY, v text);
                CREATE TABLE parted (id int PRIMARY KEY, v text);
                """,
            new: """
                CREATE TABLE filtered (id int PRIMARY KEY, v text); CREATE TABLE guarded (id int PRIMARY KEY, v text);
                CREATE TABLE caught (id int PRIMARY KEY, v text); CREATE TABLE stated (id int PRIMARY KEY, v text);
                CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
                CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
                CREATE SCHEMA aside; CREATE TABLE aside.log (what text, n int); CREATE TABLE aside.narrow (n int CHECK (n < 3));
                CREATE FUNCTION aside.filter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.v = 'drop' THEN RETURN NULL; END IF; NEW.v := upper(NEW.v); RETURN NEW; END $$;
                CREATE FUNCTION aside.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'an application''s trigger'; END $$;
                CREATE FUNCTION aside.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    INSERT INTO aside.log VALUES (TG_NAME || ' ' || TG_OP || ' ' || TG_LEVEL); RETURN NULL; END $$;
                CREATE FUNCTION aside.try() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    BEGIN INSERT INTO aside.narrow VALUES (NEW.id); EXCEPTION WHEN check_violation THEN
                        INSERT INTO aside.log VALUES ('caught', NEW.id); END; RETURN NEW; END $$;
                CREATE TRIGGER f BEFORE INSERT OR UPDATE ON filtered FOR EACH ROW EXECUTE FUNCTION aside.filter();
                ALTER TABLE filtered ENABLE REPLICA TRIGGER f;
                CREATE TRIGGER f BEFORE INSERT OR UPDATE ON parted_1 FOR EACH ROW EXECUTE FUNCTION aside.filter();
                ALTER TABLE parted_1 ENABLE ALWAYS TRIGGER f;
                CREATE TRIGGER r BEFORE INSERT OR UPDATE OR DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION aside.refuse();
                CREATE TRIGGER rs BEFORE TRUNCATE ON guarded EXECUTE FUNCTION aside.refuse();
                CREATE TRIGGER c BEFORE INSERT OR UPDATE ON caught FOR EACH ROW EXECUTE FUNCTION aside.try();
                ALTER TABLE caught ENABLE ALWAYS TRIGGER c;
                CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON stated FOR EACH ROW EXECUTE FUNCTION aside.note();
                CREATE TRIGGER st AFTER TRUNCATE ON stated FOR EACH STATEMENT EXECUTE FUNCTION aside.note();
                CREATE TRIGGER su AFTER UPDATE OF v ON stated FOR EACH STATEMENT EXECUTE FUNCTION aside.note();
                ALTER TABLE stated ENABLE ALWAYS TRIGGER a; ALTER TABLE stated ENABLE REPLICA TRIGGER st;
                ALTER TABLE stated ENABLE REPLICA TRIGGER su;
                CREATE TRIGGER ru AFTER UPDATE OF v ON stated FOR EACH ROW EXECUTE FUNCTION aside.note();
                ALTER TABLE stated ENABLE REPLICA TRIGGER ru;
                CREATE FUNCTION aside.leaf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    INSERT INTO aside.log VALUES ('leaf ' || TG_TABLE_NAME || ' ' || TG_OP); RETURN NULL; END $$;
                CREATE TRIGGER l AFTER INSERT OR UPDATE OR DELETE ON parted FOR EACH ROW WHEN (pg_trigger_depth() = 0)
                    EXECUTE FUNCTION aside.leaf();
                ALTER TABLE parted ENABLE REPLICA TRIGGER l; ALTER TABLE parted_1 ENABLE REPLICA TRIGGER l;
                """)
        defer { s.end() }
        for table in ["filtered", "parted"] {
            try s.old.sql(
                """
                INSERT INTO \(table) VALUES (1, 'a'), (2, 'drop'), (3, 'c'); UPDATE \(table) SET v = 'drop' WHERE id = 1;
                UPDATE \(table) SET v = 'd' WHERE id IN (2, 3); DELETE FROM \(table) WHERE id = 2;
                BEGIN; INSERT INTO \(table) SELECT i, 'many' FROM generate_series(100, 800) i; UPDATE \(table) SET v = 'e' WHERE id = 3; COMMIT;
                """)
        }
        try s.old.sql(
            """
            INSERT INTO guarded VALUES (1, 'a'), (2, 'b'); UPDATE guarded SET v = 'c'; DELETE FROM guarded WHERE id = 1;
            TRUNCATE guarded; INSERT INTO guarded VALUES (3, 'd');
            INSERT INTO caught VALUES (1, 'a'), (5, 'b'), (2, 'c'); UPDATE caught SET v = 'd' WHERE id = 5;
            INSERT INTO stated VALUES (1, 'a'), (2, 'b'); UPDATE stated SET v = 'c' WHERE id = 1; DELETE FROM stated WHERE id = 1;
            """)
        try s.expectSame("guarded", "caught", "stated")
        for table in ["filtered", "parted"] {
            #expect(try s.new.sql("SELECT id, v FROM \(table) WHERE id < 100 ORDER BY id") == "1|A\n3|E")
            #expect(try s.new.value("SELECT count(*) FROM \(table) WHERE v = 'MANY'") == "701")
        }
        #expect(try s.new.value("SELECT string_agg(n::text, ',' ORDER BY n) FROM aside.narrow") == "1,2")
        #expect(try s.new.value("SELECT string_agg(DISTINCT n::text, ',') FROM aside.log WHERE what = 'caught'") == "5")
        try s.old.sql("TRUNCATE stated")
        try s.expectSame("stated")
        #expect(try s.new.value("SELECT count(*) FROM aside.log WHERE what = 'st TRUNCATE STATEMENT'") == "1")
        let noted = "SELECT count(*) FROM aside.log WHERE what ="
        #expect(try s.new.value("\(noted) 'a UPDATE ROW'") == "1")
        // `UPDATE OF` a column, for each row and for each statement.
        #expect(try s.new.value("\(noted) 'ru UPDATE ROW'") == "1")
        #expect(try s.new.value("\(noted) 'su UPDATE STATEMENT'") == "1")
        // On a partitioned table: once a row, where the row is.
        #expect(try s.new.value("\(noted) 'leaf parted_1 INSERT'") == "703")
        try s.expectQuietEnd()
    }

    /// Their functions run in tandem's session; what they leave behind must not reach the next statement or transaction.
    @Test func whatTheyDoToTheSession() throws {
        let s = try Scenario.shaped(
            "settings", dataA: ["public.*"],
            old: """
                CREATE TABLE setter (id int PRIMARY KEY, v text); CREATE TABLE late (id int PRIMARY KEY);
                CREATE TABLE dates (id int PRIMARY KEY, d date, ts timestamptz, f float8);
                CREATE TABLE guarded (id int PRIMARY KEY); CREATE TABLE fk (id int PRIMARY KEY, g int);
                CREATE TABLE forces_text (a int[], id int PRIMARY KEY);
                """,
            new: """
                CREATE TABLE setter (id int PRIMARY KEY, v text); CREATE TABLE late (id int PRIMARY KEY);
                CREATE TABLE dates (id int PRIMARY KEY, d date, ts timestamptz, f float8);
                CREATE TABLE guarded (id int PRIMARY KEY); CREATE TABLE fk (id int PRIMARY KEY, g int REFERENCES guarded);
                CREATE TABLE forces_text (a int[], id int PRIMARY KEY); CREATE SCHEMA aside; CREATE TABLE aside.now (v text);
                CREATE FUNCTION aside.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'an application''s trigger'; END $$;
                CREATE FUNCTION aside.set() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    PERFORM set_config('session_replication_role', 'origin', false); SET datestyle = 'German';
                    SET timezone = 'Asia/Tokyo'; SET LOCAL bytea_output = 'escape'; SET search_path = aside;
                    SET statement_timeout = 1; NOTIFY something, 'x'; SET ROLE pg_monitor; RETURN NEW; END $$;
                CREATE FUNCTION aside.setlate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    PERFORM set_config('session_replication_role', 'origin', false); SET datestyle = 'German';
                    SET ROLE pg_monitor; RETURN NEW; END $$;
                CREATE TRIGGER a BEFORE INSERT OR UPDATE ON setter FOR EACH ROW EXECUTE FUNCTION aside.set();
                ALTER TABLE setter ENABLE REPLICA TRIGGER a;
                CREATE CONSTRAINT TRIGGER l AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aside.setlate();
                ALTER TABLE late ENABLE ALWAYS TRIGGER l;
                CREATE TRIGGER r BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION aside.refuse();
                """)
        defer { s.end() }
        for round in 1...3 {
            try s.old.sql(
                """
                BEGIN; INSERT INTO dates VALUES (\(round)0, '2026-05-04', '2026-05-04 03:02Z', 0.1); INSERT INTO setter VALUES (\(round), '');
                INSERT INTO dates VALUES (\(round)1, '2026-03-02', '2026-03-02 01:00Z', 1e-300);
                INSERT INTO fk VALUES (\(round), \(round) + 77); INSERT INTO guarded VALUES (\(round));
                UPDATE setter SET v = 'x' WHERE id = \(round); UPDATE dates SET d = '2025-12-11' WHERE id = \(round)0; COMMIT;
                INSERT INTO dates VALUES (\(round)2, '2026-01-02', '2026-01-02Z', 'NaN'); INSERT INTO guarded VALUES (\(round)0);
                INSERT INTO late VALUES (\(round)); INSERT INTO guarded VALUES (\(round)1); UPDATE dates SET d = d - 1;
                """)
            try s.catchUp()
        }
        try s.expectSame("setter", "late", "dates", "guarded", "fk")
        try s.expectQuietEnd()
    }

    @Test func unqualifiedNamesBlockUntilTheFunctionSaysWhereTheyAre() throws {
        let s = try Scenario.shaped(
            "unqualified", dataA: ["public.t"], old: "CREATE TABLE t (id int PRIMARY KEY)",
            new: """
                CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE audit (id int);
                CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$;
                CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION audit(); ALTER TABLE t ENABLE ALWAYS TRIGGER a;
                """)
        defer { s.end() }
        try s.old.sql("INSERT INTO t VALUES (1), (2)")
        try s.expectBlocked("public.t", "42P01", "SET search_path")
        #expect(try s.new.value("SELECT count(*) FROM t") == "0")
        try s.new.sql("ALTER FUNCTION audit() SET search_path = public")
        try s.expectSame("t")
        #expect(try s.new.value("SELECT count(*) FROM audit") == "2")
        try s.expectQuietEnd(blocked: 1)
    }

    @Test func rulesCountOnlyWhenTheyAreEnabledForReplication() throws {
        let s = try Scenario.shaped(
            "rules", dataA: ["public.*"],
            old: """
                CREATE TABLE swallowed (id int PRIMARY KEY, v text); CREATE TABLE noted (id int PRIMARY KEY, v text);
                CREATE TABLE kept (id int PRIMARY KEY, v text);
                """,
            new: """
                CREATE TABLE swallowed (id int PRIMARY KEY, v text); CREATE TABLE noted (id int PRIMARY KEY, v text);
                CREATE TABLE kept (id int PRIMARY KEY, v text); CREATE SCHEMA aside; CREATE TABLE aside.log (id int);
                CREATE RULE n AS ON INSERT TO swallowed DO INSTEAD NOTHING; CREATE RULE u AS ON UPDATE TO swallowed DO INSTEAD NOTHING;
                CREATE RULE n AS ON INSERT TO noted DO ALSO INSERT INTO aside.log VALUES (NEW.id);
                ALTER TABLE noted ENABLE ALWAYS RULE n;
                CREATE RULE u AS ON UPDATE TO kept DO INSTEAD NOTHING; ALTER TABLE kept ENABLE REPLICA RULE u;
                """)
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO swallowed VALUES (1, 'a'), (2, 'b'); UPDATE swallowed SET v = 'c'; INSERT INTO noted VALUES (1, 'a'), (2, 'b');
            UPDATE noted SET v = 'c'; INSERT INTO noted SELECT i, 'many' FROM generate_series(10, 3009) i; INSERT INTO kept VALUES (1, 'a'), (2, 'b');
            """)
        try s.expectSame("swallowed", "noted", "kept")
        try s.old.sql("UPDATE kept SET v = 'c'; DELETE FROM kept WHERE id = 1")
        try s.expectSame("noted")
        #expect(try s.new.value("SELECT count(*) FROM aside.log") == "3002")
        #expect(try s.new.sql("SELECT * FROM kept") == "2|b")
        try s.expectQuietEnd()
    }
}
