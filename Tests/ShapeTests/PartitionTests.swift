// Partitioned on new, flat on old; and the same partitions on both sides, taken off and put on again.

import TestSupport
import Testing

@Suite(.blocking) struct PartitionTests {
    @Test func partitionedOnNewOnly() throws {
        let s = try Scenario.shaped(
            "newparts",
            old: """
                CREATE TABLE t (id int, day date, big text, v int, PRIMARY KEY (id)); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
                CREATE TABLE h (id int PRIMARY KEY, v text); CREATE TABLE f (a int, b text); ALTER TABLE f REPLICA IDENTITY FULL;
                """,
            new: """
                CREATE TABLE t (id int, big text, v int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
                CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
                CREATE TABLE t_2 (day date NOT NULL, gone int, id int NOT NULL, v int, big text); ALTER TABLE t_2 DROP COLUMN gone;
                ALTER TABLE t ATTACH PARTITION t_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
                CREATE TABLE h (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
                CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (id);
                CREATE TABLE h_1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
                CREATE TABLE h_0_0 PARTITION OF h_0 FOR VALUES FROM (MINVALUE) TO (1000); CREATE TABLE h_0_1 PARTITION OF h_0 DEFAULT;
                CREATE TABLE f (a int, b text) PARTITION BY LIST (a); CREATE TABLE f_1 PARTITION OF f FOR VALUES IN (1); CREATE TABLE f_d PARTITION OF f DEFAULT;
                """)
        defer { s.end() }
        try s.old.sql(
            """
            INSERT INTO t VALUES (1, '2026-01-05', repeat('xyzzy', 20000), 1), (2, '2026-02-05', 'b', 2), (3, '2026-01-31', 'c', 3);
            UPDATE t SET v = v + 1; UPDATE t SET day = day + 28 WHERE id IN (1, 3); UPDATE t SET id = id + 10; DELETE FROM t WHERE id = 12;
            INSERT INTO h SELECT i, 'h' FROM generate_series(1, 3000) i; UPDATE h SET v = 'i' WHERE id % 3 = 0; UPDATE h SET id = id + 5000 WHERE id < 100;
            DELETE FROM h WHERE id % 7 = 0; INSERT INTO f VALUES (1, 'x'), (1, 'x'), (2, 'y'); UPDATE f SET a = 3 WHERE b = 'y';
            UPDATE f SET a = 2 WHERE ctid = '(0,1)'; DELETE FROM f WHERE a = 3;
            """)
        try s.expectSame("t", "h", "f")
        try s.old.sql("INSERT INTO t VALUES (9, '2026-07-01', 'no home', 9)")
        try s.expectBlocked("public.t", "no partition", "CREATE TABLE")
        try s.new.sql("CREATE TABLE t_7 PARTITION OF t FOR VALUES FROM ('2026-07-01') TO ('2026-08-01')")
        try s.expectSame("t")
        try s.old.sql("TRUNCATE t, h; INSERT INTO t VALUES (1, '2026-01-01', NULL, NULL)")
        try s.expectSame("t", "h", "f")
        try s.expectQuietEnd(blocked: 1)
    }

