// `prepare`: refuses what cannot work before it makes anything, is repeatable, and can be interrupted at any time.

import TestSupport
import Testing

@Suite(.blocking) struct PreparationTests {
    private static let tables = "CREATE TABLE t (a int PRIMARY KEY, b text)"

    @Test func aSourceThatCannotBeDecodedIsRefusedAndLeftAlone() throws {
        let pair = try ClusterPair(old: ClusterOptions(settings: ["wal_level": "replica"]))
        defer { pair.remove() }
        let s = try Scenario("wallevel", on: pair)
        defer { s.end() }
        try s.both(Self.tables)
        let before = try Traces(s)
        let refused = try s.tandem("prepare")
        #expect(refused.status == .exited(3))
        #expect(refused.stderr.contains("wal_level") && refused.stderr.contains("ALTER SYSTEM"))
        #expect(try Traces(s) == before)
    }

    @Test func aTableWhoseUpdatesWouldFailIsNamedAndNothingIsMade() throws {
        let s = try Scenario("noidentity")
        defer { s.end() }
        try s.both("CREATE TABLE fine (a int PRIMARY KEY); CREATE TABLE keyless (a int)")
        let before = try Traces(s)
        let refused = try s.tandem("prepare")
        #expect(refused.status == .exited(3))
        #expect(refused.stderr.contains("public.keyless") && !refused.stderr.contains("public.fine"))
        #expect(try Traces(s) == before)
    }

    @Test func twiceIsRefusedAgainIsAllowedUntilNewFollows() throws {
        let s = try Scenario("again")
        defer { s.end() }
        try s.both(Self.tables)
        let first = try s.prepare()
        try s.old.sql(rows("t", count: 10))
        let twice = try s.tandem("prepare")
        #expect(twice.status == .exited(3))
        #expect(twice.stderr.contains(first.position) && twice.stderr.contains("--again"))

        let second = try s.interrupted(s.start("prepare", "--again"))
        #expect(try s.old.value("SELECT '\(second.position)'::pg_lsn > '\(first.position)'::pg_lsn") == "t")
        try s.new.sql(rows("t", count: 10))
        try s.old.sql(rows("t", from: 11, count: 10))
        try s.follow()
        try s.expectSame()

        let late = try s.tandem("prepare", "--again")
        #expect(late.status == .exited(3))
        #expect(late.stderr.contains("tandem abort"))
        try s.follow()
    }

    @Test func whileItHoldsTheSnapshotAnotherIsRefused() throws {
        let s = try Scenario("held")
        defer { s.end() }
        try s.both(Self.tables)
        var codes: [Int32] = []
        try s.prepare { _ in
            for command in [["prepare"], ["prepare", "--again"], ["abort", "--yes"]] {
                codes.append(try s.start(program: TandemBinary.path, command).wait().code)
            }
        }
        #expect(codes == [3, 3, 3])
        try s.follow()
    }

    @Test func whoeverHoldsASnapshotThatEndsIsTold() throws {
        let s = try Scenario("snapshotlost")
        defer { s.end() }
        try s.both(Self.tables)
        let prepare = try s.start("prepare")
        try prepare.waitForLog("Holding the snapshot")
        try s.old.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(s.slotName) prepare'")
        #expect(try prepare.wait() == .exited(3))
        #expect(prepare.log.contains("--again"), "\(prepare.log)")
        try s.interrupted(s.start("prepare", "--again"))
        try s.follow()
    }

    @Test func anOpenTransactionIsNamedAndTheWaitCanBeInterrupted() throws {
        let s = try Scenario("opentransaction")
        defer { s.end() }
        try s.both(Self.tables)
        let session = try s.old.session(applicationName: "nightly report")
        try session.send("BEGIN; INSERT INTO t VALUES (1, 'open')")
        let prepare = try s.start("prepare")
        try prepare.waitForLog("nightly report")
        prepare.signal(2)
        #expect(try prepare.wait(within: .seconds(90)) != .exited(0))
        #expect(poll(within: .seconds(90)) { try? s.hasSlot() ? nil : true } == true)

        // The same once more, and the transaction ends.
        let patient = try s.start("prepare")
        try patient.waitForLog("nightly report")
        try session.send("COMMIT")
        try s.interrupted(patient)
        try s.new.sql("INSERT INTO t VALUES (1, 'open')")
        try s.follow()
        try s.expectSame()
    }

    @Test func theSnapshotIsTheSlotsOwnWhileOthersWrite() throws {
        let s = try Scenario("boundary")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        let workload = """
            for i in $(seq 1 300); do echo "INSERT INTO t SELECT i, 'number $i' FROM generate_series(1, 5) i;"; done \
            | "$0" -X -q -d "$1" >/dev/null
            """
        let psql = try s.old.cluster.installation.client("psql")
        let writers = try (0..<4).map { _ in
            try s.start(program: "/bin/bash", ["-c", workload, psql, s.old.connection])
        }
        try s.prepare { prepared in
            let loaded = try s.old.sql(
                """
                BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '\(prepared.snapshot)';
                COPY t TO STDOUT; COMMIT;
                """)
            if !loaded.isEmpty { try s.new.sql("COPY t FROM STDIN;\n\(loaded)\n\\.\n") }
        }
        for writer in writers { #expect(try writer.wait() == .exited(0)) }
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "6000")
        try s.expectSame()
    }

    @Test func newCanBeAbsentUntilTheFirstRun() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("absent", on: pair)
        defer { s.end() }
        try s.both(Self.tables)
        try pair.new.stop()
        let prepare = try s.start("prepare")
        try s.interrupted(prepare)
        #expect(prepare.log.contains("new cannot be reached yet"))
        try s.old.sql(rows("t", count: 10))
        #expect(try s.tandem("run", "--until", "caught-up").status == .exited(1))
        try pair.new.start()
        try s.follow()
        try s.expectSame()
    }

    @Test func runningBeforePreparingIsRefused() throws {
        let s = try Scenario("unprepared")
        defer { s.end() }
        try s.both(Self.tables)
        let before = try Traces(s)
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(refused.status == .exited(3))
        #expect(refused.stderr.contains("tandem prepare"))
        #expect(try Traces(s) == before)
    }
}
