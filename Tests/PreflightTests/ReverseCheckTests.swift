// Whether changes of new could come back, looked at once new follows.

import TestSupport
import Testing

extension PreflightTests {
    enum WayBack {
        static let server = ["reverse-wal-level", "reverse-slots"].map { Found($0, "new") }
        static let tables = [
            Found("reverse-identity", "public.bare"), Found("reverse-tables", "public.further"),
            Found("reverse-tables", "public.digits"),
            Found("reverse-values", "public.fine"), Found("reverse-values", "public.strict"),
        ]
        /// As roles that own nothing of it.
        static func roles(_ old: String, _ new: String) -> [Found] {
            [
                Found("reverse-privileges", "role \"\(new)\" on new"), Found("reverse-writing", "public.further"),
                Found("reverse-writing", "role \"\(old)\" on old"), Found("fence-rights", "role \"\(old)\" on old"),
                Found("fence-rights", "role \"\(new)\" on new"),
            ]
        }
        static let expected = server + tables + roles("", "")
        static let asked = [
            "reverse-wal-level", "reverse-slots", "reverse-privileges", "reverse-identity", "reverse-tables",
            "reverse-values", "reverse-writing", "fence-rights",
        ]
    }

    private func lookBack(_ s: Scenario) throws -> Seen {
        let outcome = try s.tandem(["preflight", "--json"] + WayBack.asked.flatMap { ["--only", $0] })
        #expect(outcome.exitCode == 0, "\(outcome.stdout)\(outcome.stderr)")
        return try Seen.read(outcome.stdout)
    }

    @Test func whatCouldNotComeBack() throws {
        let new = try Cluster(
            "noback", options: ClusterOptions(settings: ["wal_level": "replica", "max_replication_slots": "2"]))
        defer { new.remove() }
        let s = try scenario("wayback")
        defer { s.end() }
        let there = try new.createDatabase(s.name)
        let tables = """
            CREATE TABLE bare (id int, v text); CREATE TABLE further (id int PRIMARY KEY);
            CREATE TABLE digits (id int PRIMARY KEY, n numeric(10,2)); CREATE TABLE fine (id int PRIMARY KEY, n int);
            CREATE TABLE strict (id int PRIMARY KEY, a int NOT NULL, b int UNIQUE, c int CHECK (c > 0));
            CREATE TABLE alike (id int PRIMARY KEY, a int NOT NULL UNIQUE, c int CHECK (c > 0));
            """
        for side in [s.old, there] { try side.sql(tables) }
        try s.old.sql("ALTER TABLE bare REPLICA IDENTITY FULL")
        try there.sql(
            """
            ALTER TABLE further ADD COLUMN more text; ALTER TABLE digits ALTER n TYPE numeric(12,4);
            ALTER TABLE fine ALTER n TYPE bigint; ALTER TABLE strict ALTER a DROP NOT NULL;
            ALTER TABLE strict DROP CONSTRAINT strict_b_key; ALTER TABLE strict DROP CONSTRAINT strict_c_check
            """)
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, new: new.connection(database: s.name), extra: Self.roomy)
        // Nothing is asked of new before it follows.
        #expect(try lookBack(s).findings.isEmpty)
        try s.prepare()
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        try there.sql(
            """
            SELECT pg_create_physical_replication_slot('one', true);
            SELECT pg_create_physical_replication_slot('two', true)
            """)
        let seen = try lookBack(s)
        #expect(seen.pairs == Set(WayBack.server + WayBack.tables), "\(seen.findings)")
        #expect(seen.lines("reverse-tables").contains { $0.finding.contains("on old lacks column \"more\"") })
        #expect(
            seen.lines("reverse-tables").contains {
                $0.finding.contains("is numeric(10,2) on old, but numeric(12,4) on new")
            })
        let strict = seen.lines("reverse-values").filter { $0.object == "public.strict" }.map(\.finding).sorted()
        #expect(
            strict == [
                "column \"a\" is NOT NULL on old, but not on new",
                "has CHECK constraint \"strict_c_check\" on old, which new lacks",
                "has unique constraint \"strict_b_key\" on old, which new lacks",
            ])

        // And by roles that may read old and write new, as following takes.
        let role = "follower_\(s.name)"
        for side in [s.old, there] {
            try side.sql("CREATE ROLE \(role) LOGIN")
            try side.sql(
                "GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role); GRANT USAGE ON SCHEMA tandem TO \(role)")
            try side.sql("GRANT SELECT ON ALL TABLES IN SCHEMA tandem TO \(role)")
        }
        defer { for side in [s.old, there] { _ = try? side.sql("DROP OWNED BY \(role); DROP ROLE \(role)") } }
        for side in [s.old, there] { try side.sql("ALTER SCHEMA tandem OWNER TO \(role)") }
        for side in [s.old, there] {
            try side.sql(
                """
                SELECT format('ALTER TABLE tandem.%I OWNER TO \(role)', relname) FROM pg_class
                 WHERE relnamespace = 'tandem'::regnamespace AND relkind = 'r' \\gexec
                """)
        }
        // Before 15 nobody but a superuser may, and nothing can be granted.
        let isGranted = PostgresInstallation.tested.old >= 15
        if isGranted { try s.old.sql("GRANT SET ON PARAMETER session_replication_role TO \(role)") }
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, old: s.old.cluster.connection(database: s.name, user: role),
            new: new.connection(database: s.name, user: role), extra: Self.roomy)
        let asRole = try lookBack(s)
        var expected = WayBack.roles(role, role)
        if !isGranted {
            expected = expected.filter { $0.check != "reverse-writing" } + [Found("reverse-writing", "old")]
        }
        for one in expected { #expect(asRole.pairs.contains(one), "\(one) in \(asRole.findings)") }
    }
}
