// Who is waited for where applications write both sides, whom tandem lets go first, and a row that moves while it is written again.

import TestSupport
import Testing

@Suite(.blocking) struct TwinWaitingTests {
    private static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text);
        CREATE TABLE u (id int PRIMARY KEY, name text NOT NULL UNIQUE);
        CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
        """

    private func begin(_ title: String, step: Int, on pair: ClusterPair? = nil) throws -> (Scenario, Replicator) {
        let s = try Scenario(title, on: pair, extra: "strategy: dual-write")
        try s.both(Self.tables)
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.old.sql(
            """
            INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 60) i;
            INSERT INTO u SELECT i, 'n' || i FROM generate_series(1, 60) i;
            INSERT INTO loose SELECT i, 'l' FROM generate_series(1, 5) i;
            """)
        try s.catchUp()
        try s.move(toStep: step, truth: "old", strategy: "dual-write")
        try s.waitForRoles(forward: step == 5 ? "watch" : "apply", reverse: "watch")
        return (s, run)
    }

    private func expectSettled(_ s: Scenario, _ run: Replicator, location: SourceLocation = #_sourceLocation) throws {
        try s.forwardPasses()
        try s.reversePasses()
        try s.forwardPasses()
        try s.expectSame(["public.t", "public.u", "public.loose"])
        #expect(try run.stop() == .exited(0), "\(run.tail)", sourceLocation: location)
    }

    /// A prepared transaction has no session any more, and is as open as any other.
    @Test func whoIsPreparedIsWaitedFor() throws {
        let (s, run) = try begin("prepared", step: 5)
        defer { s.end() }
        try s.old.sql("BEGIN; INSERT INTO t VALUES (600, 'row'); PREPARE TRANSACTION '\(s.name)'")
        try s.new.sql("INSERT INTO t VALUES (600, 'row')")
        try s.new.sql("SELECT pg_sleep(1.5)")
        #expect(try s.new.value("SELECT v FROM t WHERE id = 600") == "row", "nobody's orphan: \(run.tail)")
        try s.old.sql("COMMIT PREPARED '\(s.name)'")
        try expectSettled(s, run)
    }

    /// Old's commit waits for a standby: it is in the log and nobody sees it. What is in the way of it cannot be made as it is on old,
    /// and neither can the row itself be passed over.
    @Test func whatIsCommittedAndCannotBeSeenYet() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let (s, run) = try begin("unseen", step: 3, on: pair)
        defer { s.end() }
        // As long as this one is open the orphan is not looked at.
        let open = try s.old.session()
        try open.send("BEGIN; UPDATE t SET v = 'open' WHERE id = 59")
        try s.new.sql("INSERT INTO u VALUES (500, 'wanted')")
        try pair.old.sql("ALTER SYSTEM SET synchronous_standby_names = 'away'; SELECT pg_reload_conf()")
        try pair.old.wait(for: "SHOW synchronous_standby_names", toBe: "away")
        let writer = try s.old.session()
        try writer.start("INSERT INTO u VALUES (501, 'wanted')")
        try s.new.sql("SELECT pg_sleep(5)")
        #expect(try s.new.value("SELECT count(*) FROM u WHERE id = 501") == "0")
        try pair.old.sql("ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()")
        _ = try writer.result()
        try open.send("ROLLBACK")
        try s.new.wait(
            for: "SELECT string_agg(id::text, ' ') FROM u WHERE id >= 500", toBe: "501", within: .seconds(30))
        try expectSettled(s, run)
    }

    /// Between the reading and the writing the row has gone from both sides: it is written all the same, and found out.
    @Test func aRowThatIsWrittenAgainTooLate() throws {
        let (s, run) = try begin("late", step: 3)
        defer { s.end() }
        try s.new.sql(
            """
            CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF current_setting('application_name') LIKE '%twins%' THEN PERFORM pg_sleep(3); END IF;
                RETURN NEW; END $$;
            CREATE TRIGGER late BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION public.late();
            ALTER TABLE u ENABLE ALWAYS TRIGGER late;
            """)
        try s.new.sql("DELETE FROM u WHERE id = 50")
        let writing = """
            SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE '%twins%' AND wait_event = 'PgSleep'
            """
        try s.new.wait(for: writing, toBe: "1", within: .seconds(30))
        try s.old.sql("DELETE FROM u WHERE id = 50")
        // It is there then, for a moment that nobody has to see.
        try s.new.wait(for: writing, toBe: "0", within: .seconds(30))
        try expectSettled(s, run)
    }

    /// What an application has written on new already is not even locked there; for what differs nobody is waited for for long.
    @Test func whoHasTheRowOnNewGoesFirst() throws {
        let (s, run) = try begin("first", step: 4)
        defer { s.end() }
        let onOld = try s.old.session()
        try onOld.send("BEGIN; UPDATE t SET v = 'twin' WHERE id = 30")
        try s.new.sql("UPDATE t SET v = 'twin' WHERE id = 30")
        let onNew = try s.new.session()
        try onNew.send("BEGIN; SELECT FROM t WHERE id = 30 FOR UPDATE")
        try onOld.send("COMMIT")
        try s.forwardPasses()
        try onNew.send("UPDATE t SET v = 'not yet' WHERE id = 31")
        try s.old.sql("UPDATE t SET v = 'differs' WHERE id = 31")
        let waits = "application_name LIKE 'tandem%' AND datname = current_database() AND wait_event_type = 'Lock'"
        try s.new.wait(for: "SELECT count(*) > 0 FROM pg_stat_activity WHERE \(waits)", toBe: "t")
        try s.new.sql("SELECT pg_sleep(2)")
        let long =
            "SELECT count(*) FROM pg_stat_activity WHERE \(waits) AND clock_timestamp() - query_start > interval '1.5 s'"
        #expect(try s.new.value(long) == "0")
        try onNew.send("ROLLBACK")
        try expectSettled(s, run)
    }

    /// Nobody can say which rows they are: the table is marked, and that it was found equal once is no gate's word any more.
    @Test func whatNobodyCanNameHasToBeComparedWhole() throws {
        let (s, run) = try begin("unnamed", step: 4)
        defer { s.end() }
        let gates = {
            try s.tandem("advance", "--dry-run").stdout.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        #expect(try s.tandem("verify").exitCode == 0)
        let before = try gates()
        #expect(before.contains("ok verified"), "\(before)")
        try s.new.sql("UPDATE loose SET b = 'x' WHERE a = 1; TRUNCATE u")
        try s.reversePasses()
        try s.old.wait(
            for: """
                SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM tandem.watched
                 WHERE stream = '\(s.reverseName)' AND truncated
                """, toBe: "loose u")
        #expect(try s.tandem("status").stdout.contains("public.u 1 by applications, some of rows that nobody can name"))
        let after = try gates()
        #expect(after.contains("refuses verified public.u: did not settle"), "\(after)")
        _ = try s.tandem("verify", "--repair")
        let again = try gates()
        #expect(again.contains("ok verified"), "\(again)")
        try expectSettled(s, run)
    }
}
