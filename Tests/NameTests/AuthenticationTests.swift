// Every way in that libpq knows works as its users know it, and every way that does not says why.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized, .blocking) struct AuthenticationTests {
    static let password = PasswordPair.password

    struct Entrance {
        let what: String
        var conninfo: String
        var environment: [String: String] = [:]
        /// What is said when it does not work.
        var refusal: String?
    }

    /// Both servers demand passwords and know TLS; one role each for scram, for md5, and without any line.
    static func world(_ title: String) throws -> Scenario {
        let pair = try PasswordPair.shared()
        let s = try Scenario(title, on: pair)
        try s.both("CREATE TABLE t (a int PRIMARY KEY, b text)")
        let secret = sqlLiteral(password)
        for side in [s.old, s.new] {
            try side.sql(
                """
                CREATE ROLE \(s.name)_scram SUPERUSER LOGIN PASSWORD \(secret); CREATE ROLE \(s.name)_none SUPERUSER LOGIN;
                CREATE ROLE \(s.name)_cert SUPERUSER LOGIN;
                SET password_encryption = md5; CREATE ROLE \(s.name)_md5 SUPERUSER LOGIN PASSWORD \(secret);
                """)
            try side.cluster.replaceHostBasedAuthentication([
                "local all \(account) peer", "local all \(s.name)_none reject", "local all all scram-sha-256",
                "hostssl all \(s.name)_cert 127.0.0.1/32 cert", "host all \(s.name)_md5 127.0.0.1/32 md5",
                "host all postgres,\(s.name)_scram 127.0.0.1/32 scram-sha-256",
                "host replication all 127.0.0.1/32 trust",
            ])
            try side.cluster.reload()
        }
        return s
    }

    /// Whom the system says we are.
    static let account = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "nobody"

    static func end(_ s: Scenario) {
        s.end()
        for side in [s.old, s.new] {
            let roles = ["scram", "none", "md5", "cert"].map { "DROP ROLE \(s.name)_\($0);" }
            _ = try? side.cluster.sql(roles.joined())
        }
    }

    @Test func everyWayInWorksOrSaysWhyNot() throws {
        let s = try Self.world("entrances")
        defer { Self.end(s) }
        let port = s.old.cluster.port
        if Self.account != "postgres" {
            try s.old.cluster.sql("CREATE ROLE \(sqlIdentifier(Self.account)) SUPERUSER LOGIN")
        }
        defer {
            if Self.account != "postgres" {
                _ = try? s.old.cluster.sql("DROP ROLE \(sqlIdentifier(Self.account))")
            }
        }
        let certificates = try PasswordPair.certificates.get()
        let stranger = try Certificates(in: "\(s.directory)/stranger", named: "stranger")
        let (good, loose, service) = try files(s)
        let tcp = "hostaddr=127.0.0.1 host=good.test port=\(port) dbname=\(s.name) user=\(s.name)_scram"
        let withFile = ["PGPASSFILE": good]
        let uriPassword = Self.password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let quoted = Self.password.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
        let verified = "\(tcp) sslmode=verify-full"
        let entrances = [
            Entrance(what: "scram", conninfo: "\(tcp) password='\(quoted)'"),
            Entrance(what: "uri", conninfo: "postgresql://\(s.name)_scram:\(uriPassword)@127.0.0.1:\(port)/\(s.name)"),
            Entrance(what: "md5", conninfo: "\(tcp) user=\(s.name)_md5", environment: ["PGPASSWORD": Self.password]),
            Entrance(what: "file", conninfo: tcp, environment: withFile),
            Entrance(
                what: "open file", conninfo: tcp, environment: ["PGPASSFILE": loose], refusal: "no password supplied"),
            Entrance(what: "file in string", conninfo: "\(tcp) passfile='\(good)'"),
            Entrance(
                what: "service", conninfo: "service=old", environment: ["PGSERVICEFILE": service, "PGPASSFILE": good]),
            Entrance(
                what: "no service", conninfo: "service=none", environment: ["PGSERVICEFILE": service],
                refusal: "service"),
            Entrance(what: "wrong", conninfo: "\(tcp) password=wrong", refusal: "password authentication failed"),
            Entrance(what: "require", conninfo: "\(tcp) sslmode=require", environment: withFile),
            Entrance(
                what: "binding", conninfo: "\(tcp) sslmode=require channel_binding=require", environment: withFile),
            Entrance(
                what: "binding without TLS", conninfo: "\(tcp) sslmode=disable channel_binding=require",
                environment: withFile, refusal: "channel binding"),
            Entrance(
                what: "binding with md5", conninfo: "\(tcp) user=\(s.name)_md5 sslmode=require channel_binding=require",
                environment: withFile, refusal: "channel binding"),
            Entrance(
                what: "verified", conninfo: "\(verified) sslrootcert='\(certificates.authority)'", environment: withFile
            ),
            Entrance(
                what: "another name", conninfo: "\(verified) host=bad.test sslrootcert='\(certificates.authority)'",
                environment: withFile, refusal: "does not match host name"),
            Entrance(
                what: "unknown authority", conninfo: "\(verified) sslrootcert='\(stranger.authority)'",
                environment: withFile, refusal: "certificate verify failed"),
            Entrance(
                what: "several hosts",
                conninfo: "host=127.0.0.1,127.0.0.1 port=1,\(port) dbname=\(s.name) user=\(s.name)_scram"
                    + " target_session_attrs=read-write", environment: withFile),
            Entrance(
                what: "no standby", conninfo: "\(tcp) target_session_attrs=standby", environment: withFile,
                refusal: "not in hot standby mode"),
            Entrance(
                what: "socket", conninfo: "\(tcp) hostaddr='' host='\(s.old.cluster.socketDirectory)'",
                environment: withFile),
            Entrance(
                what: "peer",
                conninfo: "host='\(s.old.cluster.socketDirectory)' port=\(port) dbname=\(s.name) user=\(Self.account)"),
            Entrance(
                what: "somebody else's peer",
                conninfo: "host='\(s.old.cluster.socketDirectory)' port=\(port) dbname=\(s.name) user=\(s.name)_scram",
                refusal: "password"),
            Entrance(
                what: "options of its own",
                conninfo: "\(tcp) options='-c datestyle=German -c search_path=nowhere -c row_security=on'"
                    + " client_encoding=LATIN1 application_name='x y' fallback_application_name=z",
                environment: withFile),
            Entrance(
                what: "without GSSAPI", conninfo: "\(tcp) gssencmode=require", environment: withFile, refusal: "GSSAPI"),
            Entrance(
                what: "no line", conninfo: "\(tcp) user=\(s.name)_none",
                refusal: "host \"\(s.name)\" \"\(s.name)_none\" ADDRESS/32 scram-sha-256"),
            Entrance(
                what: "only the line for replication", conninfo: "\(tcp) user=\(s.name)_none sslmode=disable",
                refusal: "`replication` does not help"),
        ]
        try Self.expect(entrances, s)
    }

    /// Of old's servers. New may have no password here: nothing is prepared, and to come that far is what is asked.
    static func expect(_ entrances: [Entrance], _ s: Scenario) throws {
        for entrance in entrances {
            try s.writeConfiguration(old: entrance.conninfo, new: s.new.connection)
            let environment = ["PGPASSWORD": ""].merging(entrance.environment) { $1 }
            let outcome = try s.tandem("set-aside", "public.t", environment: environment)
            let said = outcome.stdout + outcome.stderr
            let isIn = !said.contains("connecting to old")
            guard let refusal = entrance.refusal else {
                #expect(isIn, "\(entrance.what): \(said)")
                continue
            }
            #expect(!isIn && outcome.status == .exited(1), "\(entrance.what): \(said)")
            #expect(said.contains(refusal), "\(entrance.what): \(said)")
            #expect(!said.contains("S3CRET"), "\(entrance.what)")
        }
    }

    /// The whole of it, replication included, with the strictest on one side and several hosts on the other.
    @Test func aStreamThroughVerifiedChannels() throws {
        let s = try Self.world("verified")
        defer { Self.end(s) }
        let certificates = try PasswordPair.certificates.get()
        let (good, _, _) = try files(s)
        try s.writeConfiguration(
            old: "hostaddr=127.0.0.1 host=good.test port=\(s.old.cluster.port) dbname=\(s.name) user=\(s.name)_scram"
                + " sslmode=verify-full sslrootcert='\(certificates.authority)' channel_binding=require",
            new: "host=127.0.0.1,127.0.0.1 port=1,\(s.new.cluster.port) dbname=\(s.name) user=\(s.name)_md5"
                + " target_session_attrs=read-write")
        let environment = ["PGPASSFILE": good]
        try s.prepare(environment: environment)
        let run = try s.start("run", environment: environment)
        try s.old.sql("INSERT INTO t SELECT i, 'a' FROM generate_series(1, 100) i")
        try s.catchUp()
        let plain = """
            SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE usename = '\(s.name)_scram' AND NOT ssl
            """
        #expect(try s.old.value(plain) == "0")
        #expect(
            try s.old.value("SELECT count(*) > 1 FROM pg_stat_activity WHERE usename = '\(s.name)_scram'") == "t",
            "\(run.tail)")
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
    }

    /// A password file as it must be, one that others can read, and a service file.
    private func files(_ s: Scenario) throws -> (good: String, loose: String, service: String) {
        let line = "*:*:*:*:" + Self.password.replacing("\\", with: "\\\\").replacing(":", with: "\\:") + "\n"
        let paths = ["good", "loose", "service"].map { "\(s.directory)/\($0)" }
        for (path, mode) in zip(paths, [mode_t(0o600), 0o644]) {
            try line.write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, mode)
        }
        let service = "[old]\nhost=127.0.0.1\nport=\(s.old.cluster.port)\ndbname=\(s.name)\nuser=\(s.name)_scram\n"
        try service.write(toFile: paths[2], atomically: true, encoding: .utf8)
        return (paths[0], paths[1], paths[2])
    }
}
