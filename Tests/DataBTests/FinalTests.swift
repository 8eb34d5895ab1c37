// The final copy: who still writes is named, nothing moves, and then each table is identical or not.

import TestSupport
import Testing

@Suite(.blocking) struct FinalTests {
    @Test func provenQuietAndIdenticalOrRefused() throws {
        let s = try Scenario.derived(
            "b_final",
            tables: """
                CREATE TABLE t (id int PRIMARY KEY, v numeric, at timestamptz); CREATE TABLE l (v text);
                CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
                CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
                """,
            rows: "INSERT INTO t SELECT i, 1, now() FROM generate_series(1, 100) i; INSERT INTO l VALUES ('x'), ('x');"
                + " INSERT INTO p VALUES (1)",
            dataB: [
                "table: b.t, modified: at, every: 1s, deletes: 1h", "table: b.l, refresh: full, every: 1s",
                "table: b.p, refresh: full, every: 1s",
            ], extra: "gates: {quiet: 1s}")
        defer { s.end() }
        try s.prepare()
        #expect(try s.tandem("b", "final", "nothing").status == .exited(2))
        try s.carry()

        // An open writer, a prepared one, one that commits all the time: refused, and named.
        let writer = try s.old.session(applicationName: "nightly")
        _ = try writer.send("BEGIN; UPDATE b.p SET id = 2")
        var refused = try s.tandem("b", "final")
        #expect(refused.status == .exited(3))
        #expect(refused.stderr.contains("nightly") && refused.stderr.contains("b.p1"), "\(refused.stderr)")
        // Counts what it has done as late as ten seconds after it, or when it ends.
        _ = try writer.send("ROLLBACK")
        writer.close()
        try s.old.sql("BEGIN; INSERT INTO b.l VALUES ('p'); PREPARE TRANSACTION 'b_\(s.name)'")
        refused = try s.tandem("b", "final")
        #expect(refused.status == .exited(3))
        #expect(refused.stderr.contains("prepared transaction 'b_\(s.name)' on b.l"), "\(refused.stderr)")
        try s.old.sql("ROLLBACK PREPARED 'b_\(s.name)'")
        let busy = try s.old.session(applicationName: "busy")
        try busy.start(String(repeating: "TRUNCATE b.l; SELECT pg_sleep(0.1); ", count: 60))
        refused = try s.tandem("b", "final", "b.l")
        #expect(refused.status == .exited(3), "\(refused.stderr)")
        #expect(refused.stderr.contains("have not stopped") && refused.stderr.contains("b.l"), "\(refused.stderr)")
        _ = try busy.result()
        busy.close()

        // Quiet. What timestamps do not tell, and what only new has, is brought in order; batches wait meanwhile.
        try s.old.sql("UPDATE b.t SET v = 1.0, at = NULL WHERE id = 1; DELETE FROM b.t WHERE id = 2")
        try s.new.sql("INSERT INTO b.t VALUES (5000, 1, NULL); INSERT INTO b.l VALUES ('only here')")
        let run = try s.start("run")
        let final = try s.tandem("b", "final")
        #expect(final.status == .exited(0), "\(final.stderr)")
        #expect(final.stdout.contains("b.t is identical, 99 rows"))
        #expect(final.stdout.contains("b.l is identical, 0 rows"))
        // In its own words, as the other lines of a command, and no line of a log.
        #expect(
            final.stderr.contains(
                "found by comparing and made as on old of \(s.name): 2 that are not there, 1 whose timestamp did not tell"
            ),
            "\(final.stderr)")
        #expect(!final.stderr.contains("event="), "\(final.stderr)")
        try s.expectSame("t", "l", "p")
        #expect(try run.stop() == .exited(0))
        let evidence = try s.tandem("evidence", "show").stdout
        #expect(evidence.contains("b final") && evidence.contains("identical"))

        // Something on new keeps a row from being as it is on old: said, with its key, and 4.
        try s.new.sql(
            """
            CREATE FUNCTION b.bend() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.v := 7; RETURN new; END $$;
            CREATE TRIGGER bend BEFORE INSERT OR UPDATE ON b.t FOR EACH ROW WHEN (new.id = 9) EXECUTE FUNCTION b.bend();
            ALTER TABLE b.t ENABLE ALWAYS TRIGGER bend
            """)
        try s.old.sql("UPDATE b.t SET v = 2, at = now() WHERE id = 9")
        let differs = try s.tandem("b", "final", "--json", "b.t")
        #expect(differs.status == .exited(4), "\(differs.stderr)")
        #expect(differs.stdout.contains("rows with other values: 1, keys (9)"), "\(differs.stdout)")
        #expect(try s.tandem("status").stdout.contains("final copy: differed"))
    }
}
