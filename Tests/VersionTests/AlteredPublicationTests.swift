// Somebody alters the publication on old: changes leave the stream without a word in it, so the run must end with 6 and say
// what is missing.

import TestSupport
import Testing

@Suite(.blocking) struct AlteredPublicationTests {
    struct Alteration {
        let statement: String
        let undo: String
        let words: [String]
        var since = 0
    }

    /// `%` is the publication.
    private static let alterations = [
        Alteration(
            statement: "ALTER PUBLICATION % DROP TABLE t, p", undo: "ALTER PUBLICATION % ADD TABLE t, p",
            words: ["leaves out changes of ", "public.p, public.t"]),
        Alteration(
            statement: "ALTER PUBLICATION % DROP TABLE tandem.heartbeat",
            undo: "ALTER PUBLICATION % ADD TABLE tandem.heartbeat", words: ["leaves out changes of tandem.heartbeat"]),
        Alteration(
            statement: "ALTER PUBLICATION % SET (publish = 'insert, update')",
            undo: "ALTER PUBLICATION % SET (publish = 'insert, update, delete, truncate')",
            words: ["leaves out deletes, truncates"]),
        Alteration(
            statement: "ALTER PUBLICATION % SET (publish_via_partition_root = true)",
            undo: "ALTER PUBLICATION % SET (publish_via_partition_root = false)", words: ["name of their root"]),
        Alteration(
            statement: "ALTER PUBLICATION % DROP TABLE t; ALTER PUBLICATION % ADD TABLE t WHERE (id > 5)",
            undo: "ALTER PUBLICATION % DROP TABLE t; ALTER PUBLICATION % ADD TABLE t",
            words: ["leaves out rows of public.t"], since: 15),
        Alteration(
            statement: "ALTER PUBLICATION % DROP TABLE t; ALTER PUBLICATION % ADD TABLE t (id)",
            undo: "ALTER PUBLICATION % DROP TABLE t; ALTER PUBLICATION % ADD TABLE t",
            words: ["leaves out columns of public.t"], since: 15),
        // Of a leaf alone, whose root is published without any.
        Alteration(
            statement: "ALTER PUBLICATION % ADD TABLE p_1 WHERE (id > 5)", undo: "ALTER PUBLICATION % DROP TABLE p_1",
            words: ["leaves out rows of public.p_1"], since: 15),
        Alteration(
            statement: "ALTER PUBLICATION % ADD TABLE p_1 (id)", undo: "ALTER PUBLICATION % DROP TABLE p_1",
            words: ["leaves out columns of public.p_1"], since: 15),
        // One that cannot be evaluated.
        Alteration(
            statement: "ALTER PUBLICATION % DROP TABLE t; ALTER PUBLICATION % ADD TABLE t WHERE (1 / (id - 7) > 0)",
            undo: "ALTER PUBLICATION % DROP TABLE t; ALTER PUBLICATION % ADD TABLE t",
            words: ["leaves out rows of public.t"], since: 15),
        Alteration(
            statement: "ALTER PUBLICATION % SET (publish_generated_columns = none)",
            undo: "ALTER PUBLICATION % SET (publish_generated_columns = stored)",
            words: ["publish_generated_columns = none"], since: 18),
    ]

    private func prepared(_ title: String) throws -> Scenario {
        let s = try Scenario(title)
        try s.both(
            """
            CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE gone (id int PRIMARY KEY);
            CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
            CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE later (id int PRIMARY KEY, v text);
            """)
        try s.prepare()
        return s
    }