    @Test func theSamePartitionsTakenOffAndPutOnWhileStreaming() throws {
        let s = try Scenario.shaped(
            "attach",
            old: """
                CREATE TABLE t (id int PRIMARY KEY, a text, b text) PARTITION BY RANGE (id);
                CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100); CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200);
                """)
        defer { s.end() }
        try s.old.sql("INSERT INTO t SELECT i, 'a', 'b' FROM generate_series(1, 199, 7) i")
        try s.catchUp()
        // On new a leaf comes back with its columns at other numbers.
        try s.new.sql(
            """
            BEGIN; ALTER TABLE t DETACH PARTITION t_1; ALTER TABLE t_1 DROP COLUMN a; ALTER TABLE t_1 ADD COLUMN a text;
            UPDATE t_1 SET a = 'a'; ALTER TABLE t ATTACH PARTITION t_1 FOR VALUES FROM (0) TO (100); COMMIT;
            """)
        try s.old.sql(
            "UPDATE t SET a = 'c' WHERE id < 50; INSERT INTO t VALUES (2, 'd', 'e'); UPDATE t SET id = id + 100 WHERE id = 2"
        )
        try s.expectSame("t_1", "t_2", "t")
        // And on old, between two changes.
        try s.old.sql(
            """
            BEGIN; UPDATE t SET b = 'f' WHERE id < 30; ALTER TABLE t DETACH PARTITION t_2; ALTER TABLE t_2 DROP COLUMN b;
            ALTER TABLE t_2 ADD COLUMN b text; ALTER TABLE t ATTACH PARTITION t_2 FOR VALUES FROM (100) TO (200); COMMIT;
            UPDATE t SET b = 'g';
            """)
        try s.expectSame("t_1", "t_2", "t")
        // A column of the root is one of every leaf, at another number in each.
        try s.both("ALTER TABLE t ADD COLUMN c int DEFAULT 7")
        try s.old.sql(
            "INSERT INTO t VALUES (3, 'x', 'y', 1), (103, 'x', 'y', 2); UPDATE t SET c = c + 1 WHERE id % 2 = 1")
        try s.expectSame("t_1", "t_2", "t")
        try s.old.sql(
            "BEGIN; UPDATE t SET a = 'z' WHERE id = 3; ALTER TABLE t DROP COLUMN a; UPDATE t SET b = 'h', c = 0 WHERE id = 103; COMMIT"
        )
        try s.old.sql("UPDATE t SET id = 5 WHERE id = 3; INSERT INTO t VALUES (4, 'only b', 4)")
        try s.expectSame("t_1", "t_2", "t")
        #expect(try s.new.value("SELECT a FROM t WHERE id = 5") == "z")
        try s.expectQuietEnd()
    }

    private static let bounded = """
        CREATE TABLE l (id int, r text, v text, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
        CREATE TABLE l_1 PARTITION OF l FOR VALUES IN ('a'); CREATE TABLE l_2 PARTITION OF l FOR VALUES IN ('b');
        CREATE TABLE l_d PARTITION OF l DEFAULT;
        CREATE TABLE h (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
        CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE h_1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE f (a int, b text) PARTITION BY RANGE (a); ALTER TABLE f REPLICA IDENTITY FULL;
        CREATE TABLE f_1 PARTITION OF f FOR VALUES FROM (0) TO (10); CREATE TABLE f_2 PARTITION OF f FOR VALUES FROM (10) TO (20);
        ALTER TABLE f_1 REPLICA IDENTITY FULL; ALTER TABLE f_2 REPLICA IDENTITY FULL;
        """

