// Keys of newer versions: temporal ones, which no B-tree holds, and unique ones over a column that only new rows must fill.

import TestSupport
import Testing

@Suite(.blocking) struct KeyTests {
    @Test(.enabled(if: PostgresInstallation.tested.old >= 18 && PostgresInstallation.tested.new >= 18))
    func rowsOfTemporalKeysAreFound() throws {
        let s = try Scenario("temporal")
        defer { s.end() }
        try s.both(
            """
            CREATE EXTENSION btree_gist; CREATE TABLE t (id int, valid int4range, v text, PRIMARY KEY (id, valid WITHOUT OVERLAPS));
            CREATE TABLE c (id int PRIMARY KEY, t int, valid int4range, FOREIGN KEY (t, PERIOD valid) REFERENCES t (id, PERIOD valid));
            CREATE TABLE f (id int, valid int4range, v text, UNIQUE (id, valid WITHOUT OVERLAPS)); ALTER TABLE f REPLICA IDENTITY FULL;
            """)
        try s.prepare()
        let run = try s.start("run")
        for table in ["t", "f"] {
            try s.old.sql(
                """
                INSERT INTO \(table) SELECT i, int4range(1, 10), 'a' FROM generate_series(1, 300) i;
                INSERT INTO \(table) VALUES (1, '[10,20)', 'b'), (1, '[20,30)', 'c'); UPDATE \(table) SET v = 'd' WHERE valid = '[10,20)';
                UPDATE \(table) SET valid = '[30,40)' WHERE id = 1 AND valid = '[20,30)'; DELETE FROM \(table) WHERE id BETWEEN 100 AND 200;
                UPDATE \(table) SET valid = '[2,10)' WHERE id > 290;
                """)
        }
        try s.old.sql("INSERT INTO c VALUES (1, 1, '[2,15)'); UPDATE c SET valid = '[3,12)'")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(!run.log.contains("event=blocked") && !run.log.contains("event=difference"), "\(run.tail)")
    }

    /// Rows with NULL there are many to the index, and only one of them was meant.
    @Test(.enabled(if: PostgresInstallation.tested.new >= 18))
    func aKeyOverAColumnThatMayHoldNullIsNone() throws {
        let s = try Scenario("notvalid")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (k int UNIQUE, v text); ALTER TABLE t REPLICA IDENTITY FULL;
            INSERT INTO t VALUES (NULL, 'a'), (NULL, 'a'), (NULL, 'b'), (1, 'c');
            """)
        try s.new.sql("ALTER TABLE t ADD CONSTRAINT filled NOT NULL k NOT VALID")
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql(
            "DELETE FROM t WHERE ctid = '(0,1)'; UPDATE t SET k = 2 WHERE v = 'b'; UPDATE t SET v = 'd' WHERE k = 1")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(!run.log.contains("event=blocked") && !run.log.contains("event=difference"), "\(run.tail)")
    }

    /// A column that new makes itself can only be given a value by INSERT, with a key or without.
    @Test func rowsWithoutKeyTakeAnIdentityThatIsGeneratedAlways() throws {
        let s = try Scenario("always")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (nr int GENERATED ALWAYS AS IDENTITY, v text); ALTER TABLE t REPLICA IDENTITY FULL;
            CREATE TABLE w (v text, nr int GENERATED ALWAYS AS IDENTITY, big text); ALTER TABLE w REPLICA IDENTITY FULL;
            """)
        try s.new.sql("ALTER TABLE w ADD COLUMN own text DEFAULT 'd'")
        try s.prepare()
        let run = try s.start("run")
        try s.old.sql(
            """
            INSERT INTO t (v) VALUES ('a'), ('b'), ('c'); INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1, 'a');
            UPDATE t SET v = 'z' WHERE ctid = '(0,1)'; UPDATE t SET nr = DEFAULT WHERE v = 'b'; DELETE FROM t WHERE v = 'c';
            INSERT INTO w (v, big) VALUES ('x', repeat('big', 100000)), ('y', 'small');
            """)
        try s.catchUp()
        try s.new.sql("UPDATE w SET own = 'kept'")
        try s.old.sql("UPDATE w SET v = v || '!'; UPDATE w SET nr = DEFAULT WHERE v = 'y!'")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try s.new.value("SELECT count(*) FROM w WHERE own = 'kept'") == "2")
        #expect(!run.log.contains("event=blocked") && !run.log.contains("event=difference"), "\(run.tail)")
    }
}
