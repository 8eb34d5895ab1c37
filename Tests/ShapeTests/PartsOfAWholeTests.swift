// Partitions that new does not have as such: their rows go to the table of the root's name, whole or parted otherwise.

import TestSupport
import Testing

@Suite(.blocking) struct PartsOfAWholeTests {
    private static let parted = """
        CREATE TABLE t (id int, day int, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
        CREATE TABLE t_2 (v text, gone int, day int NOT NULL, id int NOT NULL, PRIMARY KEY (id, day)); ALTER TABLE t_2 DROP COLUMN gone;
        ALTER TABLE t ATTACH PARTITION t_2 FOR VALUES FROM (10) TO (20);
        CREATE TABLE t_3 PARTITION OF t FOR VALUES FROM (20) TO (30) PARTITION BY LIST (day);
        CREATE TABLE t_3_20 PARTITION OF t_3 FOR VALUES IN (20); CREATE TABLE t_3_d PARTITION OF t_3 DEFAULT;
        CREATE TABLE h (id int PRIMARY KEY, v text, big text) PARTITION BY HASH (id);
        CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 0); CREATE TABLE h_1 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 1);
        CREATE TABLE h_2 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 2); CREATE TABLE h_3 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 3);
        CREATE SCHEMA leaves; CREATE TABLE f (a int, b text) PARTITION BY LIST (a); CREATE TABLE leaves.f_1 PARTITION OF f FOR VALUES IN (1);
        CREATE TABLE leaves.f_d PARTITION OF f DEFAULT; ALTER TABLE leaves.f_1 REPLICA IDENTITY FULL; ALTER TABLE leaves.f_d REPLICA IDENTITY FULL;
        ALTER TABLE f REPLICA IDENTITY FULL; CREATE TABLE other (id int PRIMARY KEY);
        """

    private static let whole = """
        CREATE TABLE t (day int, v text, id int, own text DEFAULT 'own', PRIMARY KEY (id, day));
        CREATE TABLE h (id int PRIMARY KEY, v text, big text) PARTITION BY RANGE (id);
        CREATE TABLE h_low PARTITION OF h FOR VALUES FROM (MINVALUE) TO (50); CREATE TABLE h_high PARTITION OF h DEFAULT;
        CREATE TABLE f (a int, b text); CREATE TABLE other (id int PRIMARY KEY);
        """

    private static let changes = """
        INSERT INTO t SELECT i, i % 30, 'v' FROM generate_series(1, 200) i; UPDATE t SET v = 'w' WHERE id % 3 = 0;
        UPDATE t SET day = 29 - day WHERE id % 5 = 0; BEGIN; UPDATE t SET day = (day + 10) % 30; UPDATE t SET v = v || '!'; DELETE FROM t WHERE day = 4; COMMIT;
        INSERT INTO h SELECT i, 'v', repeat('x', 5000) FROM generate_series(1, 100) i; UPDATE h SET v = 'w' WHERE id % 2 = 0;
        UPDATE h SET id = id + 1000 WHERE id < 20; DELETE FROM h WHERE id BETWEEN 30 AND 40; BEGIN; DELETE FROM h WHERE id = 50; INSERT INTO h VALUES (50, 'again'); COMMIT;
        INSERT INTO f SELECT i % 3, 'f' FROM generate_series(1, 12) i; UPDATE f SET a = 1 WHERE a = 2; UPDATE f SET b = 'g' WHERE a = 1; DELETE FROM f WHERE a = 0;
        """

