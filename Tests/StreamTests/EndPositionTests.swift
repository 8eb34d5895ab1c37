// `--until`: what commits at or before the position is on new, nothing else is, and going on from there is exact.
// On a pair of their own, where nobody else writes log.

import TestSupport
import Testing

@Suite(.serialized, .blocking) struct EndPositionTests {
    private static let made = Result<ClusterPair, any Error> { try ClusterPair() }
    private static let tables = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    private func scenario() throws -> Scenario {
        try Scenario.prepared("until", on: Self.made.get(), Self.tables)
    }

    private func until(
        _ position: String, _ s: Scenario, sees expected: [String], _ location: SourceLocation = #_sourceLocation
    )
        throws
    {
        let outcome = try s.tandem("run", "--until", position)
        #expect(outcome.status == .exited(0), "\(outcome.stderr)", sourceLocation: location)
        let seen = try s.new.sql("SELECT DISTINCT b FROM t ORDER BY 1").split(separator: "\n").map(String.init)
        #expect(seen == expected, sourceLocation: location)
        try s.expectSlotNotAhead(location)
    }

    /// The position right behind the commit of these statements.
    private func end(of statements: String, _ s: Scenario) throws -> String {
        try s.old.sql(statements)
        return try s.old.value("SELECT pg_current_wal_insert_lsn()") ?? ""
    }

    private func moved(_ position: String, by bytes: Int, _ s: Scenario) throws -> String {
        try s.old.value("SELECT '\(position)'::pg_lsn + (\(bytes))") ?? ""
    }

    @Test func theCommitDecidesToTheByte() throws {
        let s = try scenario()
        defer { s.end() }
        let first = try end(of: "INSERT INTO t VALUES (1, 'first')", s)
        let second = try end(of: "INSERT INTO t VALUES (2, 'second')", s)
        let third = try end(of: "INSERT INTO t VALUES (3, 'third')", s)
        let fourth = try end(of: "INSERT INTO t VALUES (4, 'fourth')", s)
        try until(first, s, sees: ["first"])
        try until(first, s, sees: ["first"])
        // The source has been told before it ended.
        try s.old.wait(
            for: "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'", toBe: first)
        // Inside the commit record: this transaction ends after it, and must come later all the same.
        try until(moved(second, by: -1, s), s, sees: ["first"])
        try until(moved(second, by: -8, s), s, sees: ["first"])
        try until(second, s, sees: ["first", "second"])
        try until(moved(second, by: 1, s), s, sees: ["first", "second"])
        try until(moved(third, by: -1, s), s, sees: ["first", "second"])
        try until(fourth, s, sees: ["first", "fourth", "second", "third"])
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "4")
        try s.expectSame()
    }

    @Test func aPositionInsideATransactionLeavesItOutWhole() throws {
        let s = try scenario()
        defer { s.end() }
        let session = try s.old.session()
        for (name, count) in [("small", 3), ("streamed", 3000)] {
            try session.send("BEGIN; INSERT INTO t SELECT i, '\(name)' FROM generate_series(1, \(count)) i")
            let inside = try s.old.value("SELECT pg_current_wal_insert_lsn()") ?? ""
            // A transaction that begins later and commits earlier belongs to what is before.
            let before = try end(of: "INSERT INTO t VALUES (0, 'before \(name)')", s)
            try session.send("INSERT INTO t SELECT i, '\(name)' FROM generate_series(1, \(count)) i; COMMIT")
            let expected = name == "small" ? ["before small"] : ["before small", "before streamed", "small"]
            try until(inside, s, sees: expected.filter { $0 != "before \(name)" })
            try until(before, s, sees: expected)
            try s.follow()
        }
        #expect(try s.new.value("SELECT count(*) FROM t") == "6008")
        try s.expectSame()
    }

    @Test func aTransactionOverSeveralSegmentsEndsWhereItEnds() throws {
        let s = try scenario()
        defer { s.end() }
        let statements = (1...3).map {
            "INSERT INTO t SELECT i, 'wide' FROM generate_series(1, 400) i; SELECT pg_switch_wal(), \($0);"
        }
        let session = try s.old.session()
        try session.send("BEGIN; INSERT INTO t VALUES (0, 'wide')")
        for statement in statements { try session.send(statement) }
        let inside = try s.old.value("SELECT pg_switch_wal()") ?? ""
        try s.old.sql("INSERT INTO t VALUES (1, 'beside')")
        try until(inside, s, sees: [])
        try session.send("COMMIT")
        let last = try s.old.value("SELECT pg_switch_wal()") ?? ""
        try until(last, s, sees: ["beside", "wide"])
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "1202")
        try s.expectSame()
    }

    @Test func anIdleSourceStillReachesIt() throws {
        let s = try scenario()
        defer { s.end() }
        try s.follow()
        try s.follow()
        let here = try s.old.value("SELECT pg_current_wal_insert_lsn()") ?? ""
        try until(here, s, sees: [])
        try until(s.old.value("SELECT pg_switch_wal()") ?? "", s, sees: [])
        // Long passed: nothing to wait for.
        try until("0/1", s, sees: [])
    }

    @Test func aPositionAheadIsWaitedFor() throws {
        let s = try scenario()
        defer { s.end() }
        let ahead = try s.old.value("SELECT pg_current_wal_insert_lsn() + 3000000") ?? ""
        let run = try s.start("run", "--until", ahead)
        try s.catchUp()
        #expect(run.status == nil)
        try s.old.sql("INSERT INTO t VALUES (1, 'before')")
        try s.old.sql("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 4000000))")
        try s.old.sql("INSERT INTO t VALUES (2, 'after')")
        #expect(try run.wait() == .exited(0))
        #expect(try s.new.value("SELECT string_agg(b, ',') FROM t") == "before")
        try s.follow()
        try s.expectSame()
    }

    /// What comes after the position in one burst with it, and the source's own word that it has sent all that, count no
    /// more than if they had come later.
    @Test func whatArrivesTogetherWithThePositionStaysForTheNextRun() throws {
        let s = try scenario()
        defer { s.end() }
        let ahead = try s.old.value("SELECT pg_current_wal_insert_lsn() + 1000000") ?? ""
        let run = try s.start("run", "--until", ahead)
        try s.old.sql("INSERT INTO t VALUES (1, 'before')")
        try s.catchUp()
        run.pause()
        try s.old.sql("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1500000))")
        try s.old.sql("INSERT INTO t VALUES (2, 'after')")
        // Past half the source's patience it asks, and says how far it has sent.
        rest(.milliseconds(3500))
        run.continue()
        #expect(try run.wait() == .exited(0), "\(run.tail)")
        #expect(try s.new.value("SELECT string_agg(b, ',') FROM t") == "before")
        try s.follow()
        #expect(try s.new.value("SELECT string_agg(b, ',' ORDER BY a) FROM t") == "before,after")
        try s.expectSame()
    }

    @Test(arguments: ["tomorrow", "0", "1/G", "-1/0"])
    func whatIsNoPositionIsRefused(text: String) throws {
        let s = try Scenario("noposition", marker: false)
        defer { s.end() }
        #expect(try s.tandem("run", "--until", text).status == .exited(2))
    }
}
