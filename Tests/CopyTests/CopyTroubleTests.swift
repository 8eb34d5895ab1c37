// What comes in between once rows are on new: foreign keys that find nothing, indexes that cannot be made, a death while one
// is being made. None of it ends a later start, or loses rows that are there.

import TestSupport
import Testing

@Suite struct CopyTroubleTests {
    /// The rows it points to do not come along, so it is left unchecked, or out, and named; others are checked.
    @Test func aForeignKeyToATableThatIsLeftOut() throws {
        let s = try Scenario("pointer", marker: false)
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE kind (id int PRIMARY KEY); INSERT INTO kind VALUES (1);
            CREATE TABLE item (id int PRIMARY KEY, kind int REFERENCES kind, item int REFERENCES item);
            CREATE TABLE part (id int PRIMARY KEY, kind int REFERENCES kind) PARTITION BY RANGE (id);
            CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
            INSERT INTO item VALUES (1, 1, NULL), (2, 1, 1); INSERT INTO part VALUES (1, 1);
            """)
        try s.configureCopy(extra: "exclude: [public.kind]")
        let run = try s.tandem("run", "--until", "caught-up", within: .seconds(120))
        #expect(run.status == .exited(0), "\(run.stderr)")
        #expect(run.stderr.contains("foreign key not checked") && run.stderr.contains("public.kind is not Data A"))
        try s.expectSame(except: ["public.kind"])
        let keys = """
            SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint
             WHERE contype = 'f' AND conrelid IN ('item'::regclass, 'part'::regclass)
            """
        #expect(try s.new.value(keys) == "item_item_fkey true, item_kind_fkey false")
        try s.new.sql("INSERT INTO kind VALUES (1); ALTER TABLE item VALIDATE CONSTRAINT item_kind_fkey")
    }

    @Test func anIndexThatCannotBeMadeIsMadeLater() throws {
        let s = try Scenario("taken", marker: false)
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX t_b ON t (b);
            INSERT INTO t SELECT i, i FROM generate_series(1, 500) i; CREATE TABLE other (a int PRIMARY KEY);
            """)
        try s.new.sql("CREATE TABLE t_b (a int)")
        try s.configureCopy()
        for _ in 1...2 {
            let blocked = try s.tandem("run", "--until", "caught-up", within: .seconds(120))
            #expect(blocked.status == .exited(5), "\(blocked.stderr)")
            #expect(blocked.stderr.contains("t_b"), "\(blocked.stderr)")
            #expect(try s.new.value("SELECT count(*) FROM t") == "500")
        }
        #expect(try s.tandem("status").stdout.contains("t_b"))
        let before = try s.new.value("SELECT string_agg(DISTINCT xmin::text, ',') FROM t")
        try s.new.sql("DROP TABLE t_b")
        try s.old.sql("INSERT INTO t VALUES (1000, 1)")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT string_agg(DISTINCT xmin::text, ',') FROM t WHERE a <= 500") == before)
        #expect(try s.new.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == "2")
    }

    /// The server goes on building for a while after its client has died, and the next run meets that.
    @Test func killedWhileAnIndexIsBuilt() throws {
        let s = try Scenario("slow", marker: false)
        defer { s.end() }
        try s.old.sql(
            """
            CREATE FUNCTION slow(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
            'BEGIN PERFORM pg_catalog.pg_sleep(0.002); RETURN a; END';
            CREATE TABLE t (a int PRIMARY KEY); CREATE INDEX t_slow ON t (slow(a));
            INSERT INTO t SELECT generate_series(1, 1000)
            """)
        try s.configureCopy()
        let run = try s.start("run")
        let isShown = try poll(within: .seconds(90)) {
            try s.tandem("status", "--json").stdout.contains("\"builds\":[{\"object\":\"index public.t_slow")
                ? true : nil
        }
        #expect(isShown == true, "\(run.tail)")
        run.kill()
        try s.old.sql("DELETE FROM t WHERE a < 10")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid") == "2")
        #expect(try s.slots == "1")
    }
}