    /// Partitions of the same names with other bounds: rows are where they belong, whoever put them there.
    @Test func theSameNamesWithOtherBounds() throws {
        let swapped = Self.bounded.replacing("IN ('a')", with: "IN ('x')").replacing("IN ('b')", with: "IN ('a')")
            .replacing("REMAINDER 0", with: "REMAINDER 9").replacing("REMAINDER 1", with: "REMAINDER 0")
            .replacing("REMAINDER 9", with: "REMAINDER 1").replacing("FROM (0) TO (10)", with: "FROM (0) TO (15)")
            .replacing("FROM (10) TO (20)", with: "FROM (15) TO (20)")
        let s = try Scenario("bounds")
        defer { s.end() }
        try s.old.sql(Self.bounded)
        try s.new.sql(swapped)
        // Loaded through the root, as a dump of another partitioning is.
        try s.both(
            """
            INSERT INTO l SELECT i, (ARRAY['a', 'b', 'x'])[1 + i % 3], 'v' FROM generate_series(1, 30) i;
            INSERT INTO h SELECT i, 'v' FROM generate_series(1, 30) i; INSERT INTO f SELECT i % 20, 'b' FROM generate_series(1, 60) i;
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql(
            """
            UPDATE l SET v = 'w' WHERE id % 2 = 0; DELETE FROM l WHERE id % 5 = 0; UPDATE l SET r = 'b' WHERE id % 7 = 0;
            INSERT INTO l VALUES (100, 'a', 'new'), (101, 'b', 'new'), (102, 'x', 'new'), (103, 'y', 'new');
            UPDATE h SET v = 'w' WHERE id % 2 = 0; DELETE FROM h WHERE id % 5 = 0; UPDATE h SET id = id + 100 WHERE id % 7 = 0;
            UPDATE f SET b = 'c' WHERE a > 8; DELETE FROM f WHERE ctid IN (SELECT min(ctid) FROM f GROUP BY tableoid, a);
            UPDATE f SET a = a + 10 WHERE a < 10 AND ctid IN (SELECT max(ctid) FROM f GROUP BY tableoid, a);
            """)
        try s.expectSame("l", "h", "f")
        // New is partitioned anew under the stream.
        try s.new.sql(
            """
            BEGIN; ALTER TABLE l DETACH PARTITION l_2; ALTER TABLE l DETACH PARTITION l_1; ALTER TABLE l_2 RENAME TO aside;
            ALTER TABLE l_1 RENAME TO l_2; ALTER TABLE aside RENAME TO l_1; ALTER TABLE l ATTACH PARTITION l_1 FOR VALUES IN ('a');
            ALTER TABLE l ATTACH PARTITION l_2 FOR VALUES IN ('x'); COMMIT;
            """)
        try s.old.sql("UPDATE l SET v = v || '!'; DELETE FROM l WHERE id IN (1, 2, 3, 100)")
        try s.expectSame("l")
        // One alone would take the wrong rows along.
        try s.old.sql("TRUNCATE h_1")
        try s.expectBlocked("public.h_1", "other bounds")
        #expect(try s.new.value("SELECT count(*) > 20 FROM h") == "t")
        #expect(try s.tandem("set-aside", "public.h").exitCode == 0)
        try s.old.sql("TRUNCATE f; INSERT INTO f VALUES (12, 'after')")
        try s.expectSame("l", "f")
        try s.expectQuietEnd(blocked: 1)
    }

    @Test func inheritanceThroughThreeLevels() throws {
        let s = try Scenario.shaped(
            "inherits",
            old: """
                CREATE TABLE top (id int PRIMARY KEY, v text); CREATE TABLE middle (m int, PRIMARY KEY (id)) INHERITS (top);
                CREATE TABLE other (o int); ALTER TABLE other ADD PRIMARY KEY (o);
                CREATE TABLE low (l int, PRIMARY KEY (id)) INHERITS (middle, other);
                """)
        defer { s.end() }
        // The same keys at every level: each change belongs to one table alone.
        try s.old.sql(
            """
            INSERT INTO top VALUES (1, 'a'), (2, 'b'); INSERT INTO middle VALUES (1, 'c', 1), (2, 'd', 2);
            INSERT INTO low (id, v, m, o, l) VALUES (1, 'e', 1, 1, 1), (2, 'f', 2, 2, 2); INSERT INTO other VALUES (1), (2);
            UPDATE ONLY top SET v = 'only'; UPDATE top SET v = v || '!' WHERE id = 1; DELETE FROM ONLY middle WHERE id = 2;
            DELETE FROM ONLY other WHERE o = 2; UPDATE low SET id = id + 10;
            """)
        try s.expectSame("top", "middle", "low", "other")
        try s.old.sql("TRUNCATE ONLY middle")
        try s.expectSame("top", "middle", "low", "other")
        #expect(
            try s.new.sql("SELECT count(*) FROM ONLY top; SELECT count(*) FROM ONLY middle; SELECT count(*) FROM low")
                == "2\n0\n2")
        try s.old.sql("TRUNCATE top")
        try s.expectSame("top", "middle", "low", "other")
        try s.expectQuietEnd()
    }
}
