// The table of exit codes in docs/commands.md, made true line by line: each example in it is provoked, once, and nothing else may
// stand there. In the order in which a pair comes to them.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ExitCodeTests {
    /// What takes servers of its own is provoked elsewhere.
    private static let elsewhere: [Int32: [String: String]] = [
        6: ["a timeline that lacks what new has": "Tests/StreamTests/IdentityTests.swift"]
    ]

    private static let tables = """
        CREATE TABLE public.item (id int PRIMARY KEY, n int); CREATE SCHEMA stats;
        CREATE TABLE stats.day (day int PRIMARY KEY, n int, at timestamptz NOT NULL DEFAULT now())
        """

    private final class Provoked {
        let scenario: Scenario
        private(set) var examples: [Int32: Set<String>] = [:]

        init(_ scenario: Scenario) { self.scenario = scenario }

        func note(_ code: Int32, _ example: String) { examples[code, default: []].insert(example) }

        /// A command that ends with this code and says why.
        func by(_ code: Int32, _ example: String, _ arguments: String..., says text: String) throws {
            note(code, example)
            let outcome = try scenario.tandem(arguments)
            let said = outcome.stdout + outcome.stderr
            #expect(
                outcome.exitCode == code && said.contains(text), "\(arguments): \(example): \(outcome.status)\n\(said)")
        }
    }

    @Test(.timeLimit(.minutes(4))) func everyExampleInTheTableIsTrue() throws {
        let s = try Scenario("codes", dataA: ["public.*"])
        defer { s.end() }
        try s.both(Self.tables)
        try s.old.sql("INSERT INTO public.item SELECT g, g FROM generate_series(1, 100) g")
        try s.old.sql("INSERT INTO stats.day VALUES (1, 1)")
        let all = Provoked(s)
        try mistakes(all)
        try refusals(all)
        try running(all)
        try unsafe(all)

        let rows = try Document("docs/commands.md").text.matches(of: /(?m)^\| (\d) \| [^|]+ \| ([^|]*) \|$/)
        // Code 0 needs no example.
        #expect(rows.count == 6)
        for row in rows {
            let code = try #require(Int32(row.1))
            let listed = Set(row.2.split(separator: #/, |; /#).map(String.init))
            let away = Self.elsewhere[code, default: [:]]
            #expect(listed == all.examples[code, default: []].union(away.keys), "exit code \(code)")
            for path in away.values { #expect(FileManager.default.fileExists(atPath: "\(Document.root)/\(path)")) }
        }
    }

    private func mistakes(_ all: Provoked) throws {
        let s = all.scenario
        try all.by(2, "unknown option", "lag", "--speed", says: "--speed")
        try s.writeConfiguration(dataA: ["public.*"], extra: "tables: []")
        try all.by(2, "unknown key", "status", says: "tables")
        try s.writeConfiguration(dataA: ["public.*", "absent.*"])
        try all.by(2, "no table matches a pattern", "config", "show", says: "absent.*")
        let nowhere = s.new.connection.replacing(#/host=\S+/#, with: "host=/nowhere")
        try s.writeConfiguration(dataA: ["public.*"], new: nowhere)
        try all.by(1, "a server cannot be reached", "run", says: "/nowhere")
        try all.by(1, "`status` could not read a side", "status", says: "/nowhere")
    }

    private func refusals(_ all: Provoked) throws {
        let s = all.scenario
        try configure(s, initialCopy: "all")
        try all.by(3, "nothing prepared", "b", "now", says: "prepare")
        try all.by(3, "`lag --max` exceeded or unknown", "lag", "--max", "5s", says: "unknown")
        try s.new.sql("INSERT INTO public.item VALUES (1, 1)")
        try all.by(3, "rows on new in a table to be copied", "run", says: "public.item")
        try s.new.sql("TRUNCATE public.item")
        try s.both("CREATE TABLE public.loose (a int)")
        try all.by(3, "a blocker of `preflight`", "preflight", says: "public.loose")
        try configure(s)
        try all.by(3, "a table without identity", "prepare", says: "public.loose")
        try s.both("DROP TABLE public.loose")
        try s.tandem("preflight").expect(0)
        try s.prepare()
        try all.by(3, "prepared already", "prepare", says: "--again")
    }

    private func running(_ all: Provoked) throws {
        let s = all.scenario
        try s.new.sql("ALTER TABLE public.item ADD CONSTRAINT low CHECK (n < 1000)")
        try s.old.sql("INSERT INTO public.item VALUES (2000, 2000)")
        try all.by(5, "`run --until`", "run", "--until", "caught-up", says: "23514")
        let run = try s.start("run")
        try run.waitForLog("event=blocked")
        #expect(run.status == nil)
        try s.new.sql("ALTER TABLE public.item DROP CONSTRAINT low")
        try run.waitForLog("event=recovered")
        all.note(5, "a plain `run` stays and tries again")
        try s.catchUp()
        // Loaded by nobody.
        try s.new.sql("INSERT INTO public.item SELECT g, g FROM generate_series(1, 99) g")
        try all.by(4, "`verify`", "verify", "--table", "public.item", says: "missing on new")
        let writer = try s.old.session(applicationName: "a job")
        try writer.send("BEGIN; INSERT INTO stats.day VALUES (2, 2)")
        try all.by(3, "writers of Data B that have not stopped", "b", "final", says: "a job")
        try writer.send("ROLLBACK")
        writer.close()
        try s.new.sql(
            """
            CREATE FUNCTION stats.bend() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := 7; RETURN NEW; END';
            CREATE TRIGGER bend BEFORE INSERT ON stats.day FOR EACH ROW EXECUTE FUNCTION stats.bend();
            ALTER TABLE stats.day ENABLE ALWAYS TRIGGER bend
            """)
        try s.old.sql("INSERT INTO stats.day VALUES (3, 3)")
        try all.by(4, "`b final`", "b", "final", says: "differ")
        #expect(try run.stop() == .exited(0))

        try s.tandem("bookstore", "load", "--old", s.old.connection, "--books", "20", "--dir", "shop").expect(0)
        try s.tandem("bookstore", "instance", "web-1", "--old", s.old.connection, "--dir", "shop", "--for", "1s")
            .expect(0)
        try s.old.sql("UPDATE bookstore.books SET version = version + 1 WHERE id = 1")
        try all.by(
            4, "`bookstore check`", "bookstore", "check", "--dir", "shop", "--old", s.old.connection,
            says: "doubled")
        try s.old.sql("DROP SCHEMA bookstore, bookstore_stats CASCADE")

        let poor = "poor_\(s.name)"
        try s.new.sql("CREATE ROLE \(poor) LOGIN")
        defer { _ = try? s.new.sql("DROP ROLE \(poor)") }
        try configure(s, new: s.new.connection.replacing("user=postgres", with: "user=\(poor)"))
        try all.by(1, "a privilege is missing", "pause", says: "permission denied")
        try configure(s)

        all.note(3, "`abort` answered with no")
        let asked = try Command(
            "/usr/bin/script", ["-qefc", "'\(TandemBinary.path)' abort", "/dev/null"], directory: s.directory
        ).run(input: "no\n")
        #expect(asked.exitCode == 3 && asked.stdout.contains("Nothing was changed"), "\(asked)")
    }

    private func unsafe(_ all: Provoked) throws {
        let s = all.scenario
        let stranger = try Scenario("codes_other", dataA: ["public.*"])
        defer { stranger.end() }
        try stranger.new.sql(Self.tables)
        try configure(s, old: stranger.new.connection)
        try all.by(6, "another server", "run", says: "system identifier")
        try configure(s)
        try s.old.sql("SELECT pg_drop_replication_slot('\(s.slotName)')")
        try all.by(6, "slot lost or gone", "run", says: "slot")
        try s.tandem("abort", "--yes").expect(0)
    }

    private func configure(_ s: Scenario, old: String? = nil, new: String? = nil, initialCopy: String = "none") throws {
        try s.writeConfiguration(
            dataA: ["public.*"], old: old, new: new, initialCopy: initialCopy,
            extra: "data_b: [{ table: stats.day, modified: at, every: 60s }]\ngates: { quiet: 1s }")
    }
}

extension Outcome {
    fileprivate func expect(_ code: Int32) { #expect(exitCode == code, "\(status)\n\(stdout)\n\(stderr)") }
}
