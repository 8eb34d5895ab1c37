// What new may put in the way for a while: the stream waits and goes on, whole transactions, once each.

import TestSupport
import Testing

@Suite(.blocking) struct ObstacleTests {
    private static let tables = """
        CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL;
        CREATE TABLE one (a int PRIMARY KEY, b text); CREATE TABLE two (a int PRIMARY KEY, b text);
        """

    @Test func aDeadlockWithAnApplication() throws {
        let s = try Scenario.prepared("deadlock", Self.tables)
        defer { s.end() }
        try s.old.sql("INSERT INTO one VALUES (1, ''); INSERT INTO two VALUES (1, '')")
        let run = try s.start("run")
        try s.catchUp()
        let application = try s.new.session()
        // Patient, so that it is the stream that gives way.
        try application.send("SET deadlock_timeout = '30s'; BEGIN; UPDATE two SET b = 'application' WHERE a = 1")
        try s.old.sql(
            """
            BEGIN; INSERT INTO t VALUES (1, 'once'); UPDATE one SET b = 'old' WHERE a = 1;
            UPDATE two SET b = 'old' WHERE a = 1; COMMIT;
            """)
        try s.waitUntilNewWaitsForALock()
        try application.send("UPDATE one SET b = 'application' WHERE a = 1", within: .seconds(90))
        try application.send("ROLLBACK")
        try s.catchUp()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
        #expect(run.log.contains("40P01"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// A small transaction travels without BEGIN and COMMIT: what fails where it is committed belongs to no statement.
    @Test func aCommitThatFailsAtItsEnd() throws {
        let s = try Scenario.prepared("atitsend", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.new.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not at the end'; END $$;
            CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON tandem.stream DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION refuse();
            ALTER TABLE tandem.stream ENABLE ALWAYS TRIGGER refuse;
            """)
        try s.old.sql("INSERT INTO t VALUES (1, 'once')")
        try s.old.sql("INSERT INTO one VALUES (1, 'once')")
        try run.waitForLog("event=blocked")
        #expect(run.log.contains("not at the end"), "\(run.tail)")
        #expect(try s.new.value("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM one)") == "0")
        try s.new.sql("DROP TRIGGER refuse ON tandem.stream")
        try s.catchUp()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
        #expect(!run.log.contains("interrupted"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
        try s.expectSlotNotAhead()
        // Nothing was rolled back that had ended by itself.
        let said = s.new.cluster.log.split(separator: "\n").filter { $0.contains(s.name) }
        #expect(said.filter { $0.contains("no transaction in progress") } == [])
    }

    @Test func settingsOfTheRoleThatWouldCancelStatements() throws {
        let s = try Scenario("rolesettings")
        defer { s.end() }
        let role = "\(s.name)_impatient"
        try s.both(Self.tables)
        for side in [s.old, s.new] {
            try side.sql(
                """
                CREATE ROLE \(role) SUPERUSER LOGIN;
                ALTER ROLE \(role) SET statement_timeout = '700ms'; ALTER ROLE \(role) SET lock_timeout = '700ms';
                ALTER ROLE \(role) SET idle_in_transaction_session_timeout = '700ms';
                ALTER ROLE \(role) SET idle_session_timeout = '700ms';
                ALTER ROLE \(role) SET default_transaction_read_only = on;
                ALTER ROLE \(role) SET search_path = nowhere; ALTER ROLE \(role) SET datestyle = 'German';
                """)
        }
        defer { for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(role)") } }
        try s.writeConfiguration(
            old: s.old.cluster.connection(database: s.name, user: role),
            new: s.new.cluster.connection(database: s.name, user: role))
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql(rows("t", count: 100))
        try s.waitUntilNewWaitsForALock()
        rest(.milliseconds(2500))
        try lock.send("COMMIT")
        try s.catchUp()
        try s.expectSame()
        #expect(!run.log.contains("retrying") && !run.log.contains("interrupted"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
        s.end()
    }

    /// The connection on old is lost together with the right to replicate; both come back.
    @Test func theRightToReplicateTakenAwayAndGivenBack() throws {
        let s = try Scenario("replicationright")
        let role = "\(s.name)_replicator"
        defer {
            s.end()
            _ = try? s.old.cluster.sql("DROP ROLE \(role)")
        }
        try s.both(Self.tables)
        try s.old.sql("CREATE ROLE \(role) SUPERUSER REPLICATION LOGIN")
        try s.writeConfiguration(old: s.old.cluster.connection(database: s.name, user: role))
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        try s.old.sql(
            """
            ALTER ROLE \(role) NOSUPERUSER NOREPLICATION;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(role)';
            """)
        try s.old.sql(rows("t", count: 10))
        try run.waitForLog("replication")
        try run.waitForLog("stream interrupted")
        rest(.seconds(2))
        #expect(run.status == nil, "\(run.tail)")
        try s.old.sql("ALTER ROLE \(role) SUPERUSER REPLICATION")
        try s.catchUp()
        try s.expectSame()
        #expect(run.log.split(separator: "\n").count < 30, "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// A role with just what the stream needs. What it may lose for a while is named, and waited for.
    @Test func aPrivilegeTakenAwayAndGivenBack() throws {
        let s = try Scenario("privilege")
        defer { s.end() }
        let role = "\(s.name)_modest"
        try s.both(Self.tables)
        let origins = try s.new.sql(
            "SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE proname LIKE 'pg\\_replication\\_origin\\_%'"
        )
        try s.new.sql(
            """
            CREATE ROLE \(role) LOGIN; GRANT CREATE ON DATABASE \(sqlIdentifier(s.name)) TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO \(role);
            GRANT EXECUTE ON FUNCTION \(origins) TO \(role);
            GRANT SET ON PARAMETER session_replication_role TO \(role);
            """)
        defer {
            s.end()
            _ = try? s.new.cluster.sql(
                "REVOKE ALL ON PARAMETER session_replication_role FROM \(role); DROP ROLE \(role)")
        }
        try s.writeConfiguration(new: s.new.cluster.connection(database: s.name, user: role))
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        try s.new.sql("REVOKE INSERT ON t FROM \(role)")
        try s.old.sql(rows("t", count: 10))
        try run.waitForLog("42501")
        // The status follows within a second or two.
        try s.new.wait(for: "SELECT status LIKE '%\"blocked\"%' FROM tandem.stream_status", toBe: "t")
        let status = try s.tandem("status").stdout
        #expect(status.contains("blocked") && status.contains("public.t") && status.contains("grant"), "\(status)")
        try s.expectSlotNotAhead()
        try s.new.sql("GRANT INSERT ON t TO \(role)")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
        try s.new.sql("REVOKE EXECUTE ON FUNCTION \(origins) FROM \(role); DROP OWNED BY \(role)")
    }

    @Test func aRoleWithoutConnectionsLeft() throws {
        let s = try Scenario("connections")
        defer { s.end() }
        let role = "\(s.name)_crowded"
        try s.both(Self.tables)
        let origins = try s.new.sql(
            "SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE proname LIKE 'pg\\_replication\\_origin\\_%'"
        )
        try s.new.sql(
            """
            CREATE ROLE \(role) LOGIN; GRANT CREATE ON DATABASE \(sqlIdentifier(s.name)) TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO \(role);
            GRANT EXECUTE ON FUNCTION \(origins) TO \(role);
            GRANT SET ON PARAMETER session_replication_role TO \(role);
            """)
        defer {
            s.end()
            _ = try? s.new.cluster.sql(
                "REVOKE ALL ON PARAMETER session_replication_role FROM \(role); DROP ROLE \(role)")
        }
        try s.writeConfiguration(new: s.new.cluster.connection(database: s.name, user: role))
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        try s.new.sql("ALTER ROLE \(role) CONNECTION LIMIT 1")
        try s.new.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(s.slotName) apply'")
        try run.waitForLog("too many connections")
        try s.old.sql(rows("t", count: 10))
        rest(.seconds(2))
        // It tries again and again, but not in a hurry, and says so once.
        let said = run.log.split(separator: "\n").filter { $0.contains("too many connections") }
        #expect(said.count <= 2, "\(run.tail)")
        try s.new.sql("ALTER ROLE \(role) CONNECTION LIMIT -1")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
        try s.new.sql("REVOKE EXECUTE ON FUNCTION \(origins) FROM \(role); DROP OWNED BY \(role)")
    }
}
