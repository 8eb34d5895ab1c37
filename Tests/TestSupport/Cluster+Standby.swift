// A standby of another cluster, for tests in which it is promoted.

internal import Foundation

extension Cluster {
    /// Copied from the running primary by pg_basebackup, which leaves replication slots out. It does not run yet.
    package convenience init(_ name: String, standbyOf primary: Cluster) throws {
        try self.init(name, options: primary.options, installation: primary.installation, started: false)
        try installation.asServer("rm", ["-rf", dataDirectory]).succeed()
        let from = primary.connection()
        try installation.server("pg_basebackup", ["-D", dataDirectory, "-d", from, "-c", "fast", "-X", "stream"])
            .succeed()
        try settle(primaryConnection: from)
        try Data().write(to: URL(fileURLWithPath: "\(dataDirectory)/standby.signal"))
    }
}
