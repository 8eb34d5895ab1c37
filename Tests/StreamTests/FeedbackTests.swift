// The source is answered in time whatever new does, and never told more than what is durable there.

import TestSupport
import Testing

@Suite(.blocking) struct FeedbackTests {
    private static let tables = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    /// The lock lasts six times as long as the source's patience.
    @Test func aBlockedNewDoesNotCostTheConnection() throws {
        let s = try Scenario.prepared(
            "feedback", on: ShortPatience.pair, extra: "limits: { memory: 4MB }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        try s.old.sql(rows("t", count: 10))
        let first = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try s.waitUntilNewWaitsForALock()
        let pid = try s.walsender()
        #expect(pid != nil)
        // More than the queue and the open transactions may take.
        for part in 0..<6 {
            try s.old.sql(rows("t", from: 1000 + part * 10_000, count: 10_000))
            rest(.seconds(1))
        }
        // Reading stops, telling does not, and both the log and the status say so.
        let status = "SELECT status LIKE '%memory for whole transactions is full%' FROM tandem.stream_status"
        try s.new.wait(for: status, toBe: "t")
        try run.waitForLog("event=waiting")
        #expect(try s.walsender() == pid)
        #expect(try s.old.value("SELECT '\(s.confirmed() ?? "")'::pg_lsn < '\(first)'") == "t")
        try s.expectSlotNotAhead()
        try lock.send("COMMIT")
        try s.catchUp()
        try s.new.wait(for: status, toBe: "f")
        #expect(try s.walsender() == pid)
        #expect(try s.new.value("SELECT count(*) FROM t") == "60010")
        try s.expectSame()
        #expect(!run.log.contains("interrupted"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// A commit on new that is not flushed there does not count: the slot stays until it is.
    @Test func onlyWhatNewHasFlushedIsConfirmed() throws {
        let pair = try ClusterPair(new: ClusterOptions(settings: ["wal_writer_delay": "10s", "fsync": "on"]))
        defer { pair.remove() }
        let s = try Scenario.prepared("durable", on: pair, Self.tables)
        defer { s.end() }
        for round in 0..<3 {
            let run = try s.start("run")
            try s.old.sql((0..<200).map { rows("t", from: round * 10_000 + $0 * 10, count: 10) }.joined())
            try s.new.wait(for: "SELECT count(*) > \(round * 2000 + 100) FROM t", toBe: "t")
            pair.new.kill()
            run.kill()
            let confirmed = try s.confirmed() ?? ""
            try pair.new.start()
            let progress = try s.progress()
            #expect(try s.old.value("SELECT '\(confirmed)'::pg_lsn <= '\(progress)'::pg_lsn") == "t")
            try s.follow()
            try s.expectSame()
        }
        #expect(try s.new.value("SELECT count(*) FROM t") == "6000")
    }
}
