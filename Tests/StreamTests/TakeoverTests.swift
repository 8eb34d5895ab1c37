// One runner at a time: a second one stands by, takes over when the first is gone, and never works beside it.

import TestSupport
import Testing

@Suite(.blocking) struct TakeoverTests {
    private static let tables = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    @Test(arguments: [("killed", 9 as Int32), ("asked to end", 15)])
    func theSecondRunnerTakesOver(how: String, signal: Int32) throws {
        let s = try Scenario.prepared("takeover", Self.tables)
        defer { s.end() }
        let first = try s.start("run")
        try first.waitForLog("event=streaming")
        let second = try s.start("run")
        try second.waitForLog("standing by")
        let session = try s.old.session()
        try session.send("BEGIN; \(rows("t", count: 2000))")
        try s.old.sql(rows("t", from: 5000, count: 100))
        try s.catchUp()
        #expect(!second.log.contains("event=streaming"))
        first.signal(signal)
        #expect(try first.wait() == (signal == 9 ? .signalled(9) : .exited(0)))
        try second.waitForLog("event=streaming")
        try session.send("COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "2100")
        try s.expectSame()
        #expect(try second.stop() == .exited(0))
    }

    /// It waits for its turn, whatever becomes of the servers meanwhile.
    @Test func oneThatStandsByOutlivesARestartOfNew() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared("waiting", on: pair, Self.tables)
        defer { s.end() }
        let first = try s.start("run")
        try first.waitForLog("event=streaming")
        let second = try s.start("run")
        try second.waitForLog("standing by")
        try pair.new.stop()
        try second.waitForLog("stream interrupted")
        rest(.seconds(2))
        try pair.new.start()
        #expect(second.status == nil, "\(second.tail)")
        first.kill()
        try second.waitForLog("event=streaming")
        try s.old.sql(rows("t", count: 10))
        try s.catchUp()
        try s.expectSame()
        #expect(try second.stop() == .exited(0))
    }

    @Test func aRunnerThatIsFrozenIsNotReplaced() throws {
        let s = try Scenario.prepared("splitbrain", on: ShortPatience.pair, Self.tables)
        defer { s.end() }
        let first = try s.start("run")
        try first.waitForLog("event=streaming")
        try s.catchUp()
        let second = try s.start("run")
        try second.waitForLog("standing by")
        first.pause()
        try s.old.sql(rows("t", count: 50))
        rest(.seconds(3))
        #expect(!second.log.contains("event=streaming"))
        #expect(try s.new.value("SELECT count(*) FROM t") == "0")
        first.continue()
        try s.old.sql(rows("t", from: 51, count: 50))
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "100")
        #expect(first.status == nil)
        first.kill()
        try second.waitForLog("event=streaming")
        try s.old.sql(rows("t", from: 101, count: 50))
        try s.catchUp()
        try s.expectSame()
        #expect(try second.stop() == .exited(0))
    }

    /// The lock is free, but what the frozen one holds on either server is not; and when it thaws it does no harm.
    @Test func aFrozenRunnerWhoseSessionsAreEndedIsReplaced() throws {
        let s = try Scenario.prepared("thawed", on: ShortPatience.pair, Self.tables)
        defer { s.end() }
        let first = try s.start("run")
        try s.catchUp()
        first.pause()
        let second = try s.start("run")
        try second.waitForLog("standing by")
        let end = { (part: String) -> Void in
            try s.new.sql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(s.slotName) \(part)'
                AND backend_start < (SELECT max(backend_start) FROM pg_stat_activity WHERE application_name = '\(s.slotName) runner')
                """)
        }
        try end("runner")
        try second.waitForLog("stream interrupted")
        try s.old.sql(rows("t", count: 50))
        #expect(try s.new.value("SELECT count(*) FROM t") == "0")
        try end("apply")
        try s.catchUp()
        first.continue()
        try first.waitForLog("standing by")
        try s.old.sql(rows("t", from: 51, count: 50))
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "100")
        try s.expectSame()
        #expect(second.status == nil)
        #expect(try first.stop() == .exited(0))
        #expect(try second.stop() == .exited(0))
    }

    @Test func standingByEndsWhenAsked() throws {
        let s = try Scenario.prepared("standby", Self.tables)
        defer { s.end() }
        let first = try s.start("run")
        try first.waitForLog("event=streaming")
        let second = try s.start("run")
        try second.waitForLog("standing by")
        #expect(try second.stop(within: .seconds(90)) == .exited(0))
        #expect(first.status == nil)
        #expect(try first.stop() == .exited(0))
    }

    /// The first one's last commit is still under way on new when the second one has already read how far new has come.
    @Test func aCommitThatOutlivesItsRunnerIsNotAppliedAgain() throws {
        let s = try Scenario.prepared("latecommit", Self.tables)
        defer { s.end() }
        try s.new.sql(
            """
            CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.hold();
            ALTER TABLE t ENABLE ALWAYS TRIGGER hold;
            """)
        let first = try s.start("run")
        try s.catchUp()
        let (commit, reading) = (try s.new.session(), try s.new.session())
        try commit.send("SELECT pg_advisory_lock(4711)")
        try s.old.sql("INSERT INTO t VALUES (1, 'once')")
        try s.waitUntilNewWaitsForALock()
        first.kill()
        try s.new.wait(
            for:
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% runner'",
            toBe: "0")
        // From here on whoever starts reads its progress and then waits, before it becomes the one that applies.
        try reading.send("BEGIN; LOCK TABLE tandem.set_aside IN ACCESS EXCLUSIVE MODE")
        let second = try s.start("run")
        try s.new.wait(
            for: """
                SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock' AND application_name LIKE '%runner'
                """, toBe: "t")
        try commit.send("SELECT pg_advisory_unlock(4711)")
        try s.new.wait(for: "SELECT count(*) FROM t", toBe: "1")
        try s.new.wait(
            for:
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% apply'",
            toBe: "0")
        try reading.send("COMMIT")
        try s.old.sql("INSERT INTO t VALUES (2, 'next')")
        try s.catchUp()
        #expect(try s.new.value("SELECT string_agg(a::text, ',' ORDER BY a) FROM t") == "1,2")
        try s.expectSame()
        #expect(try second.stop() == .exited(0))
    }
}
