// Old is written all the while: by others' open and prepared transactions, by TRUNCATE and ALTER, by a load.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct CopyingWhileWritingTests {
    private static let accounts = """
        CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);
        CREATE TABLE entry (account int, delta int); ALTER TABLE entry REPLICA IDENTITY FULL;
        """
    private static let rows = "INSERT INTO account SELECT i, 0 FROM generate_series(1, 2000) i"

    /// Eight writers during the making of the slot and the copy.
    @Test(arguments: 1...3)
    func aLoadAcrossTheBoundary(round: Int) throws {
        let s = try Scenario.copying(
            "boundary", extra: "jobs: 3\ncopy: {range: 64kB}", tables: Self.accounts, rows: Self.rows)
        defer { s.end() }
        let script = "\(s.directory)/load.sql"
        try """
        \\set id random(1, 2000)
        \\set delta random(-100, 100)
        BEGIN;
        UPDATE account SET balance = balance + :delta WHERE id = :id;
        INSERT INTO entry VALUES (:id, :delta);
        COMMIT;
        """.write(toFile: script, atomically: true, encoding: .utf8)
        let bench = try s.old.cluster.installation.client("pgbench")
        let load = try s.start(
            program: bench, ["-n", "-c", "8", "-T", "6", "--rate", "300", "-f", script, s.old.connection])
        let prepared = try s.old.session()
        try s.old.wait(for: "SELECT count(*) > 20 FROM entry", toBe: "t")
        let run = try s.start("run")
        if try s.old.value("SELECT current_setting('max_prepared_transactions')::int > 0") == "t" {
            _ = try prepared.send(
                "BEGIN; INSERT INTO entry VALUES (1, 0); PREPARE TRANSACTION '\(s.name)_\(round)'")
            rest(.milliseconds(300 * Int64(round)))
            _ = try prepared.send("COMMIT PREPARED '\(s.name)_\(round)'")
        }
        #expect(try load.wait(within: .seconds(120)) == .exited(0))
        #expect(run.status == nil, "\(run.tail)")
        try run.stop()
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }

    /// What begins while the copy is under way, and ends after it.
    @Test func transactionsOpenWhileATableIsCopied() throws {
        let s = try Scenario.copying("opentx", tables: Self.accounts, rows: Self.rows)
        defer { s.end() }
        let before = try s.old.session()
        _ = try before.send("BEGIN; SELECT count(*) FROM account")
        let run = try s.start("run")
        try s.waitForCopy(of: "account", toBe: "done")
        _ = try before.send("UPDATE account SET balance = 1 WHERE id = 1; INSERT INTO entry VALUES (1, 1); COMMIT")
        try s.catchUp()
        try run.stop()
        try s.copy()
        try s.expectSame()
    }

    /// It is said who is waited for, and whoever does not want to wait leaves nothing behind.
    @Test func anOpenTransactionHoldsUpTheSlot() throws {
        let s = try Scenario.copying("slotwaits", tables: Self.accounts, rows: Self.rows)
        defer { s.end() }
        let open = try s.old.session()
        _ = try open.send("BEGIN; UPDATE account SET balance = 1 WHERE id = 1")
        let run = try s.start("run")
        let isSaid = try poll(within: .seconds(60)) {
            try s.tandem("status").stdout.contains("the slot is being made, and waits for pid") ? true : nil
        }
        #expect(isSaid == true, "\(run.tail)")
        #expect(try run.stop(within: .seconds(20)) == .exited(0))
        let isGone = try poll(within: .seconds(20)) { try s.slots == "0" ? true : nil }
        #expect(isGone == true)
        _ = try open.send("COMMIT")
        try s.copy()
        try s.expectSame()
        #expect(try s.slots == "1")
    }

    /// What was rolled back last while the slot was made lies between the two ends of its snapshot, the wrong way round. Servers
    /// of its own: with transactions of others the slot would wait for the last one here too, and they for it.
    @Test func whoRollsBackWhileTheSlotIsMade() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.copying("rolledback", on: pair, tables: Self.accounts, rows: Self.rows)
        defer { s.end() }
        let sessions = try (0..<3).map { _ in try s.old.session() }
        func write(_ index: Int) throws {
            _ = try sessions[index].send("BEGIN; UPDATE account SET balance = 7 WHERE id = \(index + 1)")
        }
        func isWaitedFor(_ index: Int) throws -> Bool? {
            let pid = try sessions[index].send("SELECT pg_catalog.pg_backend_pid()")
            return try poll(within: .seconds(60)) {
                try s.tandem("status").stdout.contains("waits for pid \(pid)") ? true : nil
            }
        }
        try write(0)
        let run = try s.start("run")
        #expect(try isWaitedFor(0) == true, "\(run.tail)")
        try write(1)
        _ = try sessions[0].send("COMMIT")
        #expect(try isWaitedFor(1) == true, "\(run.tail)")
        for _ in 0..<2 { try s.old.sql("BEGIN; UPDATE account SET balance = 8 WHERE id = 9; ROLLBACK") }
        try write(2)
        _ = try sessions[1].send("COMMIT")
        try s.waitForCopy(of: "account", toBe: "done")
        _ = try sessions[2].send("COMMIT")
        try s.catchUp()
        #expect(try run.stop() == .exited(0), "\(run.tail)")
        try s.expectSame()
    }

    @Test func aTruncateBetweenTheSlotAndTheCopyAndOneAfterIt() throws {
        let s = try Scenario.copying("truncate", tables: Self.accounts, rows: Self.rows)
        defer { s.end() }
        try s.old.sql("INSERT INTO entry SELECT 1, i FROM generate_series(1, 100) i")
        _ = try s.tandem("run", environment: ["TANDEM_FAILPOINT": "after-origin-created"])
        try s.old.sql("TRUNCATE entry; INSERT INTO entry SELECT 2, i FROM generate_series(1, 10) i")
        let run = try s.start("run")
        try s.waitForCopy(of: "entry", toBe: "done")
        try s.old.sql("TRUNCATE account; INSERT INTO account VALUES (7, 7)")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
    }

    /// The copy is slow; an ALTER must not wait for its end.
    @Test func anAlterThatWaitsIsGivenWayTo() throws {
        let s = try Scenario.copying(
            "giveway", extra: "limits: {copy_rate: 64kB}", tables: Self.accounts, rows: Self.rows)
        defer { s.end() }
        try s.old.sql("INSERT INTO entry SELECT i, i FROM generate_series(1, 60000) i")
        let run = try s.start("run")
        try s.waitForCopy(of: "account", toBe: "done")
        try s.old.wait(
            for: "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'entry'::regclass AND mode = 'AccessShareLock'",
            toBe: "t")
        try s.old.sql("ALTER TABLE entry ADD COLUMN note text DEFAULT 'x'", within: .seconds(60))
        try run.waitForLog("gave way")
        run.kill()
        #expect(try s.new.value("SELECT state FROM tandem.copied_table WHERE table_name = 'entry'") == "waiting")
        try s.new.sql("ALTER TABLE entry ADD COLUMN note text")
        try s.configureCopy()
        try s.copy()
        try s.expectSame()
    }

    @Test func aTableDroppedOrRenamedBeforeItsCopy() throws {
        let s = try Scenario.copying(
            "gone", tables: Self.accounts + "CREATE TABLE doomed (a int PRIMARY KEY);", rows: Self.rows)
        defer { s.end() }
        _ = try s.tandem("run", environment: ["TANDEM_FAILPOINT": "after-origin-created"])
        try s.old.sql("INSERT INTO doomed VALUES (1); DROP TABLE doomed; ALTER TABLE entry RENAME TO journal")
        try s.new.sql("ALTER TABLE entry RENAME TO journal")
        try s.old.sql("INSERT INTO journal VALUES (1, 1)")
        try s.copy()
        try s.expectSame(except: ["public.doomed"])
    }

    @Test func whoeverEndsTheSnapshotOnlyDelaysIt() throws {
        let s = try Scenario.copying(
            "holder", extra: "jobs: 2\ncopy: {range: 64kB}\nlimits: {copy_rate: 512kB}", tables: Self.accounts,
            rows: Self.rows)
        defer { s.end() }
        try s.old.sql("INSERT INTO entry SELECT i, i FROM generate_series(1, 60000) i")
        let run = try s.start("run")
        try s.old.wait(
            for: """
                SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid)
                 WHERE relation = 'entry'::regclass AND granted AND application_name ~ ' copy [12]$'
                """, toBe: "t", within: .seconds(60))
        let ended = try s.old.value(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()
            AND application_name ~ ' copy [12]$'
            """)
        #expect(ended != "0")
        try s.new.sql(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
            AND application_name ~ ' copy [12]$'
            """)
        try s.waitForCopy(of: "entry", toBe: "done")
        try s.catchUp()
        try run.stop()
        try s.expectSame()
    }
}
