// Killed in mid batch and mid comparison: the next run leaves no gap and nothing double.

import TestSupport
import Testing

@Suite(.blocking) struct BatchKillTests {
    @Test(arguments: [
        "during-batch", "before-batch-commit", "after-batch-commit", "during-comparison", "during-batch:2",
    ])
    func whatWasBegunIsDoneOnce(place: String) throws {
        let s = try Scenario.derived(
            "b_kill", tables: "CREATE TABLE t (id int PRIMARY KEY, v int, at timestamptz); CREATE TABLE l (v int);",
            rows: "INSERT INTO t SELECT i, 0, now() FROM generate_series(1, 1000) i; INSERT INTO l VALUES (1), (1)",
            dataB: ["table: b.t, modified: at, every: 1h, deletes: 1h", "table: b.l, refresh: full, every: 1h"])
        defer { s.end() }
        try s.prepare()
        try s.carry()
        try s.old.sql(
            """
            UPDATE b.t SET v = 1, at = now() WHERE id % 2 = 0; DELETE FROM b.t WHERE id % 10 = 1;
            INSERT INTO b.t VALUES (2001, 0, now()); INSERT INTO b.l VALUES (1)
            """)
        #expect(try s.tandem("b", "now").exitCode == 0)
        let killed = try s.tandem("run", environment: ["TANDEM_FAILPOINT": place])
        #expect(killed.status == .signalled(9), "\(killed.stderr)")
        // What was asked for was not done, or nobody knows that it was: it is done now.
        try s.carry()
        try s.expectSame("t", "l")
    }
}
