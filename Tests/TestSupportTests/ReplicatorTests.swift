// The handle on a background program, with shell scripts in tandem's place.

import TestSupport
import Testing

@Suite(.blocking) struct ReplicatorTests {
    /// A stand-in: `TANDEM_BIN` is read once per call, so these tests start the shell directly.
    private func start(_ script: String, _ body: (Scenario, Replicator) throws -> Void) throws {
        let scenario = try Scenario("replicator", marker: false)
        defer { scenario.end() }
        try body(scenario, scenario.start(program: "/bin/sh", ["-c", script]))
    }

    @Test func capturesOutputAndEnd() throws {
        try start("echo to stdout; echo to stderr >&2; exit 5") { _, program in
            #expect(try program.wait(within: .seconds(90)) == .exited(5))
            #expect(program.output == "to stdout\n")
            #expect(program.log == "to stderr\n")
            try program.waitForLog("to stderr")
            let failure = #expect(throws: HarnessFailure.self) { try program.waitForLog("never") }
            #expect(failure?.exitStatus == .exited(5))
        }
    }

    @Test func takesSignals() throws {
        try start("trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done") { _, program in
            try program.waitForLog("ready")
            #expect(program.status == nil)
            #expect(program.peakMemory.map { $0 > 100_000 } == true)
            program.pause()
            program.signal(15)
            let failure = #expect(throws: HarnessFailure.self) { try program.wait(within: .milliseconds(200)) }
            #expect(failure?.kind == .timeLimit)
            program.continue()
            #expect(try program.wait(within: .seconds(90)) == .exited(3))
            #expect(program.output.hasSuffix("asked\n"))
        }
    }

    @Test func isKilledEvenWhenStopped() throws {
        try start("echo ready; sleep 600") { _, program in
            try program.waitForLog("ready")
            program.pause()
            program.kill()
            #expect(program.status == .signalled(9))
        }
    }

    @Test func runsInTheScenariosDirectoryWithoutOurEnvironment() throws {
        try start("pwd; env | grep -c -e ^PG -e ^TANDEM; grep -c 'migration: t' tandem.yaml") { scenario, program in
            _ = try program.wait()
            #expect(program.output == "\(scenario.directory)\n0\n1\n")
        }
    }

    @Test func preparesAndInterrupts() throws {
        let scenario = try Scenario("prepare", marker: false)
        defer { scenario.end() }
        let script = """
            trap 'exit 0' INT
            echo publication p; echo slot s; echo position 0/16B3748; echo snapshot 00000003-1
            while :; do sleep 0.05; done
            """
        var held = false
        let prepared = try scenario.interrupted(scenario.start(program: "/bin/sh", ["-c", script])) { _ in held = true }
        #expect(held)
        #expect(prepared.publication == "p")
        #expect(prepared.slot == "s")
        #expect(prepared.position == "0/16B3748")
        #expect(prepared.snapshot == "00000003-1")
    }

    @Test func endRemovesWhatATestLeftOnTheServers() throws {
        let scenario = try Scenario("leftovers")
        let name = scenario.name
        try scenario.old.sql("SELECT pg_create_logical_replication_slot('\(scenario.slotName)', 'pgoutput')")
        try scenario.old.sql("CREATE PUBLICATION \(scenario.publicationName) FOR ALL TABLES")
        try scenario.new.sql("SELECT pg_replication_origin_create('tandem_t_\(name)_forward')")
        try scenario.old.sql("BEGIN; CREATE TABLE t (a int); PREPARE TRANSACTION 'left \(name)'")
        let session = try scenario.new.session()
        try session.send("BEGIN; SELECT 1;")
        scenario.end()
        session.close()
        for cluster in [scenario.pair.old, scenario.pair.new] {
            let left = try cluster.value(
                """
                SELECT (SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '%\(name)%')
                    + (SELECT count(*) FROM pg_replication_origin WHERE roname LIKE '%\(name)%')
                    + (SELECT count(*) FROM pg_database WHERE datname = '\(name)')
                """)
            #expect(left == "0")
        }
    }

    @Test func catchUpWaitsForTheMarkerAndTheConfirmation() throws {
        let scenario = try Scenario("native")
        defer { scenario.end() }
        let stream = scenario.slotName
        try scenario.both("CREATE TABLE t (a int)")
        try scenario.old.sql("CREATE PUBLICATION \(stream) FOR ALL TABLES")
        try scenario.old.sql("SELECT pg_create_logical_replication_slot('\(stream)', 'pgoutput')")
        try scenario.new.sql(
            """
            CREATE SUBSCRIPTION \(stream) CONNECTION '\(scenario.old.connection)' PUBLICATION \(stream)
            WITH (create_slot = false, copy_data = false, slot_name = '\(stream)')
            """)
        defer {
            _ = try? scenario.new.sql("ALTER SUBSCRIPTION \(stream) DISABLE")
            _ = try? scenario.new.sql("ALTER SUBSCRIPTION \(stream) SET (slot_name = NONE)")
            _ = try? scenario.new.sql("DROP SUBSCRIPTION \(stream)")
        }
        try scenario.old.sql("INSERT INTO t SELECT generate_series(1, 1000)")
        try scenario.catchUp()
        #expect(try scenario.new.value("SELECT count(*) FROM t") == "1000")
        #expect(try Fingerprint.expectEqual(old: scenario.old, new: scenario.new) == [])
        try scenario.new.sql("ALTER SUBSCRIPTION \(stream) DISABLE")
        let failure = #expect(throws: HarnessFailure.self) { try scenario.catchUp(within: .seconds(1)) }
        #expect(failure?.kind == .timeLimit)
    }
}
