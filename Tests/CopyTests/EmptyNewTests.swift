// From a database with nothing in it to one that follows, in one command.

import TestSupport
import Testing

@Suite(.blocking) struct EmptyNewTests {
    private static let schema = """
        CREATE SCHEMA app;
        CREATE TYPE app.mood AS ENUM ('sad', 'ok');
        CREATE TABLE app.customer (id serial PRIMARY KEY, email text UNIQUE, mood app.mood DEFAULT 'ok');
        CREATE TABLE app.invoice (id int PRIMARY KEY, customer int REFERENCES app.customer, total numeric CHECK (total > 0));
        CREATE INDEX ON app.invoice (customer) WHERE total > 100;
        CREATE TABLE app.log (at timestamptz, what text); ALTER TABLE app.log REPLICA IDENTITY FULL;
        CREATE TABLE app.day (d date, n int, PRIMARY KEY (d, n)) PARTITION BY RANGE (d);
        CREATE TABLE app.day_1 PARTITION OF app.day FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE app.day_2 PARTITION OF app.day FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
        CREATE TABLE app.old_rules (a int PRIMARY KEY);
        INSERT INTO app.old_rules VALUES (-1), (1);
        ALTER TABLE app.old_rules ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
        INSERT INTO app.customer (email) SELECT 'c' || i FROM generate_series(1, 3000) i;
        INSERT INTO app.invoice SELECT i, i % 3000 + 1, i FROM generate_series(1, 5000) i;
        INSERT INTO app.log SELECT now(), 'w' || i % 5 FROM generate_series(1, 500) i;
        CREATE SEQUENCE app."A 'b'" AS smallint INCREMENT -2 MAXVALUE 9 START 9; SELECT nextval('app."A ''b''"');
        CREATE SEQUENCE app.unused START 77;
        INSERT INTO app.day SELECT '2026-01-01'::date + i % 59, i FROM generate_series(1, 500) i;
        CREATE MATERIALIZED VIEW app.totals AS SELECT customer, sum(total) FROM app.invoice GROUP BY 1;
        """

    private static let sequences = """
        SELECT ARRAY[(SELECT (last_value, is_called)::text FROM app.customer_id_seq),
            (SELECT (last_value, is_called)::text FROM app."A 'b'"), (SELECT (last_value, is_called)::text FROM app.unused)]
        """

    @Test func sequencesStayNear() throws {
        let s = try Scenario("near", marker: false)
        defer { s.end() }
        try s.old.sql("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t SELECT FROM generate_series(1, 10)")
        try s.configureCopy()
        let run = try s.start("run")
        try s.new.wait(for: "SELECT (SELECT last_value FROM t_id_seq)", toBe: "10", within: .seconds(150))
        try s.old.sql("SELECT setval('t_id_seq', 500)")
        try s.new.wait(for: "SELECT last_value FROM t_id_seq", toBe: "500", within: .seconds(150))
        try s.old.sql("SELECT setval('t_id_seq', 400)")
        try s.old.sql("SELECT setval('t_id_seq', 501)")
        try s.new.wait(for: "SELECT last_value FROM t_id_seq", toBe: "501", within: .seconds(150))
        #expect(try run.stop() == .exited(0))
    }

    @Test(arguments: ["", "after-table-copied:2", "before-table-done:3", "after-table-snapshot:2"])
    func everythingIsMadeAndFollows(place: String) throws {
        let s = try Scenario("empty", marker: false)
        defer { s.end() }
        try s.old.sql(Self.schema)
        try s.configureCopy(extra: "jobs: 2\ncopy: {range: 64kB}")
        if !place.isEmpty {
            let killed = try s.tandem(
                "run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": place], within: .seconds(120))
            #expect(killed.status == .signalled(9), "\(killed.stderr)")
            try s.old.sql(
                "UPDATE app.invoice SET total = total + 1 WHERE id % 2 = 0; DELETE FROM app.log WHERE what = 'w1'")
        }
        try s.copy()
        try s.expectSame()
        for query in [
            "SELECT count(*) FROM pg_constraint WHERE connamespace = 'app'::regnamespace AND convalidated AND contype <> 'n'",
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'app'",
            "SELECT count(*) FROM app.totals",
        ] { #expect(try s.new.value(query) == s.old.value(query), "\(query)") }
        #expect(try s.new.value(Self.sequences) == s.old.value(Self.sequences))
        try s.old.sql("INSERT INTO app.day VALUES ('2026-02-02', 0); UPDATE app.customer SET mood = 'sad' WHERE id < 9")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT coalesce(sum(found), 0) FROM tandem.difference") == "0")
    }
}
