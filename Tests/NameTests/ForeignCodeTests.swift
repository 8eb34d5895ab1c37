// Code of others on new runs with the rights of tandem's role there and no more; what the documents say of it.

import TestSupport
import Testing

@Suite(.blocking) struct ForeignCodeTests {
    /// The owner of a table lets a trigger, and the function of a check, make its owner a superuser.
    @Test func aRoleThatIsNoSuperuserGivesNothingAway() throws {
        guard try ClusterPair.shared.new.installation.major >= 15 else { return }
        let s = try Scenario("foreigncode", dataA: ["public.t"])
        let (role, owner) = ("\(s.name)_modest", "\(s.name)_owner")
        defer {
            s.end()
            _ = try? s.new.cluster.sql("REVOKE ALL ON PARAMETER session_replication_role FROM \(role)")
            for name in [role, owner] { _ = try? s.new.cluster.sql("DROP ROLE \(name)") }
        }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        let origins = try s.new.sql(
            "SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE proname LIKE 'pg\\_replication\\_origin\\_%'"
        )
        try s.new.sql(
            """
            CREATE ROLE \(role) LOGIN; CREATE ROLE \(owner) LOGIN; GRANT CREATE ON SCHEMA public TO \(owner);
            GRANT CREATE ON DATABASE \(sqlIdentifier(s.name)) TO \(role); GRANT EXECUTE ON FUNCTION \(origins) TO \(role);
            GRANT SET ON PARAMETER session_replication_role TO \(role); GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role);
            ALTER TABLE t OWNER TO \(owner);
            """)
        try s.new.sql(
            """
            CREATE FUNCTION rise() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN ALTER ROLE \(owner) SUPERUSER; RETURN NEW; END $$;
            CREATE TRIGGER rise BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION rise();
            ALTER TABLE t ENABLE ALWAYS TRIGGER rise;
            """, user: owner)
        try s.writeConfiguration(dataA: ["public.t"], new: s.new.cluster.connection(database: s.name, user: role))
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'a')")
        try run.waitForLog("42501")
        #expect(!run.log.contains("triggers run as superuser"), "\(run.tail)")
        #expect(try s.new.value("SELECT rolsuper FROM pg_roles WHERE rolname = '\(owner)'") == "f")
        try s.new.sql("ALTER TABLE t DISABLE TRIGGER rise")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
    }

    /// A cast that somebody made does not stand in for the input function of their type, in rows with and without a key.
    @Test func aCastFromTextIsNotUsed() throws {
        let s = try Scenario("castfromtext")
        defer { s.end() }
        try s.both(
            """
            CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad'); CREATE TABLE t (id int, m mood, PRIMARY KEY (id, m));
            CREATE DOMAIN temper AS mood; CREATE TABLE u (m mood, d temper); ALTER TABLE u REPLICA IDENTITY FULL;
            """)
        try s.new.sql(
            """
            CREATE FUNCTION cheer(text) RETURNS mood LANGUAGE sql AS $$ SELECT 'glad'::public.mood $$;
            CREATE CAST (text AS mood) WITH FUNCTION cheer(text);
            """)
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'sad'), (2, 'ok'); INSERT INTO u VALUES ('sad', 'ok'), ('ok', 'sad')")
        try s.old.sql(
            "UPDATE t SET m = 'ok' WHERE id = 1; DELETE FROM t WHERE id = 2; UPDATE u SET d = 'sad' WHERE d::text = 'ok'"
        )
        try s.old.sql("DELETE FROM u WHERE m = 'ok'")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0")
        #expect(try run.stop() == .exited(0))
    }

    /// The server would cut such a name off, and might find another database.
    @Test func aDatabaseOrRoleOfAnOverlongNameIsNotAnother() throws {
        let s = try Scenario("overlong")
        let long = s.name + String(repeating: "x", count: 63 - s.name.utf8.count)
        defer {
            s.end()
            _ = try? s.old.cluster.sql("DROP DATABASE \(long) WITH (FORCE)")
        }
        try s.old.cluster.createDatabase(long)
        for (database, fits) in [(long, true), (long + "yz", false)] {
            try s.writeConfiguration(dataA: ["*.nothing"], old: s.old.cluster.connection(database: database))
            let said = try s.tandem("prepare").stderr
            #expect(said.contains("connecting to old") != fits, "\(said)")
        }
    }
}
