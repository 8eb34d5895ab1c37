// Tables of every shape: names, partitions, inheritance, generated and dropped columns, none at all; and pausing, copying
// again.

import TestSupport
import Testing

@Suite(.blocking) struct ShapesToCopyTests {
    @Test func everyShapeOfTable() throws {
        let s = try Scenario.copying(
            "shapes",
            tables: #"""
                CREATE SCHEMA "Sales Dept"; CREATE TABLE "Sales Dept"."Odd ""Name"";--" ("Key ''" int PRIMARY KEY, "ünï" text);
                CREATE TABLE parent (a int PRIMARY KEY, b text); CREATE TABLE child (c int) INHERITS (parent);
                ALTER TABLE child ADD PRIMARY KEY (a); CREATE TABLE other (o int PRIMARY KEY);
                CREATE TABLE grandchild (g int, PRIMARY KEY (a)) INHERITS (child, other);
                CREATE TABLE generated (a int PRIMARY KEY, twice int GENERATED ALWAYS AS (a * 2) STORED, b text);
                CREATE TABLE identity (a int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b text);
                CREATE TABLE nothing (); ALTER TABLE nothing REPLICA IDENTITY FULL;
                CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN short AS varchar(5);
                CREATE TABLE typed (a int PRIMARY KEY, m mood, d short, x int[], j jsonb, r int4range, t tsvector);
                CREATE TABLE root (a int, b text, PRIMARY KEY (a)) PARTITION BY RANGE (a);
                CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (100);
                """#,
            rows: #"""
                INSERT INTO "Sales Dept"."Odd ""Name"";--" VALUES (1, 'ö'), (2, NULL);
                INSERT INTO parent VALUES (1, 'parent'); INSERT INTO child VALUES (2, 'child', 3); INSERT INTO other VALUES (4);
                INSERT INTO grandchild (a, b, c, o, g) VALUES (1, 'grandchild', 1, 4, 5), (2, 'grandchild', 1, 5, 5);
                INSERT INTO generated VALUES (1, DEFAULT, 'x'); INSERT INTO identity (b) VALUES ('one'), ('two');
                INSERT INTO nothing SELECT FROM generate_series(1, 5);
                INSERT INTO typed VALUES (1, 'ok', 'abcde', '{1,NULL}', '{"a": 1}', '[1,5)', 'a:1');
                INSERT INTO root SELECT i, 'r' FROM generate_series(0, 99) i;
                """#)
        defer { s.end() }
        // Another order, and a column more.
        try s.old.sql(
            """
            CREATE TABLE reordered (a int PRIMARY KEY, gone int, b text); ALTER TABLE reordered DROP COLUMN gone;
            INSERT INTO reordered VALUES (1, 'b');
            CREATE TABLE high PARTITION OF root FOR VALUES FROM (100) TO (200); INSERT INTO root VALUES (150, 'high');
            """)
        try s.new.sql(
            """
            CREATE TABLE reordered (extra text DEFAULT 'own', b text, a int PRIMARY KEY);
            """)
        try s.copy()
        try s.expectSame(except: ["public.reordered"])
        #expect(try s.new.value("SELECT a || b || extra FROM reordered") == "1bown")
        #expect(try s.new.value("SELECT count(*) FROM root") == "101")
        #expect(try s.new.value("SELECT string_agg(b, ',') FROM ONLY parent") == "parent")
        #expect(try s.new.sql("SELECT count(*) FROM parent; SELECT count(*) FROM other") == "4\n3")
    }

    @Test func rowSecurityIsAnErrorAndNotFewerRows() throws {
        let s = try Scenario.copying(
            "secured", tables: "CREATE TABLE t (a int PRIMARY KEY)", rows: "INSERT INTO t VALUES (1)")
        defer { s.end() }
        let role = "r_\(s.name)"
        try s.new.sql("CREATE ROLE \(role)")
        try s.old.sql(
            """
            CREATE ROLE \(role) LOGIN REPLICATION; GRANT CREATE ON DATABASE \(s.name) TO \(role);
            ALTER TABLE t OWNER TO \(role); ALTER TABLE _marker OWNER TO \(role);
            ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
            """)
        try s.writeConfiguration(
            old: s.old.cluster.connection(database: s.old.name, user: role), initialCopy: "all")
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(refused.status == .exited(3) && refused.stderr.contains("[row-security]"), "\(refused.stderr)")
        // Whoever insists meets it when the table is copied.
        #expect(try s.tandem("preflight", "--skip", "row-security", "--reason", "to see it").status == .exited(0))
        let blocked = try s.tandem("run", "--until", "caught-up", within: .seconds(120))
        #expect(blocked.status == .exited(5), "\(blocked.stderr)")
        #expect(blocked.stderr.contains("row-level security"), "\(blocked.stderr)")
        _ = try s.tandem("abort", "--yes")
        for side in [s.old, s.new] { try side.sql("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)") }
    }

    @Test func pausedItRestsAndResumedItGoesOn() throws {
        let s = try Scenario.copying(
            "paused", tables: "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int PRIMARY KEY)",
            rows: "INSERT INTO t SELECT generate_series(1, 1000)")
        defer { s.end() }
        _ = try s.tandem("run", environment: ["TANDEM_FAILPOINT": "after-origin-created"])
        #expect(try s.tandem("pause").status == .exited(0))
        let run = try s.start("run")
        try run.waitForLog("copy rests")
        rest(.seconds(1))
        #expect(try s.tandem("status").stdout.contains("paused"))
        #expect(try s.new.value("SELECT count(*) FROM tandem.copied_table WHERE state = 'done'") != "3")
        #expect(try s.tandem("resume").status == .exited(0))
        try s.waitForCopy(of: "t", toBe: "done")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
    }

    @Test func copiedAgainWhileTheOthersStream() throws {
        let s = try Scenario.copying(
            "again", tables: "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE u (a int, b text)",
            rows: "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 500) i; ALTER TABLE u REPLICA IDENTITY FULL")
        defer { s.end() }
        let run = try s.start("run")
        try s.waitForCopy(of: "t", toBe: "done")
        try s.catchUp()
        try s.new.sql("DELETE FROM t WHERE a % 2 = 0; UPDATE t SET b = 'wrong'; INSERT INTO u VALUES (1, 'stray')")
        #expect(try s.tandem("set-aside", "public.u").status == .exited(0))
        try s.old.sql("INSERT INTO u SELECT i, 'aside' FROM generate_series(1, 100) i; INSERT INTO t VALUES (0, 'new')")
        #expect(try s.tandem("recopy", "public.t", "public.u").status == .exited(0))
        for i in 0..<20 {
            try s.old.sql("INSERT INTO u VALUES (\(i), 'meanwhile'); UPDATE t SET b = 'm' WHERE a = \(i)")
        }
        try s.new.wait(
            for: "SELECT count(*) FROM tandem.copied_table WHERE state = 'done' AND table_name IN ('t', 'u')", toBe: "2"
        )
        try s.old.sql("INSERT INTO u VALUES (7, 'last')")
        try s.catchUp()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.set_aside") == "0")
        try run.stop()
    }

    /// It must not end before the table has its rows again.
    @Test func copiedAgainByARunWithAnEnd() throws {
        let s = try Scenario.copying(
            "again2", tables: "CREATE TABLE t (a int PRIMARY KEY)", rows: "INSERT INTO t SELECT generate_series(1, 500)"
        )
        defer { s.end() }
        try s.copy()
        #expect(try s.tandem("recopy", "public.t").status == .exited(0))
        #expect(try s.tandem("status").stdout.contains("public.t is to be copied again"))
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM t") == "500")
    }

    private static let publishesInTime = """
        SELECT v >= CASE v / 10000 WHEN 13 THEN 130021 WHEN 14 THEN 140018 WHEN 15 THEN 150013 WHEN 16 THEN 160009
                                   WHEN 17 THEN 170005 ELSE 0 END
          FROM (SELECT current_setting('server_version_num')::int AS v) AS x
        """

    /// A transaction that began before the table was published may be decoded with its rows, or without them.
    @Test func aTableMadeLaterIsCopiedToo() throws {
        let s = try Scenario.copying(
            "later", tables: "CREATE TABLE t (a int PRIMARY KEY)", rows: "INSERT INTO t SELECT generate_series(1, 50)")
        defer { s.end() }
        try s.copy()
        try s.old.sql(
            "CREATE TABLE late (a int PRIMARY KEY, b text); INSERT INTO late SELECT i, 'x' FROM generate_series(1, 100) i"
        )
        let open = try s.old.session()
        _ = try open.send("BEGIN; INSERT INTO late VALUES (0, 'before'); UPDATE late SET b = 'open' WHERE a = 7")
        let run = try s.start("run")
        guard try s.old.value(Self.publishesInTime) == "t" else {
            // Rows would be lost there.
            try run.waitForLog("update old to 13.21")
            #expect(try s.new.value("SELECT count(*) FROM tandem.copied_table WHERE table_name = 'late'") == "0")
            return
        }
        try run.waitForLog("added to the publication")
        _ = try open.send("INSERT INTO late VALUES (-1, 'after'); UPDATE t SET a = -1 WHERE a = 1")
        rest(.seconds(1))
        #expect(try s.new.value("SELECT state FROM tandem.copied_table WHERE table_name = 'late'") == "waiting")
        _ = try open.send("COMMIT")
        try s.waitForCopy(of: "late", toBe: "done")
        try s.old.sql("INSERT INTO late VALUES (1000, 'last')")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
        #expect(try s.tandem("status").stdout.contains("not carried") == false)
    }

    /// By tandem's own stream back, of which nothing but the slot is there.
    @Test func rowsAreMarkedWhereTheOtherStreamWouldBringThemBack() throws {
        let s = try Scenario.copying(
            "marked", extra: "jobs: 3\ncopy: {range: 64kB}",
            tables: "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE u (a int PRIMARY KEY)",
            rows: """
                INSERT INTO t SELECT i, repeat('x', 90) FROM generate_series(1, 3000) i;
                INSERT INTO u SELECT generate_series(1, 9)
                """)
        defer { s.end() }
        try s.copy()
        let slot = "tandem_t_\(s.name)_reverse"
        // As somebody does who is about to make that stream; without it the slot would be taken for an orphan.
        let maker = try s.new.session()
        _ = try maker.send("SELECT pg_advisory_lock(hashtextextended('\(slot)', 7462))")
        try s.new.sql(
            "CREATE PUBLICATION back FOR TABLE t, u; SELECT pg_create_logical_replication_slot('\(slot)', 'pgoutput')")
        #expect(try s.tandem("recopy", "public.t", "public.u").status == .exited(0))
        try s.copy()
        try s.expectSame()
        let messages = """
            SELECT chr(get_byte(data, 0)) FROM pg_logical_slot_peek_binary_changes(
            '\(slot)', NULL, NULL, 'proto_version', '1', 'publication_names', 'back') AS c
            """
        let kinds = try s.new.rows(messages).compactMap { $0[0] ?? nil }
        #expect(kinds.count { $0 == "I" } == 3009 && kinds.count { $0 == "T" } == 2)
        #expect(kinds.count { $0 == "B" } == kinds.count { $0 == "O" })
        try s.new.sql("SELECT pg_drop_replication_slot('\(slot)')")
        _ = try maker.send("SELECT pg_advisory_unlock_all()")
        #expect(try s.tandem("abort", "--yes").status == .exited(0))
        #expect(try s.new.value("SELECT count(*) FROM pg_replication_origin WHERE roname ~ '_\(s.name)_'") == "0")
    }
}
