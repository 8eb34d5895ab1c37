// Credentials that change under a running tandem: password and service files are read again for each new connection.

import Foundation
import TestSupport
import Testing

extension AuthenticationTests {
    @Test func changedPasswordAndServiceFilesAreReadAgain() throws {
        let s = try Self.world("rotation")
        defer { Self.end(s) }
        let (passwords, services) = ("\(s.directory)/passwords", "\(s.directory)/services")
        func write(_ text: String, to path: String) throws {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
        func servicesFor(_ role: String) throws {
            let parts = [("there_old", s.old), ("there_new", s.new)].map { name, side in
                "[\(name)]\nhost=127.0.0.1\nport=\(side.cluster.port)\ndbname=\(s.name)\nuser=\(role)\n"
            }
            try write(parts.joined(), to: services)
        }
        /// Everybody has to come in again.
        func endSessions(of role: String) throws {
            for side in [s.old, s.new] {
                try side.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(role)'")
            }
        }
        let escaped = Self.password.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
        try write("*:*:*:*:\(escaped)\n", to: passwords)
        try servicesFor("\(s.name)_scram")
        try s.writeConfiguration(old: "service=there_old", new: "service=there_new")
        let environment = ["PGPASSFILE": passwords, "PGSERVICEFILE": services]
        try s.prepare(environment: environment)
        let run = try s.start("run", environment: environment)
        try s.old.sql("INSERT INTO t VALUES (1, 'before')")
        try s.catchUp()

        // The new one into the file, then to the servers.
        try write("*:*:*:\(s.name)_scram:second%secret\n*:*:*:*:\(escaped)\n", to: passwords)
        for side in [s.old, s.new] { try side.sql("ALTER ROLE \(s.name)_scram PASSWORD 'second%secret'") }
        try endSessions(of: "\(s.name)_scram")
        try s.old.sql("INSERT INTO t VALUES (2, 'another password')")
        try s.catchUp()

        try servicesFor("\(s.name)_md5")
        for side in [s.old, s.new] { try side.sql("ALTER ROLE \(s.name)_scram NOLOGIN") }
        try endSessions(of: "\(s.name)_scram")
        try s.old.sql("INSERT INTO t VALUES (3, 'another role')")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
        #expect(!run.log.contains("second%secret") && !run.log.contains(Self.password))
    }

    /// A server's certificate is replaced while the stream runs: connections that are open stay, the next one goes by the new one.
    /// One that has expired is named, and waited out.
    @Test func aCertificateThatExpiresAndIsRenewed() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("expiry", on: pair)
        defer { s.end() }
        try s.both("CREATE TABLE t (a int PRIMARY KEY, b text)")
        let certificates = try Certificates(in: "\(s.directory)/tls", named: "good.test")
        for cluster in [pair.old, pair.new] { try certificates.install(on: cluster) }
        func conninfo(_ side: Database) -> String {
            "hostaddr=127.0.0.1 host=good.test port=\(side.cluster.port) dbname=\(s.name) user=postgres"
                + " sslmode=verify-full sslrootcert='\(certificates.authority)'"
        }
        try s.writeConfiguration(old: conninfo(s.old), new: conninfo(s.new))
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        for (number, cluster) in [pair.old, pair.new].enumerated() {
            try certificates.renew(-1, on: cluster)
            try s.old.sql("INSERT INTO t VALUES (\(number), 'over what is open')")
            try s.catchUp()
            let before = run.log.utf8.count
            try cluster.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '\(s.slotName)%'")
            let said = poll(within: .seconds(60)) { () -> Bool? in
                if run.status != nil { return false }
                let log = String(decoding: run.log.utf8.dropFirst(before), as: UTF8.self)
                return log.contains("certificate has expired") || log.contains("certificate expired")
                    || log.contains("certificate verify failed") ? true : nil
            }
            #expect(said == true, "\(cluster.name): \(run.tail)")
            try s.old.sql("INSERT INTO t VALUES (\(10 + number), 'meanwhile')")
            try certificates.renew(2, on: cluster)
            try s.catchUp()
        }
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
    }
}
