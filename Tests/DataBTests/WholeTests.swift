// Tables and views that come as wholes; tables that nothing but their rows tells apart; the schedule inside `run`, its
// requests and its failures.

import Foundation
import TestSupport
import Testing

@testable import DataB

@Suite(.blocking) struct WholeTests {
    @Test func refreshedAsAWholeAndOnlyWhereSomethingDiffers() throws {
        let s = try Scenario.derived(
            "b_full",
            tables: """
                CREATE TABLE k (id int PRIMARY KEY, v text UNIQUE); CREATE TABLE l (v text, n float8);
                CREATE TABLE m (v text, n int, at timestamptz);
                """,
            rows: """
                INSERT INTO k SELECT i, 'v' || i FROM generate_series(1, 500) i;
                INSERT INTO l SELECT 'x', i % 3 FROM generate_series(1, 300) i; INSERT INTO l VALUES ('z', '-0'), (NULL, NULL);
                INSERT INTO m SELECT 'm', i % 7, timestamptz '2020-01-01' + i * interval '1 h' FROM generate_series(1, 50) i;
                """,
            dataB: [
                "table: b.k, refresh: full, every: 1s", "table: b.l, refresh: full, every: 1s",
                "table: b.m, modified: at, every: 1s, deletes: 1h",
            ])
        defer { s.end() }
        let trial = try Trial(s)
        for table in ["k", "l", "m"] { try trial.batch(table) }
        try s.expectSame("k", "l", "m")
        let before = try s.new.sql("SELECT xmin, id FROM b.k WHERE id > 3 ORDER BY id")
        // Two swap what is unique, one goes, one is doubled.
        try s.old.sql(
            """
            DELETE FROM b.k WHERE id = 3; UPDATE b.k SET v = 'tmp' WHERE id = 1; UPDATE b.k SET v = 'v1' WHERE id = 2;
            UPDATE b.k SET v = 'v2' WHERE id = 1; INSERT INTO b.m SELECT * FROM b.m LIMIT 1;
            UPDATE b.m SET n = 100, at = now() WHERE n = 3; DELETE FROM b.m WHERE n = 4
            """)
        #expect(try trial.batch("k").written == 3)
        #expect(try trial.batch("l").written == 0, "nothing differs")
        try trial.batch("m")
        try trial.compare("m")
        try s.expectSame("k", "l", "m")
        #expect(try s.new.sql("SELECT xmin, id FROM b.k WHERE id > 3 ORDER BY id") == before)
        // -0 and 0 are not the same bytes.
        try s.old.sql("UPDATE b.l SET n = '0' WHERE v = 'z'")
        #expect(try trial.batch("l").written > 0)
        try s.expectSame("l")
    }

    /// Views are filled by new itself, those that read others after them; what reads something that nobody carries comes as
    /// rows where new has a table for it.
    @Test func materializedViews() throws {
        let s = try Scenario("b_views", dataA: ["public.*"])
        defer { s.end() }
        let views = """
            CREATE MATERIALIZED VIEW b.a_last AS SELECT sum(n) AS n FROM b.first;
            CREATE MATERIALIZED VIEW b.stray AS SELECT * FROM side.x; CREATE UNIQUE INDEX ON b.first (id)
            """
        try s.both(
            """
            CREATE TABLE base (id int PRIMARY KEY, n int); CREATE SCHEMA b; CREATE SCHEMA side;
            CREATE TABLE side.x (id int); CREATE VIEW b.between AS SELECT id, n + 1 AS n FROM base;
            CREATE MATERIALIZED VIEW b.first AS SELECT id, n FROM b.between; \(views);
            """)
        try s.old.sql(
            "CREATE MATERIALIZED VIEW b.data AS SELECT id FROM side.x; CREATE VIEW b.joined AS SELECT b.id, x.id AS other FROM base b, side.x"
        )
        try s.new.sql("CREATE TABLE b.data (id int); CREATE TABLE b.joined (id int, other int)")
        try s.old.sql("INSERT INTO side.x VALUES (1), (2); REFRESH MATERIALIZED VIEW b.data")
        try s.configure([
            "table: b.a_last, refresh: full, every: 1s", "table: b.first, refresh: full, every: 1s",
            "table: b.stray, refresh: full, every: 1s", "table: b.data, refresh: full, every: 1s",
            "table: b.joined, refresh: full, every: 1s",
        ])
        try s.prepare()
        try s.old.sql("INSERT INTO base SELECT i, i FROM generate_series(1, 10) i")
        // What is streamed first, so that the views find it.
        let run = try s.start("run")
        try s.catchUp()
        #expect(try s.tandem("b", "now").exitCode == 0)
        try s.new.wait(for: "SELECT n FROM b.a_last", toBe: "65")
        try s.new.wait(for: "SELECT count(*) FROM b.joined", toBe: "20")
        #expect(try run.stop() == .exited(0))
        #expect(try s.new.value("SELECT count(*) FROM b.data") == "2")
        #expect(try s.status("stray", "problem")?.contains("side.x, which nothing carries") == true)
        #expect(try s.status("stray", "state") == "failing")
        #expect(try s.status("first", "problem") == nil)
    }