    @Test func rowsGoToTheRoot() throws {
        let s = try Scenario.shaped("whole", old: Self.parted, new: Self.whole)
        defer { s.end() }
        try s.old.sql(Self.changes)
        try s.expectSame("t", "h", "f")
        // Once more from a standing start, so that all of it is one batch; then as one transaction.
        try s.lastStarted?.stop()
        try s.old.sql("TRUNCATE t, h, f; " + Self.changes)
        _ = try s.start("run")
        try s.expectSame("t", "h", "f")
        let plain = Self.changes.replacing("BEGIN;", with: "").replacing("COMMIT;", with: "")
        try s.old.sql("TRUNCATE t; TRUNCATE h; TRUNCATE f; BEGIN; \(plain) COMMIT")
        try s.expectSame("t", "h", "f")
        // New partitions come in through the root they belong to.
        try s.old.sql(
            """
            CREATE TABLE t_4 PARTITION OF t FOR VALUES FROM (30) TO (40); INSERT INTO t VALUES (1, 31, 'new partition');
            UPDATE t SET day = day + 10 WHERE day BETWEEN 20 AND 29;
            """)
        try s.expectSame("t")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE own = 'own'") == s.new.value("SELECT count(*) FROM t"))
        try s.expectQuietEnd()
    }

    @Test func differencesAreReadAgainFromTheRoot() throws {
        let s = try Scenario.shaped("partsagain", old: Self.parted, new: Self.whole)
        defer { s.end() }
        try s.old.sql(
            "INSERT INTO h SELECT i, 'v' FROM generate_series(1, 40) i; INSERT INTO t VALUES (1, 1, 'a'), (2, 12, 'b')")
        try s.catchUp()
        try s.new.sql("DELETE FROM h WHERE id % 3 = 0; DELETE FROM t WHERE id = 2; INSERT INTO h VALUES (50, 'local')")
        try s.old.sql("UPDATE h SET v = 'w'; UPDATE t SET v = 'c'; INSERT INTO h VALUES (50, 'old')")
        try s.expectSame("t", "h")
        #expect(try s.lastStarted?.stop() == .exited(0))
    }

    @Test func aPartAloneCannotBeTruncated() throws {
        let s = try Scenario.shaped("truncatedpart", old: Self.parted, new: Self.whole)
        defer { s.end() }
        try s.old.sql("INSERT INTO t SELECT i, i % 30, 'v' FROM generate_series(1, 60) i")
        try s.expectSame("t")
        try s.old.sql("INSERT INTO other VALUES (1); TRUNCATE t_1; INSERT INTO other VALUES (2)")
        try s.expectBlocked("public.t_1", "TRUNCATE of a partition that new does not have", "set-aside")
        #expect(try s.new.value("SELECT count(*) FROM other") == "1")
        try s.new.sql("DELETE FROM t WHERE day < 10; CREATE TABLE t_1 (LIKE t INCLUDING ALL)")
        try s.old.sql("INSERT INTO t VALUES (1, 1, 'later'), (2, 12, 'later')")
        try s.expectSame("t_1", "other")
        #expect(
            try s.new.value("SELECT count(*) FROM t WHERE day >= 10")
                == s.old.value("SELECT count(*) FROM t WHERE day >= 10"))
        try s.expectQuietEnd(blocked: 1)
    }

    @Test func theRootSetAsideTakesItsPartsAlong() throws {
        let s = try Scenario.shaped("partsaside", old: Self.parted, new: "CREATE TABLE other (id int PRIMARY KEY)")
        defer { s.end() }
        try s.old.sql(
            "INSERT INTO t VALUES (1, 1, 'a'), (2, 12, 'b'); INSERT INTO other VALUES (1); INSERT INTO h VALUES (1)")
        try s.expectBlocked("public.t_1", "no table")
        #expect(try s.tandem("set-aside", "public.t").exitCode == 0)
        try s.expectBlocked("public.h_", "no table")
        let leaf = try s.old.value("SELECT tableoid::regclass::text FROM h") ?? ""
        #expect(try s.tandem("set-aside", "public.\(leaf)").exitCode == 0)
        try s.expectSame("other")
        try s.old.sql("UPDATE t SET v = 'c'")
        try s.expectSame("other")
        let status = try s.tandem("status", "--json").stdout.filter { !$0.isWhitespace }
        #expect(
            status.contains("\"changes\":4,\"table\":\"public.t\"")
                || status.contains("\"table\":\"public.t\",\"changes\":4"), "\(status)")
    }
}
