// Old and new are who they were, and where they were, when the stream stopped; otherwise going on would be a guess.

import TestSupport
import Testing

@Suite(.blocking) struct IdentityTests {
    private static let tables = "CREATE TABLE t (a int PRIMARY KEY, b text)"

    private func started(on pair: ClusterPair? = nil) throws -> Scenario {
        let s = try Scenario.prepared("identity", on: pair, Self.tables)
        try s.old.sql(rows("t", count: 10))
        try s.follow()
        return s
    }

    @Test func anotherServerAtTheSameAddressIsRefused() throws {
        let s = try started()
        defer { s.end() }
        try s.writeConfiguration(old: s.new.cluster.connection())
        try s.expectUnsafe("system identifier")
        try s.writeConfiguration()
        try s.follow()
    }

    @Test func aPublicationThatWasDroppedIsNamed() throws {
        let s = try started()
        defer { s.end() }
        try s.old.sql("DROP PUBLICATION \(s.publicationName)")
        try s.expectUnsafe("publication")
    }

    /// What was written while there was none can never be decoded: a clear end, no endless trying.
    @Test(arguments: [false, true])
    func aPublicationDroppedWhileRunningEndsTheRun(recreated: Bool) throws {
        let s = try started()
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.old.sql("DROP PUBLICATION \(s.publicationName)")
        try s.old.sql(rows("t", from: 100, count: 10))
        if recreated { try s.old.sql("CREATE PUBLICATION \(s.publicationName) FOR ALL TABLES") }
        #expect(try run.wait() == .exited(6), "\(run.tail)")
        #expect(run.log.contains("publication"))
        #expect(run.log.split(separator: "\n").count < 40, "\(run.tail)")
        #expect(try s.tandem("run", "--until", "caught-up").status == .exited(6))
        #expect(try s.new.value("SELECT count(*) FROM t") == "10")
    }

    @Test func anOriginThatWasDroppedIsNotMadeAgain() throws {
        let s = try started()
        defer { s.end() }
        try s.new.sql("SELECT pg_replication_origin_drop('\(s.slotName)')")
        try s.expectUnsafe("origin")
        #expect(try s.new.value("SELECT count(*) FROM pg_replication_origin WHERE roname = '\(s.slotName)'") == "0")
    }

    @Test func anOriginDroppedWhileRunningEndsTheRun() throws {
        let s = try started()
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let dropped = poll(within: .seconds(90), every: .zero) {
            try? s.new.sql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(s.slotName) apply';
                SELECT pg_replication_origin_drop('\(s.slotName)');
                """)
        }
        #expect(dropped != nil)
        #expect(try run.wait() == .exited(6), "\(run.tail)")
    }

    /// As after restoring new from a backup: its own record lies behind what it had confirmed.
    @Test func aNewThatWentBackInTimeIsRefused() throws {
        let s = try started()
        defer { s.end() }
        let earlier = try s.progress()
        try s.old.sql(rows("t", from: 11, count: 10))
        try s.follow()
        try s.new.sql(
            """
            UPDATE tandem.stream SET applied_lsn = '\(earlier)';
            SELECT pg_replication_origin_advance('\(s.slotName)', '\(earlier)');
            """)
        try s.expectUnsafe("past what new has applied")
    }

    /// From PostgreSQL 16 on a transaction that is rolled back moves the origin: where it stands must not matter.
    @Test(arguments: [1 << 20, -(1 << 12)])
    func anOriginThatMovedByItselfLosesNothing(_ bytes: Int) throws {
        let s = try started()
        defer { s.end() }
        try s.old.sql(rows("t", from: 11, count: 10))
        try s.new.sql(
            "SELECT pg_replication_origin_advance('\(s.slotName)', (SELECT applied_lsn + (\(bytes)) FROM tandem.stream))"
        )
        try s.follow()
        try s.old.sql(rows("t", from: 21, count: 10))
        try s.follow()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
    }

    @Test func aNewWhoseRecordsAreGoneIsRefused() throws {
        let s = try started()
        defer { s.end() }
        try s.new.sql("DROP SCHEMA tandem CASCADE; SELECT pg_replication_origin_drop('\(s.slotName)')")
        try s.expectUnsafe("no record")
    }

    /// New itself fails over. What its standby never got is gone there together with the record of it: where old has been told to
    /// forget that, it is a gap, and otherwise it comes again.
    @Test func newFailsOverToAStandby() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try started(on: pair)
        defer { s.end() }
        let ahead = try Cluster("ahead", standbyOf: pair.new)
        let behind = try Cluster("behind", standbyOf: pair.new)
        defer { [ahead, behind].forEach { $0.remove() } }
        try ahead.start()
        try s.old.sql(rows("t", from: 11, count: 10))
        try s.follow()
        let position = try pair.new.value("SELECT pg_current_wal_lsn()") ?? ""
        try ahead.wait(for: "SELECT pg_last_wal_replay_lsn() >= '\(position)'", toBe: "t")
        try pair.new.stop(.immediate)
        try behind.configure(["primary_conninfo": ""])
        try behind.start()
        for standby in [ahead, behind] { try standby.sql("SELECT pg_promote()") }
        try s.old.sql(rows("t", from: 21, count: 10) + "UPDATE t SET b = 'after' WHERE a % 2 = 0;")

        try s.writeConfiguration(new: behind[s.name].connection)
        try s.expectUnsafe("past what new has applied")
        #expect(try behind[s.name].value("SELECT count(*) FROM t") == "10")
        try s.writeConfiguration(new: ahead[s.name].connection)
        try s.follow()
        #expect(try Fingerprint.expectEqual(old: s.old, new: ahead[s.name]) == [])
    }

    @Test func aPromotedStandbyIsFollowedOnlyIfItHasEverythingNewHas() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try started(on: pair)
        defer { s.end() }
        let ahead = try Cluster("ahead", standbyOf: pair.old)
        let behind = try Cluster("behind", standbyOf: pair.old)
        defer { [ahead, behind].forEach { $0.remove() } }
        try ahead.start()
        // This one never hears of what comes now.
        try s.old.sql(rows("t", from: 11, count: 10))
        try s.follow()
        let position = try pair.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try ahead.wait(for: "SELECT pg_last_wal_replay_lsn() >= '\(position)'", toBe: "t")
        try pair.old.stop(.immediate)
        try behind.configure(["primary_conninfo": ""])
        try behind.start()
        for standby in [ahead, behind] {
            try standby.sql("SELECT pg_promote()")
            try standby.sql("CHECKPOINT")
        }

        try s.writeConfiguration(old: behind[s.name].connection)
        try s.expectUnsafe("behind what new has applied", "left timeline 1")
        // Later it has written more than new has applied: still another history.
        try behind.sql("SELECT pg_logical_emit_message(false, '', repeat('x', 5000000))")
        try s.expectUnsafe("left timeline 1")

        try s.writeConfiguration(old: ahead[s.name].connection)
        try s.expectUnsafe("no slot")
    }
}

extension Scenario {
    /// One of several reasons will do.
    fileprivate func expectUnsafe(_ one: String, _ other: String, _ location: SourceLocation = #_sourceLocation) throws
    {
        let outcome = try tandem("run", "--until", "caught-up")
        #expect(outcome.status == .exited(6), "\(outcome.stderr)", sourceLocation: location)
        #expect(
            outcome.stderr.contains(one) || outcome.stderr.contains(other), "\(outcome.stderr)",
            sourceLocation: location)
    }
}
