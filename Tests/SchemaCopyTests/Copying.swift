// A pair of databases, and the copy of one's schema into the other.

import Foundation
import Postgres
import SchemaCopy
import Telemetry
import TestSupport
import Threading

struct Copying {
    let scenario: Scenario
    let stop = StopSignal()
    var jobs = 2

    init(_ title: String) throws { scenario = try Scenario(title, marker: false) }

    var old: Database { scenario.old }
    var new: Database { scenario.new }

    var source: ConnectionTarget { ConnectionTarget(conninfo: old.connection, label: "old") }
    var target: ConnectionTarget { ConnectionTarget(conninfo: new.connection, label: "new") }

    func copy(tools: String? = nil, password: String? = nil) -> SchemaCopy {
        var environment = ProcessInfo.processInfo.environment
        if let tools { environment["TANDEM_PG_TOOLS"] = tools }
        let secret = password.map { " password=\($0)" } ?? ""
        return SchemaCopy(
            source: ConnectionTarget(conninfo: old.connection + secret, label: "old"), target: target, jobs: jobs,
            stop: stop, log: Log(threshold: .error), environment: environment)
    }

    private static let ownerOfPublic = "ALTER SCHEMA public OWNER"

    /// What pg_dump says of a side, without what is the server's or the dump's own.
    func schema(of database: Database) throws -> [String] {
        let majors = [old, new].map(\.cluster.installation.major)
        let program = try ClientTools.find(atLeast: majors.max() ?? 0, stop: stop).dump
        let arguments = ["--schema-only", "--no-publications", "--exclude-schema=tandem", "-d", database.connection]
        return try Command(program, arguments).succeed().split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("-- Dumped") && !$0.hasPrefix("\\restrict") && !$0.hasPrefix("\\unrestrict") }
    }

    /// The lines that only one side has; between versions, which print columns and queries differently, the first lines
    /// of statements.
    func difference() throws -> [String] {
        var (left, right) = try (schema(of: old), schema(of: new))
        precondition(left.count > 10, "nothing to compare")
        if old.cluster.installation.major != new.cluster.installation.major {
            let words = ["CREATE ", "ALTER ", "GRANT ", "REVOKE ", "COMMENT "]
            left = left.filter { line in words.contains { line.hasPrefix($0) } && !line.hasPrefix(Self.ownerOfPublic) }
            right = right.filter { line in words.contains { line.hasPrefix($0) } && !line.hasPrefix(Self.ownerOfPublic)
            }
        }
        return right.difference(from: left).map { change in
            switch change {
            case .insert(_, let line, _): "new: \(line)"
            case .remove(_, let line, _): "old: \(line)"
            }
        }
    }
}