    @Test func noticedAtTheStart() throws {
        let s = try prepared("altered")
        defer { s.end() }
        func run() throws -> Outcome { try s.tandem("run", "--until", "caught-up") }
        // What is no alteration of it: a table dropped, a table that becomes part of another, one that is added.
        try s.old.sql(
            """
            DROP TABLE gone; ALTER TABLE p ATTACH PARTITION later FOR VALUES FROM (10) TO (20);
            CREATE TABLE more (id int PRIMARY KEY); ALTER PUBLICATION \(s.publicationName) ADD TABLE more;
            """)
        try s.old.sql("ALTER PUBLICATION \(s.publicationName) DROP TABLE later; INSERT INTO p VALUES (1), (11)")
        #expect(try run().exitCode == 0)
        if PostgresInstallation.tested.old >= 15 {
            try s.old.sql(
                """
                CREATE SCHEMA whole; CREATE TABLE whole.t (id int PRIMARY KEY); ALTER PUBLICATION \(s.publicationName) ADD TABLES IN SCHEMA whole;
                INSERT INTO whole.t VALUES (1); ALTER PUBLICATION \(s.publicationName) DROP TABLES IN SCHEMA whole; INSERT INTO whole.t VALUES (2);
                """)
            // What it published while it did must have a place.
            #expect(try run().exitCode == 5)
            try s.new.sql("CREATE SCHEMA whole; CREATE TABLE whole.t (id int PRIMARY KEY)")
            #expect(try run().exitCode == 0)
            #expect(try s.new.sql("SELECT * FROM whole.t") == "1")
        }
        for alteration in Self.alterations where PostgresInstallation.tested.old >= alteration.since {
            try s.old.sql(alteration.statement.replacing("%", with: s.publicationName))
            let outcome = try run()
            #expect(outcome.exitCode == 6, "\(alteration.statement): \(outcome.stderr)")
            for word in alteration.words + [s.publicationName, "tandem abort"] {
                #expect(outcome.stderr.contains(word), "\(alteration.statement): \(outcome.stderr)")
            }
            try s.old.sql(alteration.undo.replacing("%", with: s.publicationName))
            #expect(try run().exitCode == 0)
        }
        try s.old.sql(
            """
            DROP PUBLICATION \(s.publicationName);
            CREATE PUBLICATION \(s.publicationName) FOR TABLE t, p, _marker, tandem.heartbeat;
            """)
        let outcome = try run()
        #expect(outcome.exitCode == 6 && outcome.stderr.contains("dropped and made again"), "\(outcome.stderr)")
    }

    @Test(arguments: [0, 2, 8])
    func noticedWhileRunning(_ number: Int) throws {
        let alteration = Self.alterations[number]
        guard PostgresInstallation.tested.old >= alteration.since else { return }
        let s = try prepared("running")
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.old.sql(alteration.statement.replacing("%", with: s.publicationName))
        // The filter that fails makes old refuse the stream before anybody has looked.
        try s.old.sql("INSERT INTO t VALUES (7, 'seven')")
        #expect(try run.wait() == .exited(6), "\(run.tail)")
        #expect(alteration.words.allSatisfy { run.log.contains($0) }, "\(run.tail)")
        let status = try s.tandem("status").stdout
        #expect(alteration.words.allSatisfy { status.contains($0) }, "\(status)")
    }

    @Test func aSchemaTandemThatIsGoneIsNoticed() throws {
        let s = try prepared("schemagone")
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        try s.old.sql("SET client_min_messages = error; DROP SCHEMA tandem CASCADE")
        #expect(try run.wait() == .exited(6), "\(run.tail)")
    }

    /// From PostgreSQL 18 on old only warns and leaves out what it cannot look up; not one position may be told to it then.
    @Test func notOnePositionPastAMissingPublicationIsConfirmed() throws {
        let s = try prepared("missing")
        defer { s.end() }
        let first = try s.start("run")
        try s.catchUp()
        #expect(try first.stop() == .exited(0))
        let confirmed = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'"
        try s.old.sql("INSERT INTO t VALUES (1, 'before')")
        let before = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        // Gone for one transaction, and back under its name when anybody looks.
        try s.old.sql(
            """
            ALTER PUBLICATION \(s.publicationName) RENAME TO aside; INSERT INTO t VALUES (2, 'lost');
            ALTER PUBLICATION aside RENAME TO \(s.publicationName);
            """)
        let run = try s.tandem("run", "--until", "caught-up")
        #expect(run.exitCode == 6 && run.stderr.contains("did not exist"), "\(run.stderr)")
        #expect(try s.old.value("SELECT (\(confirmed)) <= '\(before)'") == "t")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE id = 2") == "0")
    }
}
