// The publication is tandem's own. Others on the same tables do not matter; somebody changing tandem's does.

import TestSupport
import Testing

@Suite(.blocking) struct PublicationTests {
    @Test func otherPublicationsDoNotMatter() throws {
        let s = try Scenario("others")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.old.sql("CREATE PUBLICATION only_inserts FOR TABLE t WITH (publish = 'insert')")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t SELECT g, 'v' FROM generate_series(1, 9) g; UPDATE t SET v = 'w' WHERE id > 3")
        try s.old.sql("ALTER PUBLICATION only_inserts SET (publish = 'delete'); DELETE FROM t WHERE id = 1")
        try s.old.sql(
            "CREATE PUBLICATION everything FOR ALL TABLES; UPDATE t SET v = 'x'; DROP PUBLICATION only_inserts")
        if PostgresInstallation.tested.old >= 15 {
            try s.old.sql(
                """
                CREATE PUBLICATION few FOR TABLE t (id) WHERE (id > 100); CREATE PUBLICATION fewer FOR TABLES IN SCHEMA public;
                UPDATE t SET v = 'y' WHERE id < 5; INSERT INTO t VALUES (20, 'twenty'); DROP PUBLICATION few, fewer;
                """)
        }
        try s.old.sql("DROP PUBLICATION everything; UPDATE t SET id = -id; INSERT INTO t VALUES (10, 'ten')")
        try expectHealthy(s)
    }

    /// What was written while the table was out of the publication never came. Rows that are touched afterwards are
    /// found different and read again.
    @Test(arguments: Travel.allCases)
    func tableTakenOutAndPutBack(_ travel: Travel) throws {
        let following = try Following("taken out", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        try s.catchUp()
        // In one transaction: nobody who looks at the publication sees it.
        try s.old.sql(
            """
            BEGIN; ALTER PUBLICATION \(s.publicationName) DROP TABLE t; INSERT INTO u VALUES (1);
            INSERT INTO t VALUES (3, 'missed'), (4, 'missed'); UPDATE t SET v = 'missed' WHERE id = 1;
            ALTER PUBLICATION \(s.publicationName) ADD TABLE t; INSERT INTO u VALUES (2); COMMIT;
            """)
        try s.old.sql(
            "UPDATE t SET v = v || '!' WHERE id < 4; DELETE FROM t WHERE id = 4; INSERT INTO t VALUES (5, 'e')")
        try expectHealthy(s, differences: 2)
        let screen = try StatusScreen.read(s)
        #expect(screen.found == ["public.t missing on delete: 1/0", "public.t missing on update: 1/1"])
    }

    @Test(arguments: ["DROP PUBLICATION %", "ALTER PUBLICATION % RENAME TO other"])
    func withoutItsPublicationTandemStops(_ statement: String) throws {
        let s = try Scenario("gone")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        let running = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1)")
        try s.catchUp()
        try s.old.sql(statement.replacing("%", with: s.publicationName))
        try s.old.sql("INSERT INTO t VALUES (2)")
        #expect(try running.wait() == .exited(6))
        // From the stream itself, or from the look at the catalog, whichever came first.
        let reasons = ["publication \(s.publicationName) did not exist", "old has no publication \(s.publicationName)"]
        #expect(reasons.contains { running.log.contains($0) }, "\(running.tail)")
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 6)
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
    }
}
