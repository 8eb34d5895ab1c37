// Tables of old change while their rows stream: each row goes by the shape it was written with, whatever the catalogs say
// by the time it arrives.

import TestSupport
import Testing

@Suite(.blocking) struct DefinitionTests {
    /// Small, so that it comes after its commit; large, so that it is sent while it is open.
    @Test(arguments: [3, 2000])
    func betweenChangesOfOneTransaction(rows: Int) throws {
        let s = try Scenario.shaped(
            "ddl",
            old: """
                CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE same (id int PRIMARY KEY, v text, w text);
                CREATE TABLE back (id int PRIMARY KEY, v text); CREATE TABLE rewritten (id int PRIMARY KEY, n text);
                CREATE TABLE columns (id int PRIMARY KEY, a int, b text, c int); CREATE TABLE gone (id int PRIMARY KEY, v text);
                """,
            new: """
                CREATE TABLE t (id int PRIMARY KEY, v text, n int NOT NULL DEFAULT 7); CREATE TABLE same (id int PRIMARY KEY, v text, w text);
                CREATE TABLE back (id int PRIMARY KEY, v text); CREATE TABLE rewritten (id int PRIMARY KEY, n text);
                CREATE TABLE columns (id int PRIMARY KEY, a int, b text, c int, renamed int, d int);
                CREATE TABLE gone (id int PRIMARY KEY, v text);
                """)
        defer { s.end() }
        func fill(_ table: String, _ round: Int, _ value: String = "repeat(md5(i::text), 3)") -> String {
            let columns = table == "columns" ? "\(table) (id, a)" : "\(table) (id, \(table == "rewritten" ? "n" : "v"))"
            return
                "INSERT INTO \(columns) SELECT i, \(value) FROM generate_series(\(round * 10000), \(round * 10000 + rows)) i;"
        }
        try s.old.sql(
            """
            BEGIN; \(fill("t", 1)) ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 7; \(fill("t", 2)) UPDATE t SET n = 8 WHERE id % 2 = 0; COMMIT;
            BEGIN; \(fill("back", 1)) SAVEPOINT a; ALTER TABLE back ADD COLUMN x int DEFAULT 5; \(fill("back", 2)) UPDATE back SET x = 1;
            SAVEPOINT b; ALTER TABLE back ADD COLUMN y int; \(fill("back", 3)) ROLLBACK TO a; \(fill("back", 4)) UPDATE back SET v = 'w' WHERE id % 2 = 0; COMMIT;
            BEGIN; \(fill("rewritten", 1, "i")) SAVEPOINT a; ALTER TABLE rewritten ALTER n TYPE int USING n::int; \(fill("rewritten", 2, "i")) ROLLBACK TO a;
            ALTER TABLE rewritten ALTER n TYPE bigint USING n::bigint; \(fill("rewritten", 3, "i")) UPDATE rewritten SET n = n + 1; COMMIT;
            BEGIN; \(fill("columns", 1, "i")) ALTER TABLE columns DROP b, DROP c; \(fill("columns", 2, "i")) ALTER TABLE columns RENAME a TO renamed;
            UPDATE columns SET renamed = renamed + 1 WHERE id >= 20000; ALTER TABLE columns ADD b text, ADD d int, ADD c int;
            UPDATE columns SET b = 'b', d = 4, c = 3 WHERE id < 15000; COMMIT;
            BEGIN; \(fill("gone", 1)) UPDATE gone SET v = 'x'; DROP TABLE gone; COMMIT; \(fill("same", 1))
            """)
        try s.expectSame("t", "back", "rewritten", "same")
        #expect(try s.new.value("SELECT count(*) FROM gone WHERE v = 'x'") == "\(rows + 1)")
        // New kept both names of the renamed column: what came before is under the old one.
        #expect(
            try s.new.value("SELECT count(*) FROM columns WHERE a = id AND id < 15000 AND b = 'b' AND d = 4")
                == "\(rows + 1)")
        #expect(try s.new.value("SELECT count(*) FROM columns WHERE renamed = id + 1 AND id >= 20000") == "\(rows + 1)")
        try s.expectQuietEnd()
    }

    @Test func tablesAndSchemasThatChangeNames() throws {
        let tables = """
            CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t (a int PRIMARY KEY); CREATE TABLE two.t (a int PRIMARY KEY);
            CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE t_new (id int PRIMARY KEY, v text, w int);
            CREATE TABLE t_old (id int PRIMARY KEY, v text, w int);
            """
        let s = try Scenario.shaped(
            "names",
            old: tables.replacing("CREATE SCHEMA two;", with: "").replacing(
                "CREATE TABLE two.t (a int PRIMARY KEY);", with: ""
            )
            .replacing("CREATE TABLE t_old (id int PRIMARY KEY, v text, w int);", with: ""),
            new: tables.replacing(
                "CREATE TABLE t (id int PRIMARY KEY, v text);",
                with: "CREATE TABLE t (id int PRIMARY KEY, v text, w int);"))
        defer { s.end() }
        try s.lastStarted?.stop()
        try s.old.sql(
            """
            BEGIN; INSERT INTO one.t VALUES (1); ALTER SCHEMA one RENAME TO two; CREATE SCHEMA one; CREATE TABLE one.t (a int PRIMARY KEY);
            INSERT INTO one.t VALUES (2); INSERT INTO two.t VALUES (3); COMMIT; INSERT INTO two.t VALUES (4);
            INSERT INTO t VALUES (1, 'before'); INSERT INTO t_new VALUES (1, 'new', 1);
            BEGIN; INSERT INTO t VALUES (2, 'before'); ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t; INSERT INTO t VALUES (3, 'after', 3);
            INSERT INTO t_old VALUES (4, 'after'); COMMIT; UPDATE t SET w = 9 WHERE id = 3; INSERT INTO t_old VALUES (5, 'last');
            """)
        _ = try s.start("run")
        try s.catchUp()
        let on = { (columns: String, table: String) in try s.new.sql("SELECT \(columns) FROM \(table) ORDER BY 1") }
        // Before 16 old goes on telling the schema's former name, until something else of the table changes.
        if s.old.cluster.installation.major >= 16 {
            #expect(try on("a", "one.t") == "1")
            #expect(try on("a", "two.t") == "3\n4")
        } else {
            #expect(try on("a", "(TABLE one.t UNION ALL TABLE two.t) x") == "1\n3\n4")
        }
        #expect(try on("id, v, w", "t") == "1|before|\n2|before|\n3|after|9")
        #expect(try on("id, v, w", "t_new") == "1|new|1" && on("id, v", "t_old") == "4|after\n5|last")
        // The second table of that name is not published, and is said to be so.
        let status = try s.tandem("status").stdout
        #expect(status.contains("not carried") && status.contains("one.t"), "\(status)")
        try s.expectQuietEnd()
    }

    @Test func identityAndKeysThatChangeInsideABatch() throws {
        let tables = """
            CREATE TABLE r (id int PRIMARY KEY, k int NOT NULL UNIQUE, v text); CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id));
            CREATE TABLE u (id int PRIMARY KEY);
            """
        let s = try Scenario.shaped("identities", old: tables)
        defer { s.end() }
        try s.lastStarted?.stop()
        try s.old.sql(
            """
            INSERT INTO r VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'); UPDATE r SET v = 'd'; ALTER TABLE r REPLICA IDENTITY FULL;
            UPDATE r SET v = 'e', id = id + 10; DELETE FROM r WHERE k = 3; ALTER TABLE r REPLICA IDENTITY USING INDEX r_k_key;
            UPDATE r SET v = 'f', k = k + 10; UPDATE r SET id = id + 1 WHERE k = 12; ALTER TABLE r REPLICA IDENTITY DEFAULT; UPDATE r SET v = 'g' WHERE k = 11;
            INSERT INTO p VALUES (1, 1, 'a'), (2, 2, 'b'); ALTER TABLE p DROP CONSTRAINT p_pkey, ADD PRIMARY KEY (k, id); UPDATE p SET v = 'c';
            UPDATE p SET id = id + 5; DROP TABLE p; CREATE TABLE p (v text PRIMARY KEY, id int); INSERT INTO u VALUES (1);
            """)
        _ = try s.start("run")
        try s.expectSame("r", "u")
        #expect(try s.new.sql("SELECT id, k, v FROM p ORDER BY 1") == "6|1|c\n7|2|c")
        // The table made again under the same name and key elsewhere is another one: published, it is followed.
        try s.new.sql("DROP TABLE p; CREATE TABLE p (v text PRIMARY KEY, id int)")
        try s.old.sql(
            "ALTER PUBLICATION \(s.publicationName) ADD TABLE p; INSERT INTO p VALUES ('x', 1), ('y', 2); UPDATE p SET v = 'z' WHERE id = 2"
        )
        try s.expectSame("r", "p")
        try s.expectQuietEnd()
    }

    /// Stopped before the rows come; by the time it starts, the catalogs of old describe other tables.
    @Test func aRestartAfterTheDefinitionsChanged() throws {
        let tables = """
            CREATE TABLE t (id int PRIMARY KEY, v text, gone int); CREATE TABLE dropped (id int PRIMARY KEY);
            CREATE TYPE pair AS (a int, b text); CREATE TABLE c (id int PRIMARY KEY, p pair);
            """
        let s = try Scenario.shaped("restart", old: tables)
        defer { s.end() }
        try s.lastStarted?.stop()
        let open = try s.old.session()
        try open.send(
            "BEGIN; INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2); INSERT INTO dropped VALUES (1); INSERT INTO c VALUES (1, '(1,x)')"
        )
        try s.old.sql("INSERT INTO t VALUES (3, 'c', 3); INSERT INTO c VALUES (2, '(2,y)')")
        try open.send("COMMIT")
        try s.old.sql(
            """
            ALTER TABLE t DROP COLUMN gone; ALTER TABLE t RENAME COLUMN v TO w; ALTER TABLE t ADD COLUMN gone text;
            DROP TABLE dropped; ALTER TABLE c DROP COLUMN p; ALTER TYPE pair DROP ATTRIBUTE b; VACUUM FULL pg_class; VACUUM FULL pg_attribute; REINDEX SYSTEM \(sqlIdentifier(s.name));
            """)
        let run = try s.start("run")
        try s.catchUp()
        #expect(try s.new.sql("SELECT * FROM t ORDER BY id") == "1|a|1\n2|b|2\n3|c|3")
        #expect(try s.new.sql("SELECT count(*) FROM dropped; SELECT p FROM c ORDER BY id") == "1\n(1,x)\n(2,y)")
        // Killed, and started again behind what it had: nothing is told twice.
        run.kill()
        try s.old.sql("UPDATE t SET w = 'z' WHERE id = 1")
        _ = try s.start("run")
        try s.expectBlocked("public.t", "lacks")
        try s.new.sql(
            "ALTER TABLE t RENAME COLUMN v TO w; ALTER TABLE t ALTER gone TYPE text; UPDATE t SET gone = NULL")
        try s.expectSame("t")
        try s.expectQuietEnd(blocked: 1)
    }

    /// Old lets go of a column that new must have, and its key grows beyond new's; a table moves to another schema.
    @Test func newIsStricterThanOldHasBecome() throws {
        let tables = """
            CREATE TABLE must (id int PRIMARY KEY, n int NOT NULL); CREATE TABLE grows (id int PRIMARY KEY, v text);
            CREATE SCHEMA here; CREATE SCHEMA there; CREATE TABLE here.moves (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY);
            """
        let s = try Scenario.shaped("stricter", old: tables)
        defer { s.end() }
        try s.old.sql(
            "INSERT INTO must VALUES (1, 1); ALTER TABLE must DROP COLUMN n; INSERT INTO u VALUES (1); INSERT INTO must VALUES (2); INSERT INTO u VALUES (2)"
        )
        try s.expectBlocked("public.must", "23502")
        #expect(try s.new.sql("SELECT * FROM must; SELECT * FROM u") == "1|1\n1")
        try s.new.sql("ALTER TABLE must DROP COLUMN n")
        try s.expectSame("must", "u")
        try s.old.sql(
            """
            INSERT INTO grows VALUES (1, 'a'); ALTER TABLE grows ALTER id TYPE bigint; INSERT INTO grows VALUES (2, 'b');
            UPDATE grows SET v = 'c' WHERE id = 1; UPDATE grows SET id = 3 WHERE id = 2; DELETE FROM grows WHERE id = 3;
            """)
        try s.expectSame("grows")
        try s.old.sql("UPDATE grows SET id = 5000000000")
        try s.expectBlocked("public.grows", "22003")
        try s.new.sql("ALTER TABLE grows ALTER id TYPE bigint")
        try s.expectSame("grows")
        try s.old.sql(
            "BEGIN; INSERT INTO here.moves VALUES (1); ALTER TABLE here.moves SET SCHEMA there; INSERT INTO there.moves VALUES (2); COMMIT"
        )
        try s.expectBlocked("there.moves", "no table")
        #expect(try s.new.value("SELECT count(*) FROM here.moves") == "0")
        try s.new.sql("CREATE TABLE there.moves (id int PRIMARY KEY)")
        try s.catchUp()
        #expect(try s.new.sql("SELECT * FROM here.moves; SELECT * FROM there.moves") == "1\n2")
        try s.expectQuietEnd(blocked: 3)
    }

    @Test func catalogsRewrittenWhileStreaming() throws {
        let s = try Scenario.shaped(
            "catalogs",
            old:
                "CREATE TYPE pair AS (a int, b text); CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE c (id int PRIMARY KEY, p pair); CREATE TABLE x (id int PRIMARY KEY)"
        )
        defer { s.end() }
        let open = try s.old.session()
        try open.send(
            "BEGIN; INSERT INTO c VALUES (1, '(1,x)'); INSERT INTO t SELECT i, 'open' FROM generate_series(100000, 101000) i"
        )
        for (round, catalog) in ["pg_class", "pg_attribute", "pg_type", "pg_namespace", "pg_index"].enumerated() {
            try s.old.sql(
                """
                INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(\(round)000, \(round)999) i; VACUUM FULL \(catalog);
                CREATE TABLE IF NOT EXISTS more_\(round) (id int); REINDEX TABLE \(catalog); UPDATE t SET v = 'y' WHERE id % 10 = \(round);
                ALTER TABLE x ADD COLUMN x\(round) int; ALTER TABLE x DROP COLUMN x\(round); INSERT INTO x VALUES (\(round)); INSERT INTO t VALUES (-\(round) - 1, 'z');
                """)
        }
        try s.old.sql("CLUSTER pg_class USING pg_class_oid_index")
        try open.send("COMMIT")
        try s.expectSame("t", "c", "x")
        try s.expectQuietEnd()
    }
}
