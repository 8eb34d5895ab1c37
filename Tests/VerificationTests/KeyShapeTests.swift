// Keys of shapes that statements about them must not stumble over: composite values, columns called as tandem's own, rows whose
// number UPDATE cannot set.

import TestSupport
import Testing

@Suite(.blocking) struct KeyShapeTests {
    @Test func theyAreComparedAndRepaired() throws {
        let s = try Scenario("keyshapes")
        defer { s.end() }
        try s.both(
            """
            CREATE TYPE comp AS (a int, b numeric); CREATE DOMAIN dcomp AS comp;
            CREATE TABLE c (k comp PRIMARY KEY, v text); CREATE TABLE d (k dcomp, n int, v text, PRIMARY KEY (n, k));
            CREATE TABLE wide (place int, total int, h text, v text, PRIMARY KEY (place, total));
            CREATE TABLE numbered (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, v text)
            """)
        try s.new.sql("ALTER TABLE numbered ADD COLUMN own text DEFAULT 'mine'")
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.old.sql(
            """
            INSERT INTO c SELECT ROW(i, 1.50)::comp, 'v' FROM generate_series(1, 50) i;
            INSERT INTO d SELECT ROW(i, 1.50)::comp, i, 'v' FROM generate_series(1, 50) i;
            INSERT INTO wide SELECT i % 100, i, 'h', repeat('x', 1200) FROM generate_series(1, 6000) i;
            INSERT INTO numbered (id, v) SELECT i, 'v' FROM generate_series(1, 20) i
            """)
        try s.catchUp()
        try s.both("ANALYZE")
        #expect(try s.verify(expecting: 0).verdict == "equal")
        try s.new.sql(
            """
            SET session_replication_role = replica;
            UPDATE c SET v = 'w' WHERE (k).a = 7; DELETE FROM d WHERE n = 8; UPDATE wide SET v = 'w' WHERE total = 9;
            DELETE FROM numbered WHERE id = 3;
            INSERT INTO numbered (id, n, v, own) OVERRIDING SYSTEM VALUE VALUES (3, 4711, 'v', 'kept')
            """)
        let found = try s.verify(expecting: 4)
        #expect(found.tables.allSatisfy { $0.problem == nil }, "\(found.tables)")
        #expect(
            found.found == [
                "public.c (7,1.50) different", "public.d 8|(8,1.50) missing", "public.numbered 3 different",
                "public.wide 9|9 different",
            ])
        let mended = try s.verify("--repair", expecting: 0)
        #expect(mended.tables.allSatisfy { ($0.notRepaired ?? []).isEmpty })
        #expect(try s.new.value("SELECT own FROM numbered WHERE id = 3") == "kept")
        for table in ["c", "d", "wide"] {
            #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: ["public.\(table)"]) == [])
        }
        #expect(try s.verify(expecting: 0).verdict == "equal")
        #expect(try run.stop() == .exited(0))
    }

    /// An index that never came to be on old is none that new lacks.
    @Test func whatIsNotValidOnEitherSideIsNoDifference() throws {
        let s = try Scenario("brokenindex")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE a (id int PRIMARY KEY, v int);
            CREATE TABLE pt (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
            CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (100); CREATE INDEX only_root ON ONLY pt (v)
            """)
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.old.sql("INSERT INTO a VALUES (1, 1), (2, 1); INSERT INTO pt VALUES (1, 1)")
        _ = try? s.old.sql("CREATE UNIQUE INDEX CONCURRENTLY failed ON a (v)")
        #expect(try s.old.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "2")
        try s.catchUp()
        let found = try s.verify(expecting: 0)
        #expect(found.findings.allSatisfy { !$0.differs }, "\(found.findings)")
        // One that only new has broken is.
        try s.old.sql("DROP INDEX failed; CREATE INDEX whole ON a (v)")
        _ = try? s.new.sql("CREATE UNIQUE INDEX CONCURRENTLY failed ON a (v)")
        #expect(try s.verify(expecting: 4).findings.contains { $0.differs && $0.text.contains("is not valid") })
        #expect(try run.stop() == .exited(0))
    }
}