    /// While the program runs: requests, pauses, a table that fails, and what `status` says of it all.
    @Test func besideTheStream() throws {
        let s = try Scenario.derived(
            "b_beside",
            tables:
                "CREATE TABLE t (id int PRIMARY KEY, at timestamptz); CREATE TABLE u (id int PRIMARY KEY, v numeric(10,4));",
            rows: "INSERT INTO t VALUES (1, now()); INSERT INTO u VALUES (1, 1.5)",
            dataB: ["table: b.t, modified: at, every: 1h, deletes: 1h", "table: b.u, refresh: full, every: 1s"])
        defer { s.end() }
        try s.prepare()
        try s.new.sql("ALTER TABLE b.u ALTER v TYPE numeric(10,2)")
        #expect(try s.tandem("b", "pause", "b.t").exitCode == 0)
        let run = try s.start("run")
        try s.new.wait(
            for: "SELECT status::json ->> 'state' FROM tandem.data_b_table WHERE table_name = 'u'", toBe: "failing")
        #expect(try s.new.value("SELECT count(*) FROM b.t") == "0")
        #expect(try s.tandem("b", "now", "b.t").exitCode == 0)
        try s.new.wait(for: "SELECT count(*) FROM b.t", toBe: "1")
        try s.catchUp()
        try s.new.wait(for: "SELECT count(*) FROM tandem.data_b_table WHERE wanted_at IS NOT NULL", toBe: "0")
        let text = try s.tandem("status").stdout
        #expect(text.contains("b.t: as of "))
        #expect(text.contains("paused"))
        #expect(text.contains("b.u: nothing of it is on new yet, failing"))
        #expect(text.contains("would be changed to fit"))
        let json = try s.tandem("status", "--json").stdout
        let seen = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        let tables = try #require(seen.first?["data_b"] as? [[String: Any]])
        #expect(tables.map { $0["table"] as? String } == ["b.t", "b.u"])
        #expect((tables[0]["status"] as? [String: Any])?["state"] as? String == "paused")
        #expect((tables[0]["freshness"] as? Double).map { $0 >= 0 } == true)
        // Mended, it comes by itself after its pause, or at once when it is asked for; paused, nothing comes.
        try s.new.sql("ALTER TABLE b.u ALTER v TYPE numeric(10,4)")
        #expect(try s.tandem("b", "now", "b.u").exitCode == 0)
        try s.new.wait(for: "SELECT v FROM b.u", toBe: "1.5000")
        try s.old.sql("INSERT INTO b.t VALUES (2, now())")
        #expect(try s.tandem("b", "resume", "b.t").exitCode == 0)
        #expect(try s.tandem("b", "now", "b.t").exitCode == 0)
        try s.new.wait(for: "SELECT count(*) FROM b.t", toBe: "2")
        #expect(try run.stop() == .exited(0))
        // Typed wrong, and in the wrong order.
        #expect(try s.tandem("b", "now", "b.tt").status == .exited(2))
        #expect(try s.tandem("b").status == .exited(2))
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
        #expect(try s.tandem("b", "pause").status == .exited(3))
        #expect(
            try s.new.value("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE 'tandem_t_\(s.name)%'") == "0"
        )
    }

    /// With an empty new database tandem makes the tables, brings the rows, then the keys.
    @Test func theFirstRowsOfTablesThatTandemMakes() throws {
        let s = try Scenario("b_first", dataA: ["public.*"])
        defer { s.end() }
        try s.new.sql("DROP TABLE _marker")
        try s.old.sql(
            """
            CREATE SCHEMA b; CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2);
            CREATE TABLE b.t (id int PRIMARY KEY, at timestamptz); CREATE INDEX t_at ON b.t (at);
            INSERT INTO b.t SELECT i, now() FROM generate_series(1, 100) i;
            CREATE MATERIALIZED VIEW b.v AS SELECT count(*) AS n FROM a
            """)
        try s.configure(
            ["table: b.t, modified: at, every: 1s, deletes: 1h", "table: b.v, refresh: full, every: 1s"],
            initialCopy: "all")
        try s.carry()
        try s.expectSame("t")
        #expect(try s.new.value("SELECT n FROM b.v") == "2")
        #expect(try s.new.value("SELECT count(*) FROM pg_indexes WHERE schemaname = 'b'") == "2")
        try s.old.sql("DELETE FROM b.t WHERE id = 1; UPDATE b.t SET at = now() WHERE id = 2")
        try s.compareNow()
        try s.expectSame("t")
    }
}
