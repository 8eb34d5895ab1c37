// Copies of one template would all carry the same system identifier, and to a replicator two such clusters are one and
// the same. The identifier is the first eight bytes of pg_control; pg_resetwal keeps what it finds there, mends the
// checksum and starts a WAL that carries it.

internal import Foundation

enum SystemIdentifier {
    static func renew(_ dataDirectory: String, of installation: PostgresInstallation) throws {
        let path = "\(dataDirectory)/global/pg_control"
        guard let file = FileHandle(forUpdatingAtPath: path) else {
            throw HarnessFailure(.setUp, "cannot open \(path)")
        }
        var identifier = UInt64.random(in: 1...UInt64(Int64.max))
        try file.write(contentsOf: Data(bytes: &identifier, count: 8))
        try file.close()
        try installation.server("pg_resetwal", ["-f", "-D", dataDirectory]).succeed()
    }
}
