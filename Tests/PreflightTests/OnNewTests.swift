// What new has already, and what preflight says when it has nothing, or is followed just now.

import Foundation
import Preflight
import TestSupport
import Testing

extension PreflightTests {
    private func fill(_ s: Scenario, _ cases: [Case]) throws {
        try s.old.sql(cases.map(\.old).joined(separator: ";\n"))
        try s.new.sql(cases.map(\.new).joined(separator: ";\n"))
    }

    @Test func whatNewHasAndOldHasOtherwise() throws {
        let s = try scenario("onnew")
        defer { s.end() }
        try s.writeConfiguration(dataA: ["public.*"], marker: false, initialCopy: "all", extra: Self.roomy)
        try fill(s, Cases.onNew)
        expect(try s.preflight(exits: 3), Cases.onNew.flatMap(\.expected))
    }

    @Test func whatSomebodyElseLoaded() throws {
        let s = try scenario("loaded")
        defer { s.end() }
        try fill(s, Cases.loadedByOthers)
        let seen = try s.preflight(exits: 3)
        expect(seen, Cases.loadedByOthers.flatMap(\.expected))
        #expect(seen.lines("not-null").allSatisfy { $0.severity == "note" })
    }

    enum Others {
        static func expected(_ role: String) -> [Found] {
            [
                Found("trigger-owners", "public.t"), Found("triggers-on-new", "public.t"),
                Found("subscriptions-on-new", "public.t"), Found("subscriptions-on-old", "public.t"),
                Found("not-carried", "subscription \"s\""), Found("replica-writers", "new"),
                Found("other-origins", "new"), Found("missing-roles", "role \"\(role)_gone\""),
                Found("extension-missing", "extension \"nowhere\""), Found("pg-dump", "this machine"),
                Found("identity-generated", "public.g \"v\""),
            ]
        }
    }

