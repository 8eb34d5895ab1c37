// The grants script alone is enough: a role with LOGIN copies an empty new database full and follows. And the two checks
// that need a role of that kind, and a pooler.

import Foundation
import TestSupport
import Testing

extension PreflightTests {
    enum Giving {
        /// Before the script is run.
        static let expected = [Found("role-membership", "role")]
    }

    @Test func theGrantsAloneLetARoleCopyAndFollow() throws {
        guard PostgresInstallation.tested.new >= 15 else { return }
        let s = try scenario("grants", dataA: ["app.*", "public.*"])
        let (role, owner) = ("\(s.name) r\"ole", "\(s.name)_o")
        let quoted = sqlIdentifier(role)
        defer {
            s.end()
            _ = try? s.new.cluster.sql("REVOKE ALL ON PARAMETER session_replication_role FROM \(quoted)")
            for side in [s.old, s.new] {
                _ = try? side.cluster.sql("DROP OWNED BY \(quoted); DROP ROLE \(quoted)")
                _ = try? side.cluster.sql("DROP ROLE \(owner)")
            }
        }
        for side in [s.old, s.new] { try side.sql("CREATE ROLE \(quoted) LOGIN; CREATE ROLE \(owner)") }
        try s.old.sql(
            """
            CREATE SCHEMA app AUTHORIZATION \(owner); GRANT USAGE, CREATE ON SCHEMA public TO \(owner); SET ROLE \(owner);
            CREATE TABLE app.t (id serial PRIMARY KEY, v text); CREATE TABLE public.u (a int, v text);
            ALTER TABLE public.u REPLICA IDENTITY FULL; CREATE VIEW app.w AS SELECT count(*) FROM app.t;
            INSERT INTO app.t (v) SELECT 'a' FROM generate_series(1, 100); INSERT INTO public.u VALUES (1, 'a'), (1, 'a');
            CREATE TABLE app.child (id int PRIMARY KEY, t int REFERENCES app.t); INSERT INTO app.child VALUES (1, 1);
            """)
        let connections = [s.old, s.new].map { $0.cluster.connection(database: s.name, user: role) }
        try s.writeConfiguration(
            dataA: ["app.*", "public.*"], marker: false, old: connections[0], new: connections[1], initialCopy: "all",
            extra: Self.roomy)
        let before = try s.preflight(exits: 3)
        #expect(before.lines("role-membership").first?.object == "role \"\(owner)\"", "\(before.findings)")

        for (side, database) in [("old", s.old), ("new", s.new)] {
            let script = try s.tandem("preflight", "--grants", side)
            #expect(script.exitCode == 0, "\(script.stderr)")
            try database.sql(script.stdout)
        }
        let after = try s.preflight(exits: 0)
        #expect(after.findings.allSatisfy { $0.severity == "note" }, "\(after.findings)")
        let copied = try s.tandem("run", "--until", "caught-up")
        #expect(copied.exitCode == 0, "\(copied.stderr)")
        let run = try s.start("run")
        try s.old.sql(
            """
            INSERT INTO app.t (v) VALUES ('after'); UPDATE app.t SET v = 'b' WHERE id < 5; DELETE FROM app.t WHERE id = 9;
            DELETE FROM public.u WHERE ctid = '(0,1)'; TRUNCATE app.child;
            """)
        try s.new.wait(for: "SELECT count(*) FROM app.child", toBe: "0")
        #expect(try run.stop() == .exited(0))
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try s.new.value("SELECT relowner::regrole::text FROM pg_class WHERE oid = 'app.t'::regclass") == owner)
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
    }

    /// What such a server has no grant for is said, and found.
    @Test(.enabled(if: PostgresInstallation.tested.old < 15 || PostgresInstallation.tested.new < 15))
    func whatAnOlderServerCannotGrantIsSaid() throws {
        let s = try scenario("ungranted")
        let cluster = PostgresInstallation.tested.new < 15 ? s.pair.new : s.pair.old
        let (role, other) = ("\(s.name)_r", "\(s.name)_other")
        try cluster.createDatabase(other)
        defer {
            _ = try? cluster.sql("DROP DATABASE \(other) WITH (FORCE)")
            s.end()
            _ = try? cluster.sql("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try cluster.sql("CREATE ROLE \(role) LOGIN")
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, new: cluster.connection(database: other, user: role),
            initialCopy: "all", extra: Self.roomy)
        let script = try s.tandem("preflight", "--grants", "new").stdout
        #expect(script.contains("-- Missing: before PostgreSQL 15 only a superuser may set session_replication_role"))
        #expect(script.contains("-- ALTER ROLE \"\(role)\" SUPERUSER;"), "\(script)")
        try cluster[other].sql(script)
        let seen = try s.preflight(exits: 3).lines("replica-role")
        #expect(seen.count == 1 && seen[0].remedy?.contains("before PostgreSQL 15") == true, "\(seen)")
    }

    enum Pooler {
        static let expected = [Found("pooler", "old")]
    }

    @Test func aPoolerInBetween() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/pgbouncer") else {
            Issue.record("no pgbouncer: run 'make deps'")
            return
        }
        let s = try scenario("pooler")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        let old = s.old.cluster
        let settings = """
            [databases]
            * = host=\(old.socketDirectory) port=\(old.port) user=postgres
            [pgbouncer]
            listen_addr =
            unix_socket_dir = \(old.socketDirectory)
            listen_port = 6432
            auth_type = any
            pool_mode = transaction
            ignore_startup_parameters = extra_float_digits,options
            user = postgres
            """
        try settings.write(toFile: "\(old.socketDirectory)/pgbouncer.ini", atomically: true, encoding: .utf8)
        let pooler = try s.start(program: "/usr/sbin/pgbouncer", ["\(old.socketDirectory)/pgbouncer.ini"])
        defer { pooler.kill() }
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false,
            old: "host=\(old.socketDirectory) port=6432 dbname=\(s.name) user=postgres",
            extra: Self.roomy)
        // Until it listens, nobody is there.
        var seen = try s.preflight(exits: 3)
        _ = poll(within: .seconds(90)) {
            seen = (try? s.preflight(exits: 3)) ?? seen
            return seen.lines("connection").isEmpty ? true : nil
        }
        expect(seen, Pooler.expected, except: ["old"])
    }
}
