// Two-phase commit on old: what is prepared is invisible, rows arrive when it is committed, whatever its name.

import TestSupport
import Testing

@Suite(.blocking) struct TwoPhaseTests {
    @Test func preparedTransactionsArriveWhenTheyAreCommitted() throws {
        let s = try Scenario.prepared("twophase", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        let names = [
            "", "it's \"quoted\" \\ and $1 %s", String(repeating: "'x", count: 99),
        ]
        for (number, name) in names.enumerated() {
            let gid = sqlLiteral(name)
            try s.old.sql("BEGIN; \(rows("t", from: number * 10_000, count: 2000)) PREPARE TRANSACTION \(gid)")
            try s.old.sql("INSERT INTO t VALUES (\(number * 10_000 + 5000), 'between')")
            try s.catchUp()
            #expect(try s.new.value("SELECT count(*) FROM t WHERE a >= \(number * 10_000)") == "1")
            try s.old.sql("COMMIT PREPARED \(gid)")
            try s.catchUp()
            #expect(try s.new.value("SELECT count(*) FROM t WHERE a >= \(number * 10_000)") == "2001")
        }
        try s.old.sql(
            """
            BEGIN; SAVEPOINT a; \(rows("t", from: 90_000, count: 2000)) ROLLBACK TO a;
            INSERT INTO t VALUES (90001, 'kept'); PREPARE TRANSACTION 'nested'; COMMIT PREPARED 'nested';
            BEGIN; \(rows("t", from: 100_000, count: 2000)) PREPARE TRANSACTION 'away'; ROLLBACK PREPARED 'away';
            BEGIN; SELECT a FROM t LIMIT 3 FOR SHARE; PREPARE TRANSACTION 'empty'; COMMIT PREPARED 'empty';
            """)
        try s.catchUp()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM t WHERE a >= 90000") == "1")
        #expect(try run.stop() == .exited(0))
    }

    @Test func aPreparedTransactionOutlivesRestartsOfTheReplicator() throws {
        let s = try Scenario.prepared(
            "outlives", "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        try s.old.sql("BEGIN; \(rows("t", count: 2000)) PREPARE TRANSACTION 'outlives'")
        try s.old.sql("INSERT INTO t VALUES (0, 'between')")
        try s.follow()
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
        try s.old.sql("COMMIT PREPARED 'outlives'")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "2001")
        try s.expectSame()
    }

    /// A slot waits for transactions that are open, also for prepared ones; the snapshot then has their rows.
    @Test func oneThatWasPreparedBeforeTheSlotIsWaitedForAndIsInTheSnapshot() throws {
        let s = try Scenario("beforeslot")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        try s.old.sql("BEGIN; \(rows("t", count: 100)) PREPARE TRANSACTION 'before'")
        let prepare = try s.start("prepare")
        try prepare.waitForLog("prepared transaction before")
        try s.old.sql("INSERT INTO t VALUES (0, 'while it waits')")
        try s.old.sql("COMMIT PREPARED 'before'")
        try s.interrupted(prepare) { prepared in
            try s.old.sql("INSERT INTO t VALUES (-1, 'after the snapshot')")
            let loaded = try s.old.sql(
                """
                BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '\(prepared.snapshot)';
                COPY t TO STDOUT; COMMIT;
                """)
            try s.new.sql("COPY t FROM STDIN;\n\(loaded)\n\\.\n")
        }
        #expect(try s.new.value("SELECT count(*) FROM t") == "101")
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM t") == "102")
        try s.expectSame()
    }
}
