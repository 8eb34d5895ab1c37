// What stands on new in a table's place, or in a row's way: named, waited for, and gone on from.

import TestSupport
import Testing

@Suite(.blocking) struct ObstacleOnNewTests {
    @Test func somethingElseOfTheSameName() throws {
        let s = try Scenario.shaped(
            "kinds",
            old: """
                CREATE TABLE v (id int PRIMARY KEY); CREATE TABLE m (id int PRIMARY KEY); CREATE TABLE f (id int PRIMARY KEY);
                CREATE TABLE l (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY);
                """,
            new: """
                CREATE VIEW v AS SELECT 1 AS id; CREATE MATERIALIZED VIEW m AS SELECT 1 AS id; CREATE FOREIGN DATA WRAPPER w;
                CREATE SERVER o FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE f (id int) SERVER o; CREATE UNLOGGED TABLE l (id int PRIMARY KEY);
                CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
                CREATE UNLOGGED TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (100);
                """)
        defer { s.end() }
        for (table, word, remedy) in [
            ("v", "public.v on new is not a table", "DROP VIEW v; CREATE TABLE v (id int PRIMARY KEY)"),
            ("m", "public.m on new is not a table", "DROP MATERIALIZED VIEW m; CREATE TABLE m (id int PRIMARY KEY)"),
            ("f", "public.f on new is not a table", "DROP FOREIGN TABLE f; CREATE TABLE f (id int PRIMARY KEY)"),
            ("l", "public.l on new is unlogged", "ALTER TABLE l SET LOGGED"),
            ("p", "public.p_1 on new is unlogged", "ALTER TABLE p_1 SET LOGGED"),
        ] {
            try s.old.sql("INSERT INTO \(table) VALUES (1)")
            try s.expectBlocked("relation=public.\(table)", word)
            try s.new.sql(remedy)
            try s.expectSame(table)
        }
        try s.expectQuietEnd(blocked: 5)
    }

