// Deferrable keys: rows may share a value inside a transaction, and the replica role switches their check off
// altogether, so that nobody but tandem keeps rows on new from doubling.

import TestSupport
import Testing

@Suite struct DeferrableTests {
    static let tables = """
        CREATE TABLE d (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text); ALTER TABLE d REPLICA IDENTITY FULL;
        CREATE TABLE same (id int PRIMARY KEY DEFERRABLE); ALTER TABLE same REPLICA IDENTITY FULL;
        CREATE TABLE place (id int PRIMARY KEY, pos int UNIQUE DEFERRABLE INITIALLY DEFERRED, v text);
        CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
        ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a DEFERRABLE INITIALLY DEFERRED;
        """

    static let changes = [
        "INSERT INTO d SELECT g, 'v' || g FROM generate_series(1, 6) g",
        "UPDATE d SET id = id + 1",
        "UPDATE d SET id = 5 - id WHERE id IN (2, 3)",
        "UPDATE d SET v = v || '!' WHERE id = 2; DELETE FROM d WHERE id = 4",
        "INSERT INTO d VALUES (5, 'twice for a moment'); UPDATE d SET id = 50 WHERE id = 5 AND v LIKE 'v%'",
        "INSERT INTO d VALUES (2, 'successor'); DELETE FROM d WHERE id = 2 AND v LIKE 'v%'",
        "INSERT INTO same SELECT generate_series(1, 5)",
        "UPDATE same SET id = id + 1",
        "UPDATE same SET id = 5 - id WHERE id IN (2, 3); DELETE FROM same WHERE id = 6",
        "INSERT INTO place SELECT g, g, 'v' FROM generate_series(1, 6) g",
        "UPDATE place SET pos = 7 - pos",
        "UPDATE place SET pos = 3 - pos WHERE pos IN (1, 2)",
        "UPDATE place SET pos = 1 WHERE id = 3; UPDATE place SET pos = NULL WHERE pos = 1 AND id <> 3",
        "INSERT INTO a VALUES (1, 1), (2, 2); INSERT INTO b VALUES (1, 2), (2, 1)",
        "DELETE FROM b WHERE id = 1; UPDATE a SET b = 2; DELETE FROM a WHERE id = 2; UPDATE b SET a = 1",
    ]

    @Test(arguments: Travel.allCases)
    func sharedForAMoment(_ travel: Travel) throws {
        try follow("deferrable", travel, tables: Self.tables, Self.changes)
    }

    /// A row that only new has holds the key that comes: it must not end up there twice.
    @Test(arguments: Travel.allCases)
    func noRowTwice(_ travel: Travel) throws {
        let following = try Following("doubling", travel)
        let s = following.scenario
        defer { s.end() }
        try s.old.sql("CREATE TABLE k (id int PRIMARY KEY, v text)")
        try s.new.sql("CREATE TABLE k (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text)")
        try s.prepare()
        try s.new.sql("INSERT INTO k VALUES (1, 'local'), (2, 'local')")
        try s.old.sql("INSERT INTO k VALUES (1, 'x'), (3, 'y')")
        _ = try s.start("run")
        try s.catchUp()
        try s.old.sql("INSERT INTO k VALUES (2, 'z'); UPDATE k SET v = v || '!'")
        try expectHealthy(s, differences: 2)
    }

    /// The same where the whole row is the identity, so that nothing but the check that is off would notice.
    @Test(arguments: Travel.allCases)
    func noRowTwiceWithoutKey(_ travel: Travel) throws {
        let following = try Following("doubling full", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(Self.tables)
        try s.prepare()
        try s.new.sql("INSERT INTO d VALUES (1, 'local'); INSERT INTO place VALUES (9, 1, 'local')")
        _ = try s.start("run")
        try s.old.sql("INSERT INTO d VALUES (1, 'x')")
        let problem = try s.waitUntilBlocked()
        #expect(problem.table == "public.d" && problem.message.contains("d_pkey"), "\(problem)")
        #expect(try s.new.sql("SELECT * FROM d") == "1|local")
        try s.new.sql("DELETE FROM d")
        try s.catchUp()
        try s.old.sql("INSERT INTO place VALUES (1, 1, 'x')")
        let other = try s.waitUntilBlocked(on: "public.place")
        #expect(other.table == "public.place" && other.message.contains("place_pos_key"), "\(other)")
        try s.new.sql("DELETE FROM place WHERE id = 9")
        try expectHealthy(s)
    }

    /// An exclusion constraint that is deferrable is unchecked, too, and unlike a key tandem does not look after it: rows
    /// come through each other as they do on old, and one that only new has is left beside them until both are compared.
    @Test func excludedForAMoment() throws {
        let s = try Scenario("excluded")
        defer { s.end() }
        try s.both(
            "CREATE TABLE e (id int PRIMARY KEY, r int4range, CONSTRAINT apart EXCLUDE USING gist (r WITH &&) DEFERRABLE INITIALLY DEFERRED)"
        )
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO e VALUES (1, '[1,5)'), (2, '[5,9)'), (3, 'empty')")
        try s.old.sql("BEGIN; UPDATE e SET r = '[5,9)' WHERE id = 1; UPDATE e SET r = '[1,5)' WHERE id = 2; COMMIT")
        try s.old.sql(
            "UPDATE e SET r = int4range(6 - lower(r), 10 - lower(r)) WHERE id < 3; DELETE FROM e WHERE id = 3")
        try expectHealthy(s)
        try s.new.sql("INSERT INTO e VALUES (9, '[100,200)')")
        try s.old.sql("INSERT INTO e VALUES (4, '[150,160)')")
        try expectHealthy(s, tables: ["public._marker"])
        let compared = try s.tandem("verify", "--table", "public.e")
        #expect(compared.exitCode == 4 && compared.stdout.contains("id=9: only on new"), "\(compared.stdout)")
    }

    /// New's key is checked at once, and old moves rows through each other: that cannot be followed, and blocks whole,
    /// by the name of the key. Made deferrable on new as well, it goes through.
    @Test(arguments: Travel.allCases)
    func newChecksAtOnce(_ travel: Travel) throws {
        let following = try Following("strict", travel)
        let s = following.scenario
        defer { s.end() }
        try s.old.sql(
            "CREATE TABLE d (id int CONSTRAINT d_key PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text); ALTER TABLE d REPLICA IDENTITY FULL; CREATE TABLE u (id int PRIMARY KEY)"
        )
        try s.new.sql(
            "CREATE TABLE d (id int CONSTRAINT d_key PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql("INSERT INTO d VALUES (1, 'a'), (2, 'b'); UPDATE d SET v = v || '!'; UPDATE d SET id = id + 10")
        try s.catchUp()
        try s.old.sql("BEGIN; INSERT INTO u VALUES (1); UPDATE d SET id = 23 - id; COMMIT")
        let problem = try s.waitUntilBlocked()
        #expect(problem.sqlstate == "23505" && problem.table == "public.d", "\(problem)")
        #expect(problem.message.contains("d_key"), "\(problem)")
        #expect(try s.new.sql("SELECT * FROM d ORDER BY id; SELECT count(*) FROM u") == "11|a!\n12|b!\n0")
        try s.new.sql("ALTER TABLE d DROP CONSTRAINT d_key, ADD CONSTRAINT d_key PRIMARY KEY (id) DEFERRABLE")
        try expectHealthy(s)
    }
}
