// A session keeps its transaction, tells its errors and lives on, and can be left blocked.

import TestSupport
import Testing

@Suite(.blocking) struct SessionTests {
    let scenario: Scenario

    init() throws { scenario = try Scenario("session", marker: false) }

    @Test func keepsATransactionOpen() throws {
        defer { scenario.end() }
        try scenario.old.sql("CREATE TABLE t (a int)")
        let session = try scenario.old.session()
        #expect(try session.send("BEGIN") == "")
        #expect(try session.send("INSERT INTO t VALUES (1), (2) RETURNING a") == "1\n2")
        #expect(try scenario.old.value("SELECT count(*) FROM t") == "0")
        try session.send("COMMIT")
        #expect(try scenario.old.value("SELECT count(*) FROM t") == "2")

        try session.send("BEGIN; INSERT INTO t VALUES (3);")
        session.close()
        try scenario.old.wait(
            for:
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test session' AND datname = current_database()",
            toBe: "0")
        #expect(try scenario.old.value("SELECT count(*) FROM t") == "2")
    }

    @Test func survivesAnErrorAndCarriesManyLines() throws {
        defer { scenario.end() }
        let session = try scenario.old.session()
        defer { session.close() }
        let failure = #expect(throws: HarnessFailure.self) { try session.send("SELECT 1; SELECT 1/0; SELECT 2;") }
        #expect(failure?.sqlstate == "22012")
        #expect(try session.send("SELECT 'still here'") == "still here")
        try session.send("DO $$ BEGIN RAISE NOTICE 'ERROR: not really'; END $$")
        let many = try session.send("SELECT generate_series(1, 100000)")
        #expect(many.split(separator: "\n").count == 100_000)
        let long = String(repeating: "x", count: 300_000)
        #expect(try session.send("SELECT length('\(long)')") == "300000")
    }

    @Test func canBeLeftBlocked() throws {
        defer { scenario.end() }
        try scenario.old.sql("CREATE TABLE t (a int)")
        let (holder, waiter) = (try scenario.old.session(), try scenario.old.session())
        defer { [holder, waiter].forEach { $0.close() } }
        try holder.send("BEGIN; LOCK TABLE t;")
        try waiter.start("SELECT count(*) FROM t")
        let failure = #expect(throws: HarnessFailure.self) { try waiter.result(within: .milliseconds(100)) }
        #expect(failure?.kind == .timeLimit)
        try holder.send("COMMIT")
        #expect(try waiter.result() == "0")
    }

    @Test func reportsItsEnd() throws {
        defer { scenario.end() }
        let session = try scenario.old.session()
        let backend = try session.send("SELECT pg_backend_pid()")
        try scenario.old.sql("SELECT pg_terminate_backend(\(backend))")
        let failure = #expect(throws: HarnessFailure.self) { try session.send("SELECT 1") }
        #expect(failure?.message.contains("terminating connection") == true)
    }
}
