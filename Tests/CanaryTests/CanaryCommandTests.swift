// `tandem canary` on real servers: what passes, what does not and why, what is put on record, and what the gate makes of it.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct CanaryCommandTests {
    private static let tables = """
        CREATE SCHEMA app;
        CREATE TABLE app.orders (id int PRIMARY KEY, customer int, note text);
        CREATE INDEX orders_customer_idx ON app.orders (customer);
        """

    /// Streams, with so many rows on both sides that an index pays.
    private func following(_ title: String, _ canary: String) throws -> (Scenario, Replicator) {
        let s = try Scenario(title)
        try s.both(Self.tables)
        try configure(s, canary)
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.old.sql(
            "INSERT INTO app.orders SELECT i, i % 1000, 'secret' || i FROM generate_series(1, 20000) i; ANALYZE app.orders"
        )
        try s.catchUp()
        try s.new.sql("ANALYZE app.orders")
        return (s, run)
    }

    private func configure(_ s: Scenario, _ canary: String, patience: String = "4s") throws {
        try s.writeConfiguration(
            extra: """
                strategy: pause
                limits: {pause: 20s}
                gates: {lag: 60s}
                verify: {patience: \(patience)}
                evidence: "\(s.directory)/evidence"
                canary:
                \(canary.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
                """)
    }

    private func canary(_ s: Scenario, _ code: Int32, _ more: String..., location: SourceLocation = #_sourceLocation)
        throws -> String
    {
        let outcome = try s.tandem(["canary"] + more)
        let said = outcome.stdout + outcome.stderr
        #expect(outcome.exitCode == code, "\(said)", sourceLocation: location)
        return said
    }

    private func verdict(_ s: Scenario, _ name: String) throws -> String? {
        try s.new.value("SELECT verdict || ' at ' || epoch FROM tandem.canary WHERE name = '\(name)'")
    }

    private static let page =
        "- {name: page, query: SELECT * FROM app.orders WHERE customer = $1, parameters: [7, 8], slower: 1000}"

    @Test func whatIsTheSamePassesAndTheGateHolds() throws {
        let (s, run) = try following(
            "canarypass",
            """
            \(Self.page)
            - name: newest
              query: SELECT id, note FROM orders WHERE id = ANY ($1) ORDER BY id DESC
              parameters: SELECT array_agg(id) FROM orders WHERE id > 19990 GROUP BY id % 3
              search_path: app
              result: ordered
              plan: same
              slower: 1000
            """)
        defer { s.end() }
        try s.new.sql("ANALYZE")
        #expect(try s.tandem("verify").exitCode == 0)
        #expect(try s.tandem("step").stdout.contains("`page` was not tried yet"))
        let said = try canary(s, 0)
        #expect(said.contains("step 1: old is in charge") && said.contains("2 of 2 probes passed"), "\(said)")
        #expect(
            said.contains("passed, 2 sets of parameters") && said.contains("passed, 3 sets of parameters"), "\(said)")
        #expect(!said.contains("secret"), "a value is shown")
        #expect(try verdict(s, "page") == "passed at 1" && verdict(s, "newest") == "passed at 1")
        #expect(try s.tandem("step").stdout.contains("2 probes passed, each tried within the last"))
        let json = try canary(s, 0, "--json", "--only", "newest")
        #expect(
            json.contains(#""verdict":"passed""#) && json.contains("plan_new") && !json.contains("secret"), "\(json)")
        #expect(!json.contains(#""page""#), "\(json)")
        let evidence = try s.tandem("evidence", "show", "--json").stdout
        #expect(evidence.contains(#""canary""#) && evidence.contains("passed"), "\(evidence)")
        // Asked for something else, it is another read, which nobody has tried.
        try configure(s, Self.page.replacing("[7, 8]", with: "[7]"))
        #expect(try s.tandem("step").stdout.contains("`page` is not what it was when it was tried"))
        _ = try canary(s, 0)
        #expect(try s.new.value("SELECT string_agg(name, ' ') FROM tandem.canary") == "page", "nothing is left behind")
        #expect(try s.tandem("step").stdout.contains("1 probe passed"))
        // Nobody waives what holds; `rehearsed` there is no command for.
        #expect(try s.tandem("advance", "--yes").exitCode == 0)
        try s.waitForRoles(forward: "apply", reverse: "watch")
        let switched = try s.tandem("switch", "--yes", "--waive", "rehearsed", "--reason", "a test")
        #expect(switched.exitCode == 0, "\(switched.stdout)\(switched.stderr)")
        try s.waitForRoles(forward: "watch", reverse: "apply")
        try s.new.sql("UPDATE app.orders SET note = 'changed' WHERE customer = 7")
        #expect(try canary(s, 0).contains("step 6: new is in charge"))
        #expect(try run.stop() == .exited(0))
    }

    @Test func answersThatDifferAreFound() throws {
        let (s, _) = try following("canarydiffer", Self.page)
        defer { s.end() }
        _ = try canary(s, 0)
        try s.new.sql("UPDATE app.orders SET note = 'other' WHERE id = 1007")
        let said = try canary(s, 4)
        #expect(
            said.contains("different answers") && said.contains("parameters no. 1: 1 of 20 rows not the same"),
            "\(said)")
        #expect(!said.contains("secret") && !said.contains("other"), "a value is shown: \(said)")
        #expect(try verdict(s, "page") == "differs at 1")
        #expect(try s.tandem("step").stdout.contains("1 of 20 rows not the same"))
        try s.new.sql("DELETE FROM app.orders WHERE id = 1007")
        #expect(try canary(s, 4).contains("20 rows on old, 19 rows on new"))
    }

    /// Rows that are on their way are no difference, and where nobody can say that they are not, it is not said.
    @Test func whatIsOnItsWayIsNoDifference() throws {
        let (s, run) = try following("canarylag", Self.page)
        defer { s.end() }
        let writing = try s.old.session(applicationName: "writing")
        try writing.start(
            """
            DO $$ BEGIN FOR i IN 1..100000 LOOP
                UPDATE app.orders SET note = 'n' || i WHERE id = 7; COMMIT; PERFORM pg_sleep(0.002);
            END LOOP; END $$
            """)
        try configure(s, Self.page, patience: "2m")
        for _ in 0..<3 { _ = try canary(s, 0) }
        try configure(s, Self.page)
        try s.old.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^DO' AND datname = current_database()"
        )
        run.pause()
        try s.old.sql("UPDATE app.orders SET note = 'late' WHERE id = 7")
        let said = try canary(s, 1)
        #expect(said.contains("new does not catch up: whether they are the same is not known"), "\(said)")
        #expect(try verdict(s, "page") == "unknown at 1")
        run.continue()
        try s.catchUp()
        _ = try canary(s, 0)
    }

    @Test func timesAndPlansAreHeldAgainstWhatIsWanted() throws {
        let (s, _) = try following(
            "canarytime",
            """
            - {name: slow, query: SELECT app.answer(), runs: 3}
            - {name: limited, query: SELECT app.answer(), within: 20ms, slower: 1000000, runs: 3}
            - {name: endless, query: SELECT pg_sleep(600), timeout: 200ms}
            """)
        defer { s.end() }
        try s.old.sql("CREATE FUNCTION app.answer() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        try s.new.sql(
            "CREATE FUNCTION app.answer() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN 1; END'")
        let said = try canary(s, 3)
        #expect(said.contains("more than 2 times as long"), "\(said)")
        #expect(
            said.contains("and may take 20 ms") && said.contains("as what takes longer than its `timeout` (200 ms) is"),
            "\(said)")
        #expect(try verdict(s, "slow") == "refused at 1" && verdict(s, "limited") == "refused at 1")
        #expect(try verdict(s, "endless") == "unknown at 1")

        try s.new.sql("DROP INDEX app.orders_customer_idx")
        try configure(s, Self.page)
        let told = try canary(s, 0)
        #expect(told.contains("reads orders from end to end on new, by an index on old"), "\(told)")
        #expect(told.contains("Seq Scan on orders"), "\(told)")
        try configure(s, Self.page.replacing("slower: 1000", with: "slower: 1000, plan: same"))
        _ = try canary(s, 3)
        try configure(s, Self.page.replacing("slower: 1000", with: "slower: 1000, plan: ignored"))
        #expect(try !canary(s, 0).contains("end to end"))
    }

    @Test func whatCannotBeAskedIsSaid() throws {
        let (s, run) = try following(
            "canaryerror",
            """
            - {name: gone, query: SELECT app.only_old()}
            - {name: nowhere, query: SELECT * FROM orders}
            - {name: writes, query: "UPDATE app.orders SET note = '' RETURNING 1"}
            - {name: two, query: "SELECT 1; SELECT 2"}
            - {name: copied, query: COPY app.orders TO STDOUT}
            - {name: ends, query: COMMIT}
            - {name: locks, query: LOCK TABLE app.orders}
            - {name: folded, query: "-- the order page SELECT 1"}
            - {name: nobody, query: SELECT $1::int, parameters: SELECT 1 WHERE false}
            - {name: value, query: SELECT $1::int, parameters: [secret]}
            - {name: class, query: SELECT $1::regclass, parameters: [secret]}
            - {name: raised, query: SELECT app.raise()}
            - {name: fine, query: "SELECT 1 AS one; -- the last"}
            """)
        defer { s.end() }
        try s.old.sql("CREATE FUNCTION app.only_old() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        try s.both(
            """
            CREATE FUNCTION app.raise() RETURNS int LANGUAGE plpgsql
                AS $$ BEGIN RAISE 'bad row %', (SELECT note FROM app.orders WHERE id = 7); END $$
            """)
        let said = try canary(s, 3)
        #expect(said.contains("fails on new only: function app.only_old() does not exist [42883]"), "\(said)")
        #expect(
            said.contains("fails on old: relation \"orders\" does not exist") && said.contains("in its `search_path`"))
        #expect(said.contains("a read may not write") && said.contains("gives no row on old"), "\(said)")
        #expect(said.contains("[P0001], and what the server says may have values in it"), "\(said)")
        #expect(said.contains("1 of 13 probes passed") && !said.contains("secret"), "\(said)")
        #expect(try s.new.value("SELECT string_agg(name, ' ') FROM tandem.canary WHERE verdict = 'passed'") == "fine")
        #expect(try s.new.value("SELECT string_agg(name, ' ') FROM tandem.canary WHERE verdict = 'refused'") == "gone")
        #expect(try s.new.value("SELECT count(*) FROM tandem.canary WHERE detail ~ 'secret'") == "0")
        #expect(try !s.tandem("evidence", "show").stdout.contains("secret"))
        #expect(try s.old.value("SELECT count(*) FROM app.orders WHERE note = ''") == "0")
        #expect(try s.tandem("canary", "--only", "fne").stderr.contains("did you mean `fine`?"))
        #expect(try s.tandem("canary", "--only", "fne").exitCode == 2)
        try s.writeConfiguration()
        let none = try s.tandem("canary")
        #expect(
            none.exitCode == 2 && none.stderr.contains("`canary` in tandem.yaml names nothing to be tried"),
            "\(none.stderr)")
        #expect(try run.stop() == .exited(0))
    }

    /// What came before it ended is on record; a session that waits is not ended; nothing is left on the servers.
    @Test func stoppedInTheMiddle() throws {
        let (s, _) = try following(
            "canarystop",
            """
            - {name: first, query: SELECT count(*) FROM app.orders, slower: 1000}
            - {name: waits, program: [/bin/sleep, "1"]}
            - {name: second, query: SELECT max(id) FROM app.orders, slower: 1000}
            - {name: long, query: SELECT pg_sleep(600), timeout: 10m}
            - {name: never, query: SELECT 1}
            """)
        defer { s.end() }
        for side in [s.old, s.new] {
            try side.sql("ALTER DATABASE \"\(s.name)\" SET idle_session_timeout = '300ms'")
        }
        let asking = try s.start("canary")
        let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'sleep.600'"
        try s.old.wait(for: "\(query) AND state = 'active' AND pid <> pg_backend_pid()", toBe: "1")
        asking.signal(SIGTERM)
        #expect(try asking.wait() == .exited(1), "\(asking.tail)")
        #expect(asking.log.contains("stopped on request"), "\(asking.tail)")
        let kept = try s.new.value("SELECT string_agg(name || ' ' || verdict, ', ' ORDER BY at) FROM tandem.canary")
        #expect(kept == "first passed, waits passed, second passed", "\(asking.tail)")
        try s.old.wait(for: "\(query) AND pid <> pg_backend_pid()", toBe: "0", within: .seconds(30))
        #expect(try s.tandem("evidence", "show").stdout.contains("second: passed"))
    }

    @Test func severalPairs() throws {
        let s = try Scenario("canarypairs")
        defer { s.end() }
        try s.writeConfiguration(
            extra: "canary: [{name: a, query: SELECT 1, pair: absent}, {name: b, query: SELECT 1}]")
        let text = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        let more = "  - {name: absent, old: host=127.0.0.1 port=1, new: host=127.0.0.1 port=2}\ndata_a:"
        try text.replacing("data_a:", with: more).write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        try s.interrupted(s.start("prepare", "--pair", s.name))
        let run = try s.start("run", "--pair", s.name)
        try run.waitForLog("event=streaming")
        let both = try canary(s, 1)
        #expect(
            both.contains("pair absent") && both.contains("not tried") && both.contains("1 of 1 probe passed"),
            "\(both)")
        #expect(try canary(s, 0, "--pair", s.name).contains("1 of 1 probe passed"))
        let nothing = try s.tandem("canary", "--pair", s.name, "--only", "a")
        #expect(nothing.exitCode == 2 && nothing.stderr.contains("names nothing of that for pair"), "\(nothing.stderr)")
        let json = try canary(s, 1, "--json", "--pair", "absent")
        #expect(!json.contains("in_charge"), "\(json)")
    }

    /// It knows what databases do not.
    @Test func aProgramHasItsSay() throws {
        let s = try Scenario("canaryprogram")
        defer { s.end() }
        try s.both(Self.tables)
        let script = "\(s.directory)/errors.sh"
        try configure(
            s,
            """
            - {name: errors, program: ["\(script)", 5m], timeout: 1s}
            - {name: absent, program: ./nowhere}
            """)
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try Program.write("echo \"$1 $TANDEM_CANARY $TANDEM_STEP $TANDEM_IN_CHARGE: 0.1 %\"", to: script)
        let fine = try canary(s, 0, "--only", "errors")
        #expect(fine.contains("5m errors 1 old: 0.1 %") && fine.contains("1 of 1 probe passed"), "\(fine)")
        #expect(try canary(s, 1).contains("./nowhere") || canary(s, 1).contains("nowhere"))
        try Program.write("echo first; echo '7 % of web-1' >&2; exit 1", to: script)
        let bad = try canary(s, 3)
        #expect(bad.contains("it ended with status 1: first; 7 % of web-1"), "\(bad)")
        #expect(try s.tandem("step").stdout.contains("7 % of web-1"))
        try Program.write("sleep 60", to: script)
        #expect(try canary(s, 1).contains("it took longer than its `timeout`, and was ended"))
    }

    /// Nothing is there yet.
    @Test func beforeTheFirstStartThereIsNothingToAsk() throws {
        let s = try Scenario("canaryearly")
        defer { s.end() }
        try s.both(Self.tables)
        try configure(s, Self.page)
        let said = try canary(s, 3)
        #expect(said.contains("does not follow yet"), "\(said)")
        #expect(try s.new.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
    }
}
