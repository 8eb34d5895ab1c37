// Where rows come from: what a third party replicates into old is carried like anything else, and new must not be old.

import TestSupport
import Testing

@Suite(.blocking) struct OriginTests {
    @Test func rowsOfOtherOriginsAreCarried() throws {
        let s = try Scenario("origins")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.prepare()
        let run = try s.start("run")
        let third = "third_\(s.name)"
        defer { _ = try? s.old.sql("SELECT pg_replication_origin_drop('\(third)')") }
        try s.old.sql(
            """
            SELECT pg_replication_origin_create('\(third)'), pg_replication_origin_session_setup('\(third)');
            BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCDEF', now()); INSERT INTO t VALUES (1, 'theirs'); COMMIT;
            BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCDFF', now()); UPDATE t SET v = 'theirs, too';
            INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(2, 3000) i; COMMIT;
            SELECT pg_replication_origin_session_reset();
            INSERT INTO t VALUES (5000, 'own')
            """)
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
    }

    @Test func oneDatabaseByTwoAddressesIsRefused() throws {
        let s = try Scenario("same")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        let other = s.old.cluster.connection(database: s.name, overTCP: true)
        try s.writeConfiguration(new: other)
        let prepare = try s.tandem("prepare")
        #expect(prepare.exitCode == 3 && prepare.stderr.contains("the same database"), "\(prepare.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
        #expect(try s.old.value("SELECT to_regnamespace('tandem') IS NULL") == "t")

        try s.writeConfiguration()
        try s.prepare()
        try s.writeConfiguration(new: other)
        let run = try s.tandem("run", "--until", "caught-up")
        #expect(run.exitCode == 3 && run.stderr.contains("the same database"), "\(run.stderr)")
        #expect(try s.old.value("SELECT to_regclass('tandem.stream') IS NULL") == "t")
        // Another database of the same server is another database.
        try s.writeConfiguration()
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
    }
}
