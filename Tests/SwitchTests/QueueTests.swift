// Who waits at the fence: with a table's lock in hand, or with a snapshot from before.

import TestSupport
import Testing

@Suite(.blocking) struct QueueTests {
    private func queue(_ database: Database, _ statement: String) throws -> Session {
        let session = try database.session(applicationName: "queuing")
        try session.start(statement)
        try database.wait(
            for: """
                SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE application_name = 'queuing'
                   AND a.datname = current_database() AND locktype = 'advisory' AND NOT granted
                """, toBe: "1")
        return session
    }

    /// It has locked its table when it comes to the fence, for readers too. After the switch it is refused and the rows are there; when
    /// the switch comes to nothing it goes on, and the other side hears of it.
    @Test func aTruncateInTheQueue() throws {
        let w = try Switching("switchqueue", pause: "60s")
        defer { w.end() }
        let (s, old) = (w.s, w.s.old)
        func fill() throws {
            try old.sql("INSERT INTO part VALUES (1, 1), (7, 7)")
            try w.expectSame("old")
            try s.new.sql("ANALYZE")
        }
        try fill()
        // Undone: whoever held the fence is gone.
        let killed = try w.stopped(at: "after-both-fences")
        let first = try queue(old, "TRUNCATE part")
        let locks = try old.value(
            """
            SELECT count(*) FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE mode = 'AccessExclusiveLock' AND granted
               AND relation = 'part_2'::regclass AND a.datname = current_database()
            """)
        #expect(locks == "1", "readers of it wait, too")
        killed.kill()
        _ = try first.result()
        #expect(try w.settled() == "old")
        #expect(try old.value("SELECT count(*) FROM part") == "0")
        try w.expectSame("old")

        // One that has what has to be read under the fence keeps the switch from being done, and is named.
        let asked = try w.stopped(at: "after-both-fences")
        let resetting = try queue(old, "BEGIN; TRUNCATE t RESTART IDENTITY")
        asked.`continue`()
        #expect(try asked.wait() == .exited(3), "\(asked.tail)")
        #expect(
            asked.log.contains("application queuing")
                && asked.log.contains("waiting for the fence, with AccessExclusiveLock"),
            "\(asked.tail)")
        _ = try resetting.result()
        try resetting.send("ROLLBACK")
        #expect(try w.settled() == "old")

        // Done: its lock keeps nobody, and it is told where to go.
        try fill()
        let command = try w.stopped(at: "after-both-fences")
        let second = try queue(old, "TRUNCATE part")
        command.continue()
        #expect { try second.result() } throws: {
            ($0 as? HarnessFailure)?.sqlstate == "25006"
                && ($0 as? HarnessFailure)?.message.contains("nobody writes old now; write to new") == true
        }
        #expect(try command.wait() == .exited(0), "\(command.tail)")
        #expect(try w.settled() == "new")
        for side in [old, s.new] { #expect(try side.value("SELECT count(*) FROM part") == "2") }
        try w.roles("new")
        try w.expectSame("new")

        // On the side that the stream has written until now, who waited has not seen the last of it.
        try w.ok("verify")
        let back = try w.stopped(at: "after-both-fences", back: true)
        let third = try queue(old, "UPDATE t SET v = 'late' WHERE id = 1")
        back.continue()
        #expect { try third.result() } throws: { ($0 as? HarnessFailure)?.sqlstate == "40001" }
        #expect(try third.send("UPDATE t SET v = 'again' WHERE id = 1 RETURNING v") == "again")
        #expect(try back.wait() == .exited(0), "\(back.tail)")
        #expect(try w.settled() == "old")
        #expect(try w.run.stop() == .exited(0))
    }
}