    @Test func constraints() throws {
        let s = try Scenario.shaped(
            "constraints", dataA: ["public.*"],
            old: """
                CREATE TABLE child (id int PRIMARY KEY, p int); CREATE TABLE ranges (id int PRIMARY KEY, r int4range);
                CREATE TABLE checked (id int PRIMARY KEY, v int); CREATE TABLE needs (id int PRIMARY KEY, v int);
                INSERT INTO checked VALUES (1, -1), (2, 2); ALTER TABLE checked ADD CONSTRAINT positive CHECK (v > 0) NOT VALID;
                ALTER TABLE ranges ADD CONSTRAINT apart EXCLUDE USING gist (r WITH &&);
                CREATE TABLE excluded (id int PRIMARY KEY, v int, EXCLUDE USING btree (v WITH =));
                """,
            new: """
                CREATE SCHEMA aside; CREATE TABLE aside.parent (id int PRIMARY KEY);
                CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES aside.parent); CREATE TABLE ranges (id int PRIMARY KEY, r int4range);
                CREATE TABLE checked (id int PRIMARY KEY, v int); CREATE TABLE needs (id int PRIMARY KEY, v int);
                INSERT INTO checked VALUES (1, -1), (2, 2); ALTER TABLE checked ADD CONSTRAINT positive CHECK (v > 0) NOT VALID;
                ALTER TABLE ranges ADD CONSTRAINT apart EXCLUDE USING gist (r WITH &&);
                ALTER TABLE needs ADD CONSTRAINT below CHECK (v < 10), ALTER v SET NOT NULL;
                CREATE TABLE excluded (id int PRIMARY KEY, v int, EXCLUDE USING btree (v WITH =));
                """)
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO child VALUES (1, 404), (2, NULL); UPDATE child SET p = 405;
            INSERT INTO ranges VALUES (1, '[1,5)'), (2, '[20,25)'), (3, '[30,40)');
            BEGIN; UPDATE ranges SET r = '[10,15)' WHERE id = 1; UPDATE ranges SET r = '[1,5)' WHERE id = 2; COMMIT;
            BEGIN; DELETE FROM ranges WHERE id = 1; INSERT INTO ranges VALUES (4, '[9,12)'); UPDATE ranges SET r = '[50,60)' WHERE id = 2;
            UPDATE ranges SET r = '[2,3)' WHERE id = 3; UPDATE ranges SET r = '[30,31)' WHERE id = 2; COMMIT;
            UPDATE checked SET v = 3 WHERE id = 2; DELETE FROM checked WHERE id = 1; INSERT INTO checked VALUES (1, 1);
            INSERT INTO excluded VALUES (1, 1), (2, 2), (3, NULL), (4, NULL);
            BEGIN; UPDATE excluded SET v = 3 WHERE id = 1; UPDATE excluded SET v = 1 WHERE id = 2; UPDATE excluded SET v = 2 WHERE id = 1; COMMIT;
            DELETE FROM excluded WHERE id = 2; INSERT INTO excluded VALUES (5, 1);
            """)
        try s.expectSame("child", "ranges", "checked", "excluded")
        try s.new.sql("INSERT INTO excluded VALUES (50, 50)")
        try s.old.sql("INSERT INTO excluded VALUES (6, 50)")
        try s.expectBlocked("public.excluded", "23P01", "excluded_v_excl")
        try s.new.sql("DELETE FROM excluded WHERE id = 50")
        try s.expectSame("excluded")
        try s.old.sql("INSERT INTO needs VALUES (1, 50)")
        try s.expectBlocked("public.needs", "23514", "below")
        try s.new.sql("ALTER TABLE needs DROP CONSTRAINT below")
        try s.catchUp()
        try s.old.sql("INSERT INTO needs VALUES (2, NULL)")
        try s.expectBlocked("public.needs", "23502")
        try s.new.sql("ALTER TABLE needs ALTER v DROP NOT NULL")
        try s.expectSame("needs")
        try s.expectQuietEnd(blocked: 3)
    }

    /// Row security would hide rows from a modest role without a word; the session asks to be refused instead.
    @Test func rowSecurityAndPrivileges() throws {
        guard try ClusterPair.shared.new.installation.major >= 15 else { return }
        let s = try Scenario("rights")
        let role = "\(s.name)_modest"
        defer {
            s.end()
            _ = try? s.new.cluster.sql(
                "REVOKE ALL ON PARAMETER session_replication_role FROM \(role); DROP ROLE \(role)")
        }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        let origins = try s.new.sql(
            "SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE proname LIKE 'pg\\_replication\\_origin\\_%'"
        )
        try s.new.sql(
            """
            CREATE ROLE \(role) LOGIN; GRANT CREATE ON DATABASE \(sqlIdentifier(s.name)) TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO \(role);
            GRANT EXECUTE ON FUNCTION \(origins) TO \(role); GRANT SET ON PARAMETER session_replication_role TO \(role);
            """)
        try s.writeConfiguration(new: s.new.cluster.connection(database: s.name, user: role))
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        try s.catchUp()
        try s.new.sql("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON t USING (false)")
        try s.old.sql("UPDATE t SET v = 'c'")
        try s.expectBlocked("public.t", "42501", "row-level security", "BYPASSRLS")
        try s.new.sql("ALTER ROLE \(role) BYPASSRLS")
        try s.expectSame("t")
        // The owner, too, where the table insists.
        try s.new.sql(
            "ALTER ROLE \(role) NOBYPASSRLS; ALTER TABLE t OWNER TO \(role), FORCE ROW LEVEL SECURITY")
        try s.old.sql("UPDATE t SET v = 'c2'")
        try s.expectBlocked("public.t", "42501", "row-level security")
        try s.new.sql(
            "ALTER TABLE t NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY, OWNER TO postgres; GRANT ALL ON t TO \(role)"
        )
        try s.expectSame("t")
        for (right, statement) in [
            ("INSERT", "INSERT INTO t VALUES (3, 'd')"), ("UPDATE", "UPDATE t SET v = 'e'"),
            ("DELETE", "DELETE FROM t WHERE id = 1"), ("SELECT", "UPDATE t SET v = 'f'"), ("TRUNCATE", "TRUNCATE t"),
        ] {
            try s.new.sql("REVOKE \(right) ON t FROM \(role)")
            try s.old.sql(statement)
            try s.expectBlocked("public.t", "42501", "grant")
            try s.new.sql("GRANT \(right) ON t TO \(role)")
            try s.expectSame("t")
        }
        try s.expectQuietEnd(blocked: 7)
        try s.new.sql("REVOKE EXECUTE ON FUNCTION \(origins) FROM \(role); DROP OWNED BY \(role)")
    }

    @Test func locksHeldOnNew() throws {
        let s = try Scenario.shaped(
            "locks", old: "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE u (id int PRIMARY KEY)")
        defer { s.end() }
        try s.old.sql("INSERT INTO t SELECT i, i FROM generate_series(1, 5000) i")
        try s.catchUp()
        let session = try s.new.session()
        try session.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        let index = try s.new.session()
        try index.start("CREATE INDEX CONCURRENTLY ON t (v)")
        try s.old.sql("UPDATE t SET v = v + 1; INSERT INTO u VALUES (1)")
        rest(.milliseconds(1500))
        #expect(try s.new.value("SELECT count(*) FROM u") == "0")
        try session.send("COMMIT")
        for _ in 1...20 { try s.old.sql("UPDATE t SET v = v + 1 WHERE id % 10 = 0") }
        _ = try index.result()
        try s.expectSame("t", "u")
        #expect(try s.new.value("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 't'::regclass") == "t")
        try s.expectQuietEnd()
    }
}