    @Test func othersWhoWriteAndWhatIsMissing() throws {
        let s = try scenario("others")
        let role = s.name
        let subscription = """
            CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
            INSERT INTO pg_subscription_rel SELECT oid, 't'::regclass, 'r', NULL FROM pg_subscription
             WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        defer {
            for side in [s.old, s.new] {
                _ = try? side.sql("DROP SUBSCRIPTION s")
                _ = try? side.sql("DROP OWNED BY \(role), \(role)_gone")
            }
            _ = try? s.new.sql("SELECT pg_replication_origin_drop('theirs'); ALTER ROLE \(role) RESET ALL")
            s.end()
            for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(role); DROP ROLE \(role)_gone") }
        }
        try s.writeConfiguration(dataA: ["public.*"], marker: false, initialCopy: "all", extra: Self.roomy)
        let generated =
            PostgresInstallation.tested.old >= 18
            ? "CREATE TABLE g (id int, v int GENERATED ALWAYS AS (1) VIRTUAL); ALTER TABLE g REPLICA IDENTITY FULL"
            : "CREATE TABLE g (v int GENERATED ALWAYS AS (1) STORED PRIMARY KEY)"
        for side in [s.old, s.new] { try side.sql("CREATE ROLE \(role); CREATE TABLE t (id int PRIMARY KEY)") }
        try s.old.sql(
            "\(generated); CREATE ROLE \(role)_gone; CREATE TABLE u (id int PRIMARY KEY); ALTER TABLE u OWNER TO \(role)_gone"
        )
        try s.old.sql(
            """
            INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
            VALUES (99999, 'nowhere', 10, 2200, false, '1')
            """)
        try s.old.sql("SET allow_system_table_mods = on; " + subscription)
        try s.new.sql(
            """
            SET allow_system_table_mods = on; \(subscription);
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION f() OWNER TO \(role);
            CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t ENABLE REPLICA TRIGGER t;
            ALTER ROLE \(role) SET session_replication_role = replica; SELECT pg_replication_origin_create('theirs');
            """)
        let outcome = try s.tandem("preflight", "--json", environment: ["TANDEM_PG_TOOLS": "/nowhere"])
        let seen = try Seen.read(outcome.stdout)
        // On 18 the table that has a virtual column is also one that is found by whole rows.
        let whole = PostgresInstallation.tested.old >= 18 ? [Found("identity-full", "public.g")] : []
        expect(seen, Others.expected(role) + whole)
        let owners = seen.lines("trigger-owners").first?.finding ?? ""
        #expect(owners.contains(role), "\(owners)")
    }

    @Test func nothingIsOnNewYet() throws {
        let s = try scenario("empty")
        defer { s.end() }
        try s.writeConfiguration(dataA: ["public.*"], marker: false, initialCopy: "all", extra: Self.roomy)
        try s.old.sql(Self.sound)
        let before = try Traces(s)
        let seen = try s.preflight(exits: 0)
        #expect(try Traces(s) == before, "it leaves nothing behind")
        expect(seen, [])
        #expect(seen.tables == 3 && seen.tablesOnNew == 0)
        #expect(try s.tandem("preflight").stdout.contains("nothing to compare yet"))
        for side in [s.old, s.new] { #expect(try side.value("SELECT to_regnamespace('tandem') IS NULL") == "t") }
        #expect(try s.old.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == "0")
        #expect(
            try s.new.value("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE 'tandem_preflight%'") == "0")
    }

    @Test func besideARunningStream() throws {
        let s = try scenario("beside")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        let run = try s.start("run")
        try s.old.wait(for: "SELECT active FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'", toBe: "t")
        let seen = try s.preflight(exits: 0)
        expect(seen, [])
        #expect(seen.isFollowing)
        try s.old.sql("INSERT INTO t VALUES (1)")
        try s.new.wait(for: "SELECT count(*) FROM t", toBe: "1")
        #expect(!run.log.contains("retrying") && !run.log.contains("ended"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    @Test func aCheckCanBePassedOverForAReason() throws {
        let s = try scenario("skip")
        defer { s.end() }
        try s.both("CREATE TABLE bare (id int)")
        #expect(try s.preflight("--only", "identity").isBlocked)
        #expect(try !s.preflight("--only", "encoding").isBlocked)
        let seen = try s.preflight("--skip", "identity", "--reason", "only inserted into", exits: 0)
        #expect(seen.lines("identity").first?.skippedBecause == "only inserted into")
        #expect(
            try s.tandem("preflight", "--skip", "identity", "--reason", "only inserted into").stdout.contains(
                "only inserted into"))
        for wrong in [
            ["--skip", "identity"], ["--skip", "identity", "--reason", " "], ["--only", "identiy"],
            ["--skip", "identiy", "--reason", "x"], ["--reason", "x"], ["--skip", "identity=x"],
            ["--skip", "identity", "--reason", "x", "--skip", "encoding"],
            ["--skip", "identity", "--skip", "identity", "--reason", "x", "--reason", "y"],
        ] {
            let outcome = try Command(TandemBinary.path, ["preflight"] + wrong, directory: s.directory).run()
            #expect(outcome.exitCode == 2, "\(wrong)")
            if wrong[1] == "identiy" { #expect(outcome.stderr.contains("did you mean `identity`")) }
        }
    }

    /// What is expected where; a check that nobody expects anywhere has no case.
    static let cases: [(test: String, checks: [Found])] = [
        ("eachThingThatIsWrong", Cases.tables.flatMap(\.expected)), ("whatNewHas", Cases.onNew.flatMap(\.expected)),
        ("whatSomebodyElseLoaded", Cases.loadedByOthers.flatMap(\.expected)),
        ("aServerThatIsNotSetUp", Sick.asOld + Sick.asNew + Sick.asStandby + Sick.readFrom + Sick.unreached),
        ("whatIsGoingOnJustNow", Moment.expected + [Found(Moment.byNumber, "pid")]),
        ("theSameDatabaseTwice", Network.expected + [Found(Network.byPlace, "spill")]),
        ("rolesThatMayDoNothing", Roles.expected("")), ("databasesThatAreOtherwise", Whole.expected),
        ("othersWhoWrite", Others.expected("")), ("serversThatSayOtherwise", Posing.expected),
        ("theGrantsAlone", Giving.expected), ("aPoolerInBetween", Pooler.expected),
        ("whatCouldNotComeBack", WayBack.expected), ("whatStandsInTheWayOfDataB", Derived.expected + Derived.ofRole),
    ]

    @Test func everyCheckHasACase() {
        let covered = Set(Self.cases.flatMap(\.checks).map(\.check))
        #expect(Set(Check.all.map(\.name)).subtracting(covered) == [])
        #expect(covered.subtracting(Check.all.map(\.name)) == [])
        // For `make soak NAME=silent-checks`.
        guard environmentVariable("TANDEM_LIST_CASES") != nil else { return }
        for (test, checks) in Self.cases { for check in Set(checks.map(\.check)) { print("case", check, test) } }
    }
}
