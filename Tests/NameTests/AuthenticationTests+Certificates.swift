// Certificates in the place of passwords, and those that were revoked, on either end of the connection.

import Foundation
import Glibc
import TestSupport
import Testing

extension AuthenticationTests {
    @Test func certificatesOfClientsAndRevokedOnes() throws {
        let s = try Self.world("clientcert")
        defer { Self.end(s) }
        let certificates = try PasswordPair.certificates.get()
        let role = "\(s.name)_cert"
        let good = try certificates.client(role, file: "\(s.name)-good")
        let revoked = try certificates.client(role, file: "\(s.name)-revoked")
        let other = try certificates.client("somebody else", file: "\(s.name)-other")
        let servers = try certificates.revocations("\(s.name)-servers", of: ["server.crt"])
        let none = try certificates.revocations("\(s.name)-none", of: [])
        for side in [s.old, s.new] {
            try certificates.demandFromClients(
                on: side.cluster, revoked: try certificates.revocations("\(s.name)-clients", of: [revoked + ".crt"]))
        }
        let loose = "\(s.directory)/loose.key"
        try FileManager.default.copyItem(atPath: "\(certificates.path(good)).key", toPath: loose)
        chmod(loose, 0o644)
        func conninfo(_ side: Database, _ client: String?, key: String? = nil) -> String {
            let own = client.map {
                "sslcert='\(certificates.path($0)).crt' sslkey='\(key ?? certificates.path($0) + ".key")'"
            }
            return "hostaddr=127.0.0.1 host=good.test port=\(side.cluster.port) dbname=\(s.name) user=\(role)"
                + " sslmode=verify-full sslrootcert='\(certificates.authority)' " + (own ?? "sslcert='/nowhere'")
        }
        try Self.expect(
            [
                Entrance(what: "certificate", conninfo: conninfo(s.old, good)),
                Entrance(what: "none revoked", conninfo: "\(conninfo(s.old, good)) sslcrl='\(none)'"),
                Entrance(what: "none", conninfo: conninfo(s.old, nil), refusal: "certificate"),
                Entrance(what: "revoked", conninfo: conninfo(s.old, revoked), refusal: "revoked"),
                Entrance(
                    what: "another name", conninfo: conninfo(s.old, other),
                    refusal: "certificate authentication failed"),
                Entrance(
                    what: "open key", conninfo: conninfo(s.old, good, key: loose),
                    refusal: "group or world access"),
                Entrance(
                    what: "revoked server", conninfo: "\(conninfo(s.old, good)) sslcrl='\(servers)'",
                    refusal: "certificate verify failed"),
            ], s)
        // The whole of it, replication included.
        try s.writeConfiguration(
            old: conninfo(s.old, good) + " sslcrl='\(none)'", new: conninfo(s.new, good) + " sslcrl='\(none)'")
        let nothing = ["PGPASSWORD": "", "PGPASSFILE": "/nowhere"]
        try s.prepare(environment: nothing)
        try s.old.sql("INSERT INTO t SELECT i, 'a' FROM generate_series(1, 100) i")
        let outcome = try s.tandem("run", "--until", "caught-up", environment: nothing)
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
    }
}
