// Servers that ask for a password and know TLS, made once for all tests of a process.

import TestSupport

enum PasswordPair {
    static let password = "S3CRET 'p\\w@%=:/?#ж \"x"

    static let certificates = Result<Certificates, any Error> {
        try Certificates(in: try RunDirectory.current.makeDirectory("tls"), named: "good.test")
    }

    private static let made = Result<ClusterPair, any Error> {
        let options = ClusterOptions(authentication: .scram(password: password))
        let pair = try ClusterPair(old: options, new: options)
        for cluster in [pair.old, pair.new] { try certificates.get().install(on: cluster) }
        return pair
    }

    static func shared() throws -> ClusterPair { try made.get() }
}
