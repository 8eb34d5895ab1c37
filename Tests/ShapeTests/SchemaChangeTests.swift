// What `run` does at its start about a schema that changed while nothing ran.

import TestSupport
import Testing

@Suite(.blocking) struct SchemaChangeTests {
    @Test func whatTheStreamWouldNotNoticeIsRefusedUntilSomebodyAcceptsIt() throws {
        let s = try Scenario("schema_change", dataA: ["public.*"])
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE i (id serial PRIMARY KEY, v text DEFAULT 'a')")
        try s.prepare()
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        // What matters to no row that is carried is no reason to stop.
        try s.old.sql(
            """
            ALTER SEQUENCE i_id_seq RESTART WITH 5000; ALTER SEQUENCE i_id_seq INCREMENT 7; ALTER TABLE i ALTER v SET DEFAULT 'b';
            INSERT INTO i DEFAULT VALUES; CREATE INDEX ON i (v); COMMENT ON TABLE i IS 'x'; ALTER TABLE i ALTER v SET STATISTICS 10;
            """)
        try s.new.sql("ALTER TABLE i ALTER v SET DEFAULT 'c'; ALTER SEQUENCE i_id_seq RESTART WITH 9")
        let irrelevant = try s.tandem("run", "--until", "caught-up")
        #expect(irrelevant.exitCode == 0, "\(irrelevant.stderr)")
        #expect(try s.new.sql("SELECT * FROM i") == "5000|b")
        try s.new.sql(
            """
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := 'x'; RETURN NEW; END $$;
            CREATE TRIGGER quiet BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
            ALTER TABLE t ENABLE ALWAYS TRIGGER quiet
            """)
        try s.old.sql("INSERT INTO i DEFAULT VALUES")
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(refused.exitCode == 3)
        // Old reads its log while schemas are compared; nothing of it is applied before they are.
        #expect(try s.new.sql("SELECT count(*) FROM i") == "1")
        #expect(refused.stderr.contains("trigger \\\"quiet\\\" of public.t is new"), "\(refused.stderr)")
        #expect(refused.stderr.contains("--accept-schema"))
        #expect(try s.tandem("run", "--until", "caught-up", "--accept-schema").exitCode == 0)
        #expect(try s.new.sql("SELECT count(*) FROM i") == "2")
        // Known from now on. What the stream handles by itself is said, and let through.
        try s.both("ALTER TABLE t ADD w int; CREATE TABLE u (id int PRIMARY KEY)")
        let again = try s.tandem("run", "--until", "caught-up")
        #expect(again.exitCode == 0)
        #expect(again.stderr.contains("schema changed") && again.stderr.contains("column \\\"w\\\" of public.t is new"))
        #expect(!(try s.tandem("run", "--until", "caught-up").stderr.contains("schema changed")))
    }
}
