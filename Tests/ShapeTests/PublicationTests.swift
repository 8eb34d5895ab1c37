// What is in the stream and what is not: the publication is made once, by name, of permanent tables.

import TestSupport
import Testing

@Suite(.blocking) struct PublicationTests {
    @Test func whatHoldsNoRowsOfItsOwnIsIgnored() throws {
        let s = try Scenario.shaped(
            "ignored", dataA: ["public.*"],
            old: """
                CREATE TABLE t (id int PRIMARY KEY, v text); CREATE UNLOGGED TABLE u (id int);
                CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t; CREATE UNIQUE INDEX ON m (id); CREATE SEQUENCE q;
                """, new: "CREATE TABLE t (id int PRIMARY KEY, v text)")
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO t SELECT i, 'v' FROM generate_series(1, 1000) i; INSERT INTO u SELECT generate_series(1, 10);
            CREATE TEMP TABLE t (id int); INSERT INTO t VALUES (1), (2); INSERT INTO public.t VALUES (2000, 'x'); TRUNCATE t;
            """)
        try s.old.sql(
            """
            REFRESH MATERIALIZED VIEW m; UPDATE t SET v = 'w' WHERE id % 2 = 0; REFRESH MATERIALIZED VIEW CONCURRENTLY m;
            CREATE MATERIALIZED VIEW m2 AS SELECT * FROM t; BEGIN; DELETE FROM t WHERE id > 900; REFRESH MATERIALIZED VIEW m2; COMMIT;
            CREATE TABLE t2 AS SELECT * FROM t; DROP TABLE t2; SELECT nextval('q');
            """)
        try s.expectSame("t")
        try s.expectQuietEnd()
    }

    @Test func tablesMadeAfterPrepareAreNamed() throws {
        let s = try Scenario.shaped(
            "later", dataA: ["public.*"],
            old: """
                CREATE TABLE t (id int PRIMARY KEY); CREATE SCHEMA aside; CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
                CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE dropped (id int PRIMARY KEY);
                """)
        defer { s.end() }
        #expect(try !s.tandem("status").stdout.contains("not carried"))
        try s.old.sql(
            """
            CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1); CREATE TABLE aside.later (id int);
            INSERT INTO p VALUES (1); ALTER TABLE p DETACH PARTITION p_1; INSERT INTO p_1 VALUES (2); INSERT INTO t VALUES (1);
            INSERT INTO dropped VALUES (1); DROP TABLE dropped;
            """)
        try s.expectSame("t")
        let carried = try s.new.sql("SELECT * FROM p")
        // 13 goes on sending rows of a detached partition for as long as the connection lasts.
        #expect(carried == "1" || PostgresInstallation.tested.old < 14 && carried == "1\n2")
        #expect(try s.new.sql("SELECT * FROM dropped") == "1")
        let status = try s.tandem("status").stdout
        #expect(status.contains("not carried") && status.contains("public.later, public.p_1"), "\(status)")
        let json = try s.tandem("status", "--json").stdout
        #expect(json.contains("\"not_carried\"") && json.contains("public.later"), "\(json)")
        try s.expectQuietEnd()
        let run = try s.start("run")
        try run.waitForLog("not carried")
        #expect(run.log.contains("public.later, public.p_1") && !run.log.contains("aside.later"), "\(run.tail)")
        // Published by hand, it comes along from then on.
        try s.old.sql("ALTER PUBLICATION \(s.publicationName) ADD TABLE later; INSERT INTO later VALUES (2)")
        try s.expectBlocked("public.later", "no table")
        try s.new.sql("CREATE TABLE later (id int PRIMARY KEY)")
        try s.catchUp()
        #expect(try s.new.sql("SELECT * FROM later") == "2")
        #expect(try !s.tandem("status").stdout.contains("public.later"))
        try s.expectQuietEnd(blocked: 1)
    }
}
