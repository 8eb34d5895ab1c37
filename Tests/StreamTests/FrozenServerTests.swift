// A process of a server that stands still (SIGSTOP): its kernel answers for it, so no connection breaks and nobody is told.
// Everything waits for it, and goes on over the same connection when it does.

import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct FrozenServerTests {
    private static let tables = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    private func sessionsOnNew(_ s: Scenario) throws -> [pid_t] {
        try s.new.rows("SELECT pid FROM pg_stat_activity WHERE application_name LIKE '\(s.slotName)%' ORDER BY pid")
            .compactMap { $0[0].flatMap(pid_t.init) }
    }

    /// A stream that has caught up, and whose sender has just been stopped.
    private func whileTheSenderStandsStill(
        _ name: String, on pair: ClusterPair? = nil,
        _ body: (Scenario, Replicator, _ sender: pid_t) throws -> Void
    ) throws {
        let s = try Scenario.prepared(name, on: pair ?? ShortPatience.pair, Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let sender = try #require(try s.walsender())
        defer { kill(sender, SIGCONT) }
        kill(sender, SIGSTOP)
        try body(s, run, sender)
    }

    @Test func whoSendsFromOldStandsStill() throws {
        try whileTheSenderStandsStill("sender") { s, run, sender in
            try s.old.sql(rows("t", count: 3000))
            // Twice old's patience.
            rest(.seconds(2))
            #expect(run.status == nil, "\(run.tail)")
            #expect(try s.new.value("SELECT count(*) FROM t") == "0")
            #expect(try s.tandem("lag").stdout.contains("behind"))
            kill(sender, SIGCONT)
            try s.catchUp()
            #expect(try s.walsender() == sender)

            // It holds the slot for as long as it stands still: the next one has to wait.
            kill(sender, SIGSTOP)
            try s.old.sql(rows("t", from: 3001, count: 10))
            #expect(try run.stop(within: .seconds(30)) == .exited(0))
            let next = try s.start("run")
            try next.waitForLog("is active for PID \(sender)")
            #expect(try s.new.value("SELECT count(*) FROM t") == "3000")
            kill(sender, SIGCONT)
            try s.catchUp()
            try s.expectSame()
            try s.expectSlotNotAhead()
            #expect(try next.stop() == .exited(0))
        }
    }

    /// Nothing breaks, and nothing comes: that is said, in the log and by `status`, until it moves again.
    @Test func aSenderThatDoesNotAnswerIsSpokenOf() throws {
        try whileTheSenderStandsStill("unanswered") { s, run, sender in
            try run.waitForLog("has sent nothing for 10 s and does not answer")
            let status = "SELECT status LIKE '%process \(sender) stands still%' FROM tandem.stream_status"
            try s.new.wait(for: status, toBe: "t")
            kill(sender, SIGCONT)
            try run.waitForLog("event=\"reading again\"")
            try s.old.sql(rows("t", count: 10))
            try s.catchUp()
            try s.new.wait(for: status, toBe: "f")
            #expect(try run.stop() == .exited(0))
        }
    }

    @Test func everyoneOnNewStandsStill() throws {
        let s = try Scenario.prepared("still", on: ShortPatience.pair, Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let (sender, frozen) = (try s.walsender(), try sessionsOnNew(s))
        defer { frozen.forEach { kill($0, SIGCONT) } }
        frozen.forEach { kill($0, SIGSTOP) }
        let confirmed = try s.confirmed()
        try s.old.sql(rows("t", count: 3000))
        rest(.seconds(2))
        #expect(run.status == nil, "\(run.tail)")
        #expect(try s.walsender() == sender && s.confirmed() == confirmed)
        frozen.forEach { kill($0, SIGCONT) }
        try s.catchUp()
        #expect(try s.walsender() == sender && sessionsOnNew(s) == frozen)

        frozen.forEach { kill($0, SIGSTOP) }
        try s.old.sql(rows("t", from: 3001, count: 10))
        rest(.milliseconds(500))
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        let next = try s.start("run")
        try next.waitForLog("standing by")
        #expect(try s.new.value("SELECT count(*) FROM t") == "3000")
        frozen.forEach { kill($0, SIGCONT) }
        try s.catchUp()
        try s.expectSame()
        try s.expectSlotNotAhead()
        #expect(try next.stop() == .exited(0))
    }

    /// Old has sentenced the slot, and can carry it out only once who holds it moves again.
    @Test func theLogIsGoneWhenItMovesAgain() throws {
        let pair = try ClusterPair(
            old: ClusterOptions(
                settings: ["max_slot_wal_keep_size": "1MB", "min_wal_size": "2MB", "max_wal_size": "4MB"],
                initdb: ["--wal-segsize=1"]))
        defer { pair.remove() }
        try whileTheSenderStandsStill("sentenced", on: pair) { s, run, sender in
            for _ in 0..<12 {
                try s.old.sql(
                    "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)); SELECT pg_switch_wal()")
            }
            let checkpoint = try s.start(
                program: s.old.cluster.installation.client("psql"), ["-X", "-d", s.old.connection, "-c", "CHECKPOINT"])
            rest(.seconds(1))
            #expect(checkpoint.status == nil && run.status == nil)
            kill(sender, SIGCONT)
            #expect(try checkpoint.wait() == .exited(0))
            #expect(try run.wait() == .exited(6), "\(run.tail)")
            #expect(run.log.contains("lost"), "\(run.tail)")
            #expect(try s.hasSlot())
        }
    }
}
