// Roles that may do nothing, and the two databases as a whole being different.

import Foundation
import TestSupport
import Testing

extension PreflightTests {
    enum Roles {
        static func expected(_ owner: String) -> [Found] {
            [
                Found("replication-connection", "old"), Found("slot-creation", "old"), Found("create-privilege", "old"),
                Found("create-privilege", "new"), Found("table-ownership", "role \"\(owner)\""),
                Found("select-privilege", "public.t"), Found("select-privilege", "public.hidden"),
                Found("row-security", "public.hidden"), Found("replica-role", "new"), Found("origin-privilege", "new"),
                Found("write-privilege", "public.t"), Found("write-privilege", "public.hidden"),
                Found("stats-privilege", "old"), Found("connection-limit", "old"), Found("connection-limit", "new"),
                Found("schema-tandem", "new"), Found("starting-timeouts", "old"), Found("starting-timeouts", "new"),
            ]
        }
    }

    @Test func rolesThatMayDoNothing() throws {
        let s = try scenario("roles")
        let (role, owner) = ("\(s.name)_r", "\(s.name)_o")
        defer {
            s.end()
            for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(role); DROP ROLE \(owner)") }
        }
        for side in [s.old, s.new] {
            try side.sql(
                """
                CREATE ROLE \(role) LOGIN CONNECTION LIMIT 5; ALTER ROLE \(role) SET lock_timeout = '900ms';
                CREATE ROLE \(owner);
                CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO \(owner);
                CREATE TABLE hidden (id int PRIMARY KEY); ALTER TABLE hidden OWNER TO \(owner);
                ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
                """)
        }
        try s.new.sql("CREATE SCHEMA tandem AUTHORIZATION \(owner)")
        let connections = [s.old, s.new].map { $0.cluster.connection(database: s.name, user: role) }
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, old: connections[0], new: connections[1], extra: Self.roomy)
        let seen = try s.preflight(exits: 3)
        expect(seen, Roles.expected(owner))
        for line in seen.findings where line.severity == "blocker" { #expect(line.remedy != nil, "\(line)") }

        // With rights enough to be refused for what only trying tells.
        for side in [s.old, s.new] {
            try side.sql(
                """
                GRANT CREATE ON DATABASE \(s.name) TO \(role);
                GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO \(role)
                """)
        }
        defer { for side in [s.old, s.new] { _ = try? side.sql("DROP OWNED BY \(role)") } }
        let granted = ["create-privilege", "select-privilege", "write-privilege"]
        expect(
            try s.preflight(exits: 3),
            Roles.expected(owner).filter { !granted.contains($0.check) }
                + [Found("not-carried", "rights on the database itself")])
        // All but one right, also while somebody holds the table; and nothing was emptied.
        try s.new.sql("INSERT INTO t VALUES (1); REVOKE TRUNCATE ON t FROM \(role)")
        #expect(try s.preflight().lines("write-privilege").map(\.object) == ["public.t"])
        let reader = try s.new.session()
        try reader.send("BEGIN; LOCK TABLE t, hidden IN ACCESS SHARE MODE")
        #expect(try s.preflight().lines("write-privilege").map(\.object) == ["public.t"])
        try reader.send("COMMIT")
        try s.new.sql("GRANT TRUNCATE ON t TO \(role)")
        #expect(try s.preflight().lines("write-privilege").isEmpty)
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
        try s.new.sql("DELETE FROM t")
        // Row security that nobody asked the catalogs about: the owner's own, forced.
        try s.old.sql("ALTER TABLE t OWNER TO \(role); ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        #expect(try !s.preflight().pairs.contains(Found("row-security", "public.t")))
        try s.old.sql("ALTER TABLE t FORCE ROW LEVEL SECURITY")
        #expect(try s.preflight().pairs.contains(Found("row-security", "public.t")))
    }

    enum Whole {
        static let expected = [
            Found("encoding", "new"), Found("collation", "new"), Found("time-zone", "new"), Found("locale", "new"),
            Found("extension-version", "extension \"pg_trgm\""), Found("not-carried", "database settings TimeZone"),
        ]
    }

    @Test func databasesThatAreOtherwise() throws {
        let s = try Scenario(
            "whole", on: Self.pair.get(), dataA: ["public.*"], marker: false,
            databaseOptions: ("", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"), extra: Self.roomy
        )
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.old.sql("ALTER DATABASE \(s.name) SET timezone = 'Europe/Berlin'; CREATE EXTENSION pg_trgm VERSION '1.3'")
        try s.new.sql("ALTER DATABASE \(s.name) SET lc_monetary = 'de_DE.UTF-8'")
        expect(try s.preflight(exits: 0), Whole.expected)
    }
}
