// Publishing a table that has no identity makes its updates fail on old, in production. `prepare` finds every such table
// before a publication exists: partitions by their own identity, children of an inheritance parent only when chosen.

import TestSupport
import Testing

@Suite(.blocking) struct HarmlessPublishingTests {
    private func refused(_ scenario: Scenario, naming table: String) throws {
        let outcome = try scenario.tandem("prepare")
        #expect(outcome.exitCode == 3)
        #expect(outcome.stderr.contains(table), "\(outcome.stderr)")
        #expect(outcome.stderr.contains("REPLICA IDENTITY FULL"))
        let published = try scenario.old.value("SELECT count(*) FROM pg_publication")
        #expect(published == "0")
    }

    @Test func aTableThatIsUpdatedThoughItsIdentityIsNothing() throws {
        let scenario = try Scenario("harm nothing")
        defer { scenario.end() }
        try scenario.both("CREATE TABLE t (a int, b int); ALTER TABLE t REPLICA IDENTITY NOTHING;")
        try scenario.old.sql("INSERT INTO t VALUES (1, 1); UPDATE t SET b = 2;")
        try scenario.old.wait(
            for: "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 't'", toBe: "1")
        try refused(scenario, naming: "public.t")
    }

    @Test func aTableOnlyInsertedIntoMayHaveNone() throws {
        let scenario = try Scenario("harm log")
        defer { scenario.end() }
        try scenario.both("CREATE TABLE t (a int, b int); ALTER TABLE t REPLICA IDENTITY NOTHING;")
        let replicator = try scenario.start("prepare")
        try replicator.waitForLog("Holding the snapshot")
        #expect(replicator.log.contains("REPLICA IDENTITY NOTHING"))
        _ = try replicator.stop()
    }

    @Test func aPartitionWithoutTheIdentityOfItsRoot() throws {
        let scenario = try Scenario("harm leaf")
        defer { scenario.end() }
        try scenario.both(
            """
            CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
            CREATE TABLE leaf PARTITION OF t FOR VALUES FROM (0) TO (10);
            ALTER TABLE t REPLICA IDENTITY FULL;
            """)
        try refused(scenario, naming: "public.leaf")
        // What was said mends it, and the root needs nothing more.
        try scenario.both("ALTER TABLE leaf REPLICA IDENTITY FULL; ALTER TABLE t REPLICA IDENTITY DEFAULT;")
        try scenario.prepare()
        try scenario.old.sql("INSERT INTO t VALUES (1, 1); UPDATE t SET b = 2; DELETE FROM t;")
    }

    @Test func aChildThatWasNotChosenStaysUnpublished() throws {
        let scenario = try Scenario("harm child", dataA: ["public.*"])
        defer { scenario.end() }
        try scenario.both(
            """
            CREATE TABLE parent (a int PRIMARY KEY, b int);
            CREATE SCHEMA x;
            CREATE TABLE x.child () INHERITS (public.parent);
            """)
        try scenario.prepare()
        try scenario.old.sql("INSERT INTO x.child VALUES (1, 1); UPDATE x.child SET b = 2; DELETE FROM x.child;")
        let published = try scenario.old.value("SELECT count(*) FROM pg_publication_tables WHERE tablename = 'child'")
        #expect(published == "0")
    }

    @Test func unloggedTablesAreNamed() throws {
        let scenario = try Scenario("harm unlogged")
        defer { scenario.end() }
        try scenario.both("CREATE UNLOGGED TABLE scratch (a int PRIMARY KEY); CREATE TABLE t (a int PRIMARY KEY);")
        let replicator = try scenario.start("prepare")
        try replicator.waitForLog("Holding the snapshot")
        #expect(replicator.log.contains("public.scratch"))
        _ = try replicator.stop()
    }

    @Test func nothingIsLeftWhenNewRefuses() throws {
        let scenario = try Scenario("harm new")
        defer { scenario.end() }
        try scenario.both("CREATE TABLE t (a int PRIMARY KEY);")
        let role = "weak_\(scenario.name)"
        try scenario.new.sql("CREATE ROLE \(role) LOGIN; GRANT CREATE ON DATABASE \(scenario.name) TO \(role);")
        defer { _ = try? scenario.new.sql("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role);") }
        let weak = scenario.new.connection.replacing("user=postgres", with: "user=\(role)")
        try scenario.writeConfiguration(new: weak)
        let outcome = try scenario.tandem("prepare")
        #expect(outcome.exitCode == 1)
        let left = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
        #expect(try scenario.old.value(left) == "0")
        try scenario.writeConfiguration()
        try scenario.prepare()
    }
}
