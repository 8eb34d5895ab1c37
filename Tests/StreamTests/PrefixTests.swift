// What a reader of new sees at any moment is a state that old once had: whole transactions, in commit order.

import TestSupport
import Testing

@Suite(.blocking) struct PrefixTests {
    private static let accounts = """
        SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
               (SELECT sum(bbalance) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history),
               (SELECT count(*) FROM pgbench_history)
        """

    @Test func theBooksBalanceAtEveryMomentWhilePgbenchRuns() throws {
        let s = try Scenario("tpcb")
        defer { s.end() }
        let pgbench = try s.old.cluster.installation.client("pgbench")
        for side in [s.old, s.new] {
            try Command(pgbench, ["-i", "-I", side.name == s.old.name ? "dtgp" : "dtp", "-q", side.connection])
                .succeed()
            try side.sql("ALTER TABLE pgbench_history REPLICA IDENTITY FULL")
        }
        try s.new.sql("TRUNCATE pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history")
        try s.prepare { prepared in
            for table in ["branches", "tellers", "accounts"] {
                let loaded = try s.old.sql(
                    """
                    BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '\(prepared.snapshot)';
                    COPY pgbench_\(table) TO STDOUT; COMMIT;
                    """)
                try s.new.sql("COPY pgbench_\(table) FROM STDIN;\n\(loaded)\n\\.\n")
            }
        }
        let run = try s.start("run")
        let reader = try s.new.session()
        let books = Ledger {
            let columns = try reader.send(Self.accounts).split(separator: "|")
            return Set(columns.prefix(4)).count == 1 ? nil : columns.joined(separator: " | ")
        }
        let slot = try s.watchSlot()
        try Command(pgbench, ["-n", "-c", "4", "-T", "4", s.old.connection]).succeed()
        try s.catchUp()
        #expect(books.answers > 10)
        #expect(books.close() == [])
        #expect(slot.close() == [])
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) > 100 FROM pgbench_history") == "t")
        #expect(try run.stop() == .exited(0))
    }

    @Test func aLargeTransactionIsSeenWholeOrNotAtAll() throws {
        let s = try Scenario.prepared(
            "whole", extra: "limits: { memory: 16MB }",
            "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE u (a int, b text); ALTER TABLE u REPLICA IDENTITY FULL"
        )
        defer { s.end() }
        let run = try s.start("run")
        let reader = try s.new.session()
        let counts = Ledger {
            let seen = try reader.send("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)")
            return ["0|0", "60000|30000"].contains(seen) ? nil : seen
        }
        try s.old.sql("BEGIN; \(rows("t", count: 60_000)) \(rows("u", count: 30_000)) COMMIT")
        try s.catchUp()
        #expect(counts.answers > 3)
        #expect(counts.close() == [])
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }
}
