// A vacuum that gives way to nobody, in the way of the fence's triggers.

import Fence
import Model
import Synchronization
import TestSupport
import Testing

@Suite(.blocking) struct VacuumTests {
    /// A real one, against wraparound, on a table that it takes long for: named, waited for, and in the end refused with its name.
    @Test func oneAgainstWraparoundIsWaitedForAndNamed() throws {
        let servers = try ClusterPair(
            old: ClusterOptions(settings: [
                "autovacuum": "on", "autovacuum_freeze_max_age": "100000", "autovacuum_naptime": "1s",
            ]))
        defer { servers.remove() }
        let f = try Fenced(
            "fencevacuum",
            """
            CREATE TABLE t (a int PRIMARY KEY, b text)
                WITH (autovacuum_enabled = false, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
            INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i; CREATE TABLE burnt (a int);
            """, on: servers)
        defer { f.s.end() }
        // A number for each savepoint, until the table is old enough.
        try f.s.old.sql(
            """
            DO $$ BEGIN FOR i IN 1..100100 LOOP BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN raise_exception THEN END;
            END LOOP; END $$
            """)
        let vacuum = "FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%public.t (to prevent wraparound)'"
        try f.s.old.wait(for: "SELECT count(*) \(vacuum)", toBe: "1")
        let said = Mutex<[String]>([])
        do {
            _ = try FenceInstallation(
                f.connection(), f.stream, on: .old, patience: 3, stop: f.stop,
                say: { line in said.withLock { $0.append(line) } }
            ).install(f.names(["t"]), elsewhere: "")
            Issue.record("it should not")
        } catch let fault as FenceFault {
            #expect(fault.description.contains("public.t on old could not be locked"), "\(fault)")
            #expect(fault.description.contains("autovacuum worker to prevent wraparound"), "\(fault)")
            #expect(fault.exitCode == .refused)
        }
        let line = said.withLock { $0.first } ?? ""
        #expect(line.contains("waiting for public.t on old: pid ") && line.contains("to prevent wraparound"), "\(line)")
        #expect(try f.s.old.value("SELECT count(*) \(vacuum)") == "1", "it was left alone")
        // Once it is through, so is the fence.
        try f.s.old.sql("SELECT pg_terminate_backend(pid) \(vacuum)")
        try f.s.old.sql("ALTER TABLE t RESET (autovacuum_vacuum_cost_delay, autovacuum_vacuum_cost_limit)")
        #expect(try f.install("t", patience: 60) == 1)
    }
}
