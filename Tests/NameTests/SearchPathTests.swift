// Nothing that others plant under the names of the system's functions, operators, types and tables is ever used, though
// the role is a superuser and its search path leads there first.

import TestSupport
import Testing

@Suite(.blocking) struct SearchPathTests {
    private static let tables = """
        CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('sad', 'ok');
        CREATE TABLE app.keyed (id int PRIMARY KEY, n name, v text, m app.mood, c "char", at timestamptz, l pg_lsn);
        CREATE TABLE app.keyless (a int, v text, at timestamptz); ALTER TABLE app.keyless REPLICA IDENTITY FULL;
        CREATE TABLE app.identity (id int GENERATED ALWAYS AS IDENTITY, v text, PRIMARY KEY (id));
        CREATE TABLE app.deferred (id int, v text, PRIMARY KEY (id) DEFERRABLE); ALTER TABLE app.deferred REPLICA IDENTITY FULL;
        """

    @Test func nothingPlantedInASearchPathIsUsed() throws {
        let s = try Scenario("shadows", dataA: ["app.*"], marker: false)
        let role = "\(s.name)_victim"
        defer {
            s.end()
            for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(role)") }
        }
        for side in [s.old, s.new] {
            try side.sql("CREATE ROLE \(role) SUPERUSER LOGIN;" + Self.tables)
            try side.sql(Shadows.plant(role: role, database: s.name))
        }
        let connections = [s.old, s.new].map { $0.cluster.connection(database: s.name, user: role) }
        try s.writeConfiguration(dataA: ["app.*"], marker: false, old: connections[0], new: connections[1])
        // The traps do work.
        #expect(try s.old.value("SELECT quote_ident('a'::text) IS NULL", user: role) == "t")
        #expect(try s.old.value("SELECT 1::int = 1::int IS NULL", user: role) == "t")
        #expect(try s.old.value("SELECT count(*) FROM pg_class", user: role) == "1")
        #expect(
            try s.old.value("SET search_path = pg_catalog; SELECT count(DISTINCT what) FROM public.sentinel") != "0")
        try s.old.sql("SET search_path = pg_catalog; TRUNCATE public.sentinel")
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql(
            """
            SET search_path = pg_catalog;
            INSERT INTO app.keyed SELECT i, 'n', 'v', 'ok', 'c', now(), '0/1' FROM generate_series(1, 9) i;
            UPDATE app.keyed SET v = 'new' WHERE id < 4; UPDATE app.keyed SET id = 20 WHERE id = 4;
            DELETE FROM app.keyed WHERE id = 5; INSERT INTO app.keyless SELECT i / 2, 'v', now() FROM generate_series(1, 9) i;
            UPDATE app.keyless SET v = 'new' WHERE a = 1; DELETE FROM app.keyless WHERE a = 2;
            INSERT INTO app.identity (v) VALUES ('a'), ('b'); UPDATE app.identity SET id = DEFAULT WHERE v = 'a';
            INSERT INTO app.deferred VALUES (1, 'a'), (2, 'b'); UPDATE app.deferred SET id = 3 - id;
            """, user: "postgres")
        try Self.waitForRows(s, 8)
        // One row in the way, one that is gone: looked up again on old.
        try s.new.sql(
            "SET search_path = pg_catalog; INSERT INTO app.keyed (id) VALUES (100); DELETE FROM app.keyed WHERE id = 9")
        try s.old.sql(
            "SET search_path = pg_catalog; INSERT INTO app.keyed (id) VALUES (100); UPDATE app.keyed SET v = 'x' WHERE id = 9"
        )
        try Self.waitForRows(s, 9)
        for command in [["lag"], ["status"], ["status", "--json"], ["set-aside", "app.keyless"]] {
            let outcome = try Command(TandemBinary.path, command, directory: s.directory).run()
            #expect(outcome.status == .exited(0), "\(command): \(outcome.stderr)")
        }
        try s.old.sql(
            "SET search_path = pg_catalog; TRUNCATE app.keyed, app.keyless; INSERT INTO app.keyed (id) VALUES (1)")
        try Self.waitForRows(s, 1)
        #expect(try run.stop() == .exited(0), "\(run.tail)")
        #expect(!run.log.contains("blocked"), "\(run.tail)")
        let abort = try s.tandem("abort", "--yes")
        #expect(abort.status == .exited(0), "\(abort.stderr)")
        for side in [s.old, s.new] {
            #expect(try side.rows("SET search_path = pg_catalog; SELECT DISTINCT what FROM public.sentinel") == [])
        }
        for side in [s.old, s.new] {
            try side.cluster.sql("ALTER DATABASE \(sqlIdentifier(s.name)) RESET search_path")
            try side.sql("DROP SCHEMA \(role), public CASCADE")
        }
        let names = ["keyed", "identity", "deferred"].map { "app.\($0)" }
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: names) == [])
    }

    private static func waitForRows(_ s: Scenario, _ count: Int) throws {
        try s.new.wait(
            for: "SET search_path = pg_catalog; SELECT count(*) FROM app.keyed", toBe: "\(count)", within: .seconds(90))
    }

    /// A trigger that runs in the applying session, as its table's owner, makes temporary tables there.
    @Test func temporaryTablesDoNotStandInForCatalogs() throws {
        let s = try Scenario("temporary")
        let owner = "\(s.name)_owner"
        defer {
            _ = try? s.new.sql("DROP OWNED BY \(owner)")
            s.end()
            _ = try? s.new.cluster.sql("DROP ROLE \(owner)")
        }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY, v text);")
        try s.new.sql(
            """
            CREATE ROLE \(owner); ALTER TABLE t OWNER TO \(owner); GRANT CREATE ON SCHEMA public TO \(owner);
            CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                CREATE TEMP TABLE IF NOT EXISTS pg_class AS SELECT * FROM pg_catalog.pg_class LIMIT 0;
                CREATE TEMP TABLE IF NOT EXISTS pg_index AS SELECT * FROM pg_catalog.pg_index LIMIT 0;
                CREATE TEMP TABLE IF NOT EXISTS pg_trigger AS SELECT * FROM pg_catalog.pg_trigger LIMIT 0;
                GRANT ALL ON pg_temp.pg_class, pg_temp.pg_index, pg_temp.pg_trigger TO PUBLIC;
                RETURN NEW; END $$;
            ALTER FUNCTION plant() OWNER TO \(owner);
            CREATE TRIGGER plant BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION plant();
            ALTER TABLE t ENABLE ALWAYS TRIGGER plant;
            """)
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'a')")
        try s.catchUp()
        // A table that is mapped only now, in the session that has the temporary tables.
        try s.old.sql("INSERT INTO u VALUES (1, 'a')")
        try s.catchUp(within: .seconds(90))
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: ["public.t", "public.u"]) == [])
        let warnings = run.log.split(separator: "\n").filter { $0.contains("triggers run as superuser") }
        #expect(warnings.count == 1 && warnings[0].contains("public.t") && warnings[0].contains(owner), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// Whoever may create schemas makes one called `tandem` first, with tables of tandem's names in it.
    @Test func aSchemaOfSomebodyElseIsNotUsed() throws {
        let s = try Scenario("squatter")
        let squatter = "\(s.name)_squatter"
        defer {
            s.end()
            for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(squatter)") }
        }
        for side in [s.old, s.new] {
            try side.sql(
                "CREATE TABLE sentinel (what text); ALTER TABLE sentinel REPLICA IDENTITY FULL; GRANT ALL ON sentinel TO PUBLIC; CREATE ROLE \(squatter) LOGIN"
            )
            try side.sql("GRANT CREATE ON DATABASE \(sqlIdentifier(s.name)) TO \(squatter)")
            try side.sql(
                """
                CREATE SCHEMA tandem; GRANT ALL ON SCHEMA tandem TO PUBLIC;
                CREATE FUNCTION tandem.trap() RETURNS text LANGUAGE plpgsql AS
                    $$ BEGIN INSERT INTO public.sentinel VALUES (current_user); RETURN ''; END $$;
                CREATE VIEW tandem.source AS SELECT tandem.trap() AS stream, '' AS system_identifier, 1 AS timeline, '0/1' AS start_lsn;
                CREATE VIEW tandem.stream AS SELECT * FROM tandem.source;
                """, user: squatter)
        }
        for command in [["prepare"], ["status"], ["lag"], ["run", "--until", "caught-up"], ["abort", "--yes"]] {
            let outcome = try Command(TandemBinary.path, command, directory: s.directory).run(within: .seconds(90))
            let said = outcome.stdout + outcome.stderr
            #expect(said.contains("belongs to") && said.contains(squatter), "\(command): \(said)")
        }
        for side in [s.old, s.new] { #expect(try side.value("SELECT count(*) FROM public.sentinel") == "0") }
        for side in [s.old, s.new] { try side.sql("DROP OWNED BY \(squatter) CASCADE") }
        try s.prepare()
    }
}
