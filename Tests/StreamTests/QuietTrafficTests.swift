// What is in the log but not for new: other programs' messages, empty transactions, unpublished tables, other databases.
// It must neither disturb nor keep old from removing its log.

import TestSupport
import Testing

@Suite(.blocking) struct QuietTrafficTests {
    @Test func logicalMessagesOfOthersPassUnnoticed() throws {
        let s = try Scenario.prepared("messages", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        let odd = "E'odd \\'\\u00e9\\n prefix'"
        let messages = """
            SELECT pg_logical_emit_message(true, \(odd), 'content'), pg_logical_emit_message(false, '', 'now'),
                   pg_logical_emit_message(true, 'zeros', '\\x000001ff00'::bytea),
                   pg_logical_emit_message(true, 'long', repeat('long', 50000));
            """
        try s.old.sql("BEGIN; \(messages) INSERT INTO t VALUES (1, 'small'); \(messages) COMMIT")
        try s.old.sql("BEGIN; INSERT INTO t VALUES (2, 'aborted'); \(messages) ROLLBACK")
        try s.old.sql(
            "BEGIN; \(rows("t", from: 10, count: 3000)) \(messages) SAVEPOINT a; \(messages) ROLLBACK TO a; \(rows("t", from: 5000, count: 3000)) COMMIT"
        )
        try s.old.sql("BEGIN; \(messages) COMMIT")
        try s.old.sql("SELECT pg_logical_emit_message(false, 'tandem', 'not ours')")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "6001")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
        try s.old.sql(messages)
        try s.follow()
        try s.expectSame()
    }

    @Test func thePositionFollowsTransactionsThatAreEmptyForNew() throws {
        let s = try Scenario.prepared(
            "empty", dataA: ["public.t"], "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE other (a int)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql("DO $$ BEGIN FOR i IN 1..5000 LOOP INSERT INTO other VALUES (i); COMMIT; END LOOP; END $$")
        try s.old.sql("INSERT INTO other SELECT generate_series(1, 300000)")
        let end = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try s.old.wait(
            for: "SELECT confirmed_flush_lsn >= '\(end)' FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'",
            toBe: "t")
        #expect(try s.new.value("SELECT count(*) FROM other") == "0")
        try s.expectSlotNotAhead()
        #expect(try run.stop() == .exited(0))
    }

    /// Nobody ran while the log grew by what others wrote, over several segments: it is passed over, and let go of.
    @Test func muchOfOthersWhileNobodyRan() throws {
        let s = try Scenario.prepared("resumed", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        let neighbour = try Scenario("loud", marker: false)
        defer {
            s.end()
            neighbour.end()
        }
        try s.old.sql(rows("t", count: 10))
        try s.follow()
        let held = "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'"
        let before = try s.old.value(held) ?? ""
        try neighbour.old.sql("CREATE TABLE t (a int, b text)")
        for _ in 1...4 { try neighbour.old.sql(rows("t", count: 60_000) + "SELECT pg_switch_wal(); CHECKPOINT") }
        let end = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        let run = try s.start("run")
        try s.old.sql("UPDATE t SET b = 'later' WHERE a = 1")
        try s.catchUp()
        try s.expectSame()
        // Its beginning moves with what the server itself writes down now and then.
        try s.old.wait(for: "SELECT (\(held)) > '\(before)'", toBe: "t", within: .seconds(60))
        #expect(try s.old.value("SELECT '\(s.confirmed() ?? "0/0")'::pg_lsn >= '\(end)'") == "t")
        #expect(try run.stop() == .exited(0))
    }

    @Test func thePositionFollowsABusyNeighbourDatabase() throws {
        let s = try Scenario.prepared("neighbour", "CREATE TABLE t (a int PRIMARY KEY)")
        let neighbour = try Scenario("busy", marker: false)
        defer {
            s.end()
            neighbour.end()
        }
        let run = try s.start("run")
        try neighbour.old.sql("CREATE TABLE t AS SELECT repeat('x', 200) FROM generate_series(1, 200000)")
        let end = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try s.old.wait(
            for: "SELECT confirmed_flush_lsn >= '\(end)' FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'",
            toBe: "t")
        try s.expectSlotNotAhead()
        #expect(try run.stop() == .exited(0))
    }

    /// Heartbeats carry the position on; but never past a large transaction that is still open, or not yet applied.
    @Test func thePositionDoesNotPassAnOpenTransaction() throws {
        let s = try Scenario.prepared(
            "open", extra: "limits: { memory: 4MB }", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        let session = try s.old.session()
        try session.send("BEGIN; \(rows("t", count: 30_000))")
        try s.catchUp()
        run.kill()
        try session.send("COMMIT")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "30000")
        try s.expectSame()
    }
}
