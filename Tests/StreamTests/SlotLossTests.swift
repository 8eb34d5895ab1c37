// A slot that cannot give what new still needs ends the run with 6, whatever happened to it; and stays as it is.

import TestSupport
import Testing

@Suite(.blocking) struct SlotLossTests {
    static let tables = "CREATE TABLE t (a int PRIMARY KEY, b text)"

    private func started(on pair: ClusterPair? = nil) throws -> Scenario {
        let s = try Scenario.prepared("slot", on: pair, Self.tables)
        try s.old.sql(rows("t", count: 10))
        try s.follow()
        try s.old.sql(rows("t", from: 11, count: 10))
        return s
    }

    @Test func aDroppedSlotIsNeverMadeAgain() throws {
        let s = try started()
        defer { s.end() }
        try s.old.sql("SELECT pg_drop_replication_slot('\(s.slotName)')")
        try s.expectUnsafe("no slot")
        #expect(try !s.hasSlot())
        // Neither is it by preparing: new has begun to follow, and would miss what was between.
        #expect(try s.tandem("prepare").status == .exited(3))
        #expect(try s.tandem("prepare", "--again").status == .exited(3))
        #expect(try !s.hasSlot())
        #expect(try s.new.value("SELECT count(*) FROM t") == "10")
    }

    @Test func aRecreatedSlotHasAGap() throws {
        let s = try started()
        defer { s.end() }
        try s.old.sql(
            """
            SELECT pg_drop_replication_slot('\(s.slotName)');
            SELECT pg_create_logical_replication_slot('\(s.slotName)', 'pgoutput');
            """)
        let confirmed = try s.confirmed()
        try s.expectUnsafe("past what new has applied")
        #expect(try s.confirmed() == confirmed)
    }

    @Test func aSlotOfAnotherPluginIsNotOurs() throws {
        let s = try started()
        defer { s.end() }
        try s.old.sql(
            """
            SELECT pg_drop_replication_slot('\(s.slotName)');
            SELECT pg_create_logical_replication_slot('\(s.slotName)', 'test_decoding');
            """)
        try s.expectUnsafe("plugin")
    }

    @Test func anAdvancedSlotHasAGap() throws {
        let s = try started()
        defer { s.end() }
        try s.old.sql("SELECT pg_replication_slot_advance('\(s.slotName)', pg_current_wal_lsn())")
        try s.expectUnsafe("past what new has applied")
    }

    @Test func aSlotDroppedWhileRunningEndsTheRun() throws {
        let s = try started()
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let dropped = poll(within: .seconds(90), every: .zero) {
            try? s.old.sql(
                """
                SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '\(s.slotName)';
                SELECT pg_drop_replication_slot('\(s.slotName)');
                """)
        }
        #expect(dropped != nil)
        #expect(try run.wait() == .exited(6), "\(run.tail)")
        #expect(try !s.hasSlot())
    }

    /// The name is the same, the tables are, and the server is; the slot went with the former one.
    @Test func aDatabaseDroppedAndMadeAgain() throws {
        let s = try started()
        defer { s.end() }
        try s.pair.old.sql("DROP DATABASE \"\(s.name)\" WITH (FORCE)")
        let gone = try s.tandem("run", "--until", "caught-up")
        #expect(gone.status == .exited(1) && gone.stderr.contains("does not exist"), "\(gone.stderr)")
        try s.pair.old.createDatabase(s.name, "")
        try s.old.sql(Self.tables + "; CREATE TABLE public._marker (id bigint PRIMARY KEY)")
        try s.expectUnsafe("no slot")
        #expect(try !s.hasSlot())
        #expect(try s.new.value("SELECT count(*) FROM t") == "10")
    }

    /// From PostgreSQL 18 on a slot that nobody reads may be given up by the clock.
    @Test(.enabled(if: PostgresInstallation.tested.old >= 18)) func givenUpForIdleness() throws {
        let pair = try ClusterPair(old: ClusterOptions(settings: ["idle_replication_slot_timeout": "1s"]))
        defer { pair.remove() }
        let s = try started(on: pair)
        defer { s.end() }
        rest(.seconds(2))
        try s.old.sql("CHECKPOINT")
        try s.old.wait(
            for: "SELECT invalidation_reason FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'",
            toBe: "idle_timeout")
        try s.expectUnsafe("lost")
        #expect(try s.hasSlot())
    }

    @Test func theLogIsGone() throws {
        let pair = try ClusterPair(
            old: ClusterOptions(
                settings: ["max_slot_wal_keep_size": "1MB", "min_wal_size": "2MB", "max_wal_size": "4MB"],
                initdb: ["--wal-segsize=1"]))
        defer { pair.remove() }
        let write = { (s: Scenario) in
            for _ in 0..<12 {
                try s.old.sql(
                    "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)); SELECT pg_switch_wal()")
            }
            try s.old.sql("CHECKPOINT")
        }
        // While nobody runs.
        let s = try started(on: pair)
        defer { s.end() }
        try write(s)
        try s.old.wait(
            for: "SELECT wal_status FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'", toBe: "lost")
        try s.expectUnsafe("lost")
        #expect(try s.tandem("status").stdout.contains("(lost"))
        #expect(try s.hasSlot())

        // While new is blocked.
        let blocked = try started(on: pair)
        defer { blocked.end() }
        let lock = try blocked.new.session()
        try lock.send("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        let run = try blocked.start("run")
        try blocked.waitUntilNewWaitsForALock()
        _ = poll(within: .seconds(60), every: .zero) { () -> Bool? in
            try? write(blocked)
            return run.status != nil ? true : nil
        }
        #expect(try run.wait() == .exited(6), "\(run.tail)")
        #expect(try blocked.hasSlot())
    }
}

extension Scenario {
    /// The next run ends with 6, says why and what to do, and says it again the next time.
    func expectUnsafe(_ why: String, _ location: SourceLocation = #_sourceLocation) throws {
        for _ in 0..<2 {
            let outcome = try tandem("run", "--until", "caught-up")
            #expect(outcome.status == .exited(6), "\(outcome.stderr)", sourceLocation: location)
            #expect(outcome.stderr.contains(why), "\(outcome.stderr)", sourceLocation: location)
            #expect(outcome.stderr.contains("hint="), sourceLocation: location)
        }
    }
}
