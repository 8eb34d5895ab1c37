// One transaction at a time is read by the thread that applies it; and whatever that thread is busy with, reading goes on.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ShortcutTests {
    /// How often a thread has gone to sleep.
    private func sleeps(of thread: String, in process: Int32) throws -> Int {
        let tasks = "/proc/\(process)/task"
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
            let name = try String(contentsOfFile: "\(tasks)/\(task)/comm", encoding: .utf8)
            guard name == "\(thread)\n" else { continue }
            let status = try String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches") }
            return try #require(line?.split(separator: "\t").last.flatMap { Int($0) })
        }
        throw HarnessFailure(.command, "no thread \(thread)")
    }

    @Test func singleTransactionsDoNotWakeTheReceivingThread() throws {
        let s = try Scenario.prepared("shortcut", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql(rows("t", count: 10))
        try s.catchUp()
        let (burst, next) = (100, 1000)
        var fewest = Int.max
        // On a busy machine several come at once now and then, and those are the other thread's: so one burst is enough.
        for round in 0..<60 where fewest >= burst / 2 {
            let first = next + round * burst
            let before = try sleeps(of: "receive", in: run.pid)
            try s.old.sql(
                """
                DO $$ BEGIN FOR i IN \(first)..\(first + burst - 1) LOOP
                    INSERT INTO t VALUES (i, 'one'); COMMIT; PERFORM pg_sleep(0.003);
                END LOOP; END $$
                """)
            try s.catchUp()
            // Some it has for durable progress, ten times a second.
            fewest = min(fewest, try sleeps(of: "receive", in: run.pid) - before)
        }
        #expect(fewest < burst / 2, "\(fewest) for \(burst) transactions")
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    /// A calm stream, and somebody holds the row that records progress.
    @Test func aBlockedNewDoesNotStopReading() throws {
        let s = try Scenario.prepared(
            "shortcut", dataA: ["public.t"], "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE other (b text)")
        defer { s.end() }
        let run = try s.start("run")
        for number in 0..<20 { try s.old.sql(rows("t", from: number, count: 1)) }
        try s.catchUp()
        let lock = try s.new.session()
        try lock.send("BEGIN; SELECT 1 FROM tandem.stream FOR UPDATE")
        // More than may pass without being recorded: where nothing is on its way, that waits for the row.
        try s.old.sql("INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
        try s.waitUntilNewWaitsForALock()
        for number in 100..<120 { try s.old.sql(rows("t", from: number, count: 1)) }
        let end = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try s.new.wait(
            for: "SELECT (status::jsonb->>'received')::pg_lsn >= '\(end)' FROM tandem.stream_status", toBe: "t")
        #expect(try s.new.value("SELECT count(*) FROM t") == "20")
        try lock.send("COMMIT")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "40")
        #expect(try run.stop() == .exited(0))
    }
}
