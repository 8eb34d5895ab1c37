// Which catalogs a row is read by: those of the moment it was written, though others alter tables while its transaction is
// open, though old begins to decode in the middle of such a transaction, and though its catalogs are full of locks.

import TestSupport
import Testing

@Suite(.blocking) struct CatalogSnapshotTests {
    private struct Alteration {
        let name: String
        let statement: String
        /// Of the column `v`, before and after.
        let values: (before: String, after: String)
        let arrived: (before: String, after: String)
    }

    private static let alterations = [
        Alteration(
            name: "float", statement: "ALTER v TYPE float8", values: ("1", "1.5"), arrived: ("1", "1.5")),
        Alteration(
            name: "word", statement: "ALTER v TYPE varchar", values: ("1", "'a'"), arrived: ("1", "a")),
        Alteration(
            name: "bool", statement: "ALTER v TYPE bool USING v > 0", values: ("1", "false"), arrived: ("1", "f")),
        Alteration(name: "more", statement: "ADD w int DEFAULT 4", values: ("1", "2"), arrived: ("1", "2")),
        Alteration(
            name: "again", statement: "DROP v, ADD v text", values: ("1", "'b'"), arrived: ("1", "b")),
    ]

    /// One transaction is open, begun before others altered the tables into which it writes only then.
    @Test func tablesAlteredBesideAnOpenTransaction() throws {
        let kinds = Self.alterations.map(\.name)
        let s = try Scenario.shaped(
            "beside",
            old: "CREATE TABLE first (id int PRIMARY KEY);"
                + kinds.map {
                    "CREATE TABLE t_\($0) (id int PRIMARY KEY, v int); CREATE TABLE u_\($0) (id int PRIMARY KEY, v int);"
                }
                .joined(),
            new: "CREATE TABLE first (id int PRIMARY KEY);"
                + kinds.map {
                    "CREATE TABLE t_\($0) (id int PRIMARY KEY, v text, w int); CREATE TABLE u_\($0) (id int PRIMARY KEY, v text, w int);"
                }.joined())
        defer { s.end() }
        let open = try s.old.session()
        try open.send("BEGIN; INSERT INTO first VALUES (1)")
        for each in Self.alterations {
            try s.old.sql(
                """
                INSERT INTO t_\(each.name) VALUES (1, \(each.values.before)); ALTER TABLE t_\(each.name) \(each.statement);
                INSERT INTO t_\(each.name) (id, v) VALUES (2, \(each.values.after));
                BEGIN; INSERT INTO u_\(each.name) VALUES (1, \(each.values.before)); ALTER TABLE u_\(each.name) \(each.statement);
                INSERT INTO u_\(each.name) (id, v) VALUES (2, \(each.values.after)); COMMIT;
                BEGIN; ALTER TABLE t_\(each.name) ADD gone int; INSERT INTO t_\(each.name) (id) VALUES (9); ROLLBACK;
                """)
            try open.send(
                """
                INSERT INTO t_\(each.name) (id, v) VALUES (3, \(each.values.after));
                INSERT INTO u_\(each.name) (id, v) VALUES (3, \(each.values.after)); UPDATE t_\(each.name) SET id = 4 WHERE id = 2;
                """)
        }
        try open.send("COMMIT")
        try s.catchUp()
        for each in Self.alterations {
            let (before, after) = each.arrived
            #expect(
                try s.new.sql("SELECT id, v FROM t_\(each.name) ORDER BY id") == "1|\(before)\n3|\(after)\n4|\(after)",
                "\(each.name)")
            #expect(
                try s.new.sql("SELECT id, v FROM u_\(each.name) ORDER BY id") == "1|\(before)\n2|\(after)\n3|\(after)",
                "\(each.name)")
        }
        #expect(try s.new.sql("SELECT id, w FROM t_more ORDER BY id") == "1|\n3|4\n4|4")
        try s.expectQuietEnd()
    }

    /// Releases that tell transactions which are open of what others have altered.
    private static let tellsOpenTransactions = """
        SELECT v >= CASE v / 10000 WHEN 13 THEN 130021 WHEN 14 THEN 140018 WHEN 15 THEN 150013 WHEN 16 THEN 160009
                                   WHEN 17 THEN 170005 ELSE 0 END
          FROM (SELECT current_setting('server_version_num')::int AS v) AS x
        """

    /// A part of a composite type is dropped, and the catalogs vacuumed, while a row that has the part is under way.
    @Test func aPartOfATypeDroppedBesideAnOpenTransaction() throws {
        let s = try Scenario.shaped(
            "parts",
            old:
                "CREATE TYPE basket AS (apples int, pears int, mangos int); CREATE TABLE harvest (id int PRIMARY KEY, fruits basket)"
        )
        defer { s.end() }
        let open = try s.old.session()
        try open.send("BEGIN; INSERT INTO harvest VALUES (1, '(1,2,3)')")
        try s.old.sql("ALTER TYPE basket DROP ATTRIBUTE mangos; VACUUM pg_attribute; CHECKPOINT")
        try open.send("INSERT INTO harvest VALUES (2, '(4,5)'); COMMIT")
        // Others send the new row in either form, depending on what they have read of the type before.
        guard try s.old.value(Self.tellsOpenTransactions) == "t" else { return }
        // Whole, and not the row of three parts by itself.
        try s.expectBlocked("public.harvest", "22P02")
        #expect(try s.new.value("SELECT count(*) FROM harvest") == "0")
        try s.new.sql("ALTER TYPE basket DROP ATTRIBUTE mangos")
        try s.expectBlocked("public.harvest", "22P02")
        try s.new.sql("ALTER TABLE harvest ALTER fruits TYPE text")
        try s.catchUp()
        #expect(try s.new.sql("SELECT * FROM harvest ORDER BY id") == "1|(1,2,3)\n2|(4,5)")
        #expect(try s.lastStarted?.stop() == .exited(0))
    }

    /// Old writes down its running transactions at each checkpoint, and a slot begins to decode there: in the middle of
    /// one that has changed catalogs already. Old crashes in between.
    @Test func decodingBeginsInsideATransactionThatChangedCatalogs() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("middle", on: pair)
        defer { s.end() }
        let more =
            "CREATE TABLE u (id int PRIMARY KEY, v text) WITH (user_catalog_table = true); CREATE TABLE x (id int PRIMARY KEY);"
        try s.old.sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE h (id int PRIMARY KEY);" + more)
        try s.new.sql(
            "CREATE TABLE t (id int PRIMARY KEY, v text, w int DEFAULT 5); CREATE TABLE h (id int PRIMARY KEY, mangos int);"
                + more)
        try s.prepare()
        func follow() throws {
            try s.old.sql("CHECKPOINT; INSERT INTO x SELECT coalesce(max(id), 0) + 1 FROM x; CHECKPOINT")
            let outcome = try s.tandem("run", "--until", "caught-up")
            #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        }
        try s.old.sql("INSERT INTO t VALUES (1, 'before'); INSERT INTO u SELECT i, 'u' FROM generate_series(1, 500) i")
        try follow()
        func throughItsLife(_ round: Int, crashing: Bool) throws {
            let (open, base) = (try s.old.session(), round * 100)
            try open.send(
                "BEGIN; SAVEPOINT a; INSERT INTO x VALUES (-\(base)); ALTER TABLE t \(round == 1 ? "ADD w int DEFAULT 5" : "ALTER w TYPE bigint")"
            )
            try follow()
            try open.send(
                "INSERT INTO t VALUES (\(base + 2), 'in it', \(round)); UPDATE u SET v = v || '!' WHERE id % 7 = \(round); COMMIT"
            )
            try open.send("BEGIN; INSERT INTO t VALUES (\(base + 3), 'next', \(round))")
            if crashing {
                try follow()
                try pair.old.restart(.immediate)
                try s.old.sql("BEGIN; INSERT INTO t VALUES (\(base + 3), 'again', \(round)); COMMIT")
            } else {
                try follow()
                try open.send("INSERT INTO t VALUES (\(base + 4), 'last', \(round)); COMMIT")
            }
            try follow()
        }
        try throughItsLife(1, crashing: false)
        try throughItsLife(2, crashing: true)
        // The first thing that a transaction needs the catalogs for is in a savepoint of it, and they change under that.
        let open = try s.old.session()
        try open.send("BEGIN; SAVEPOINT a; INSERT INTO x VALUES (-1000); SAVEPOINT b")
        try s.old.sql("ALTER TABLE h ADD mangos int")
        try open.send("INSERT INTO h VALUES (1, 3); RELEASE a; COMMIT")
        try follow()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try s.new.sql("SELECT * FROM h") == "1|3")
        #expect(
            try s.new.value("SELECT string_agg(id || v || coalesce(w, 0), ' ' ORDER BY id) FROM t")
                == s.old.value("SELECT string_agg(id || v || coalesce(w, 0), ' ' ORDER BY id) FROM t"))
        #expect(try s.new.value("SELECT sum(found) FROM tandem.difference") == nil)
    }

    /// Two sessions lock every row of a catalog, each a little, which PostgreSQL writes down as one lock of many; then
    /// such rows are changed.
    @Test func catalogsWhoseRowsAreLockedByMany() throws {
        let s = try Scenario.shaped(
            "multixact", old: "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE x (id int PRIMARY KEY)",
            new: "CREATE TABLE t (id int PRIMARY KEY, v text, w int); CREATE TABLE x (id int PRIMARY KEY)")
        defer { s.end() }
        let (one, two) = (try s.old.session(), try s.old.session())
        let locks = ["pg_class", "pg_attribute", "pg_type"].map {
            "SELECT count(*) FROM (SELECT FROM \($0) FOR SHARE) x"
        }
        for session in [one, two] { try session.send("BEGIN; " + locks.joined(separator: "; ")) }
        #expect(try s.old.value("SELECT count(*) > 100 FROM pg_class WHERE xmax::text::int8 > 0") == "t")
        try two.send("INSERT INTO t SELECT i, 'two' FROM generate_series(1, 1000) i")
        try s.old.sql("INSERT INTO t VALUES (-1, 'other'); CHECKPOINT; INSERT INTO x VALUES (1)")
        try s.catchUp()
        s.lastStarted?.kill()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (-2, 'other')")
        try s.catchUp()
        try two.send("COMMIT")
        try one.send("ALTER TABLE t ADD w int DEFAULT 7; INSERT INTO t VALUES (2000, 'one', 8); SAVEPOINT a")
        try one.send(
            "SELECT count(*) FROM (SELECT FROM pg_class FOR UPDATE) x; UPDATE t SET w = 9 WHERE id < 0; COMMIT")
        try s.old.sql(
            "UPDATE t SET v = 'w', w = 1 WHERE id <= 500; DELETE FROM t WHERE id > 900 AND id <= 1000; CHECKPOINT")
        try s.catchUp()
        #expect(try s.new.sql("SELECT * FROM t WHERE id < 0 OR id > 1500 ORDER BY id") == "-2|w|1\n-1|w|1\n2000|one|8")
        #expect(try s.new.sql("SELECT count(*), count(w) FROM t") == "903|503")
        try s.expectQuietEnd()
    }
}
