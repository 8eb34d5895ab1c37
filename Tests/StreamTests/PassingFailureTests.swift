// Every error that may pass by itself is waited out: the whole batch again and again, with a growing pause, said once, and
// in the end each row is there once.

import TestSupport
import Testing

@Suite(.blocking) struct PassingFailureTests {
    /// Serialization, deadlock, lock not available, statement cancelled, read-only, disk full, out of memory or locks,
    /// too many connections, configured limit exceeded.
    private static let states = [
        "40001", "40P01", "55P03", "57014", "25006", "53100", "53200", "53300", "53400", "55006",
    ]

    @Test func eachIsTriedAgainUntilItHasPassed() throws {
        let s = try Scenario.prepared(
            "passing",
            """
            CREATE TABLE t (a int PRIMARY KEY, b text);
            CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
            """)
        defer { s.end() }
        try s.new.sql(
            """
            CREATE TABLE weather (state text);
            CREATE FUNCTION storm() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE found text := (SELECT max(state) FROM public.weather);
            BEGIN
                IF found <> '' THEN RAISE 'made up' USING ERRCODE = found; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER storm BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION storm();
            ALTER TABLE t ENABLE ALWAYS TRIGGER storm;
            """)
        let run = try s.start("run")
        try s.catchUp()
        for (round, state) in Self.states.enumerated() {
            try s.new.sql("INSERT INTO weather VALUES ('\(state)')")
            // The statement for `loose` may have run before the one that fails.
            try s.old.sql(
                """
                BEGIN; INSERT INTO loose VALUES (\(round), 'once'); \(rows("t", from: round * 100, count: 10)) COMMIT;
                INSERT INTO loose VALUES (\(round), 'once');
                """)
            try run.waitForLog("sqlstate=\(state)")
            try s.expectSlotNotAhead()
            try s.new.sql("DELETE FROM weather")
            try s.catchUp()
        }
        try s.new.sql("DROP TRIGGER storm ON t; DROP TABLE weather")
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM loose") == "\(2 * Self.states.count)")
        #expect(!run.log.contains("event=blocked"), "\(run.tail)")
        // Said when it begins, not each time it is tried.
        #expect(run.log.split(separator: "\n").filter { $0.contains("event=retrying") }.count <= 3 * Self.states.count)
        #expect(try run.stop() == .exited(0))
    }
}
