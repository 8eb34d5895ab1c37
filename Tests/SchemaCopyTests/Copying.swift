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

    func copy() -> SchemaCopy {
        SchemaCopy(source: source, target: target, jobs: jobs, stop: stop, log: Log(threshold: .error))
    }

    /// What pg_dump says of a side, without what is the server's or the dump's own.
    func schema(of database: Database) throws -> [String] {
        let program = try PostgresInstallation.newest.client("pg_dump")
        let arguments = ["--schema-only", "--no-publications", "--exclude-schema=tandem", "-d", database.connection]
        return try Command(program, arguments).succeed().split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("-- Dumped") && !$0.hasPrefix("\\restrict") && !$0.hasPrefix("\\unrestrict") }
    }

    /// The lines that only one side has.
    func difference() throws -> [String] {
        let (left, right) = try (schema(of: old), schema(of: new))
        return right.difference(from: left).map { change in
            switch change {
            case .insert(_, let line, _): "new: \(line)"
            case .remove(_, let line, _): "old: \(line)"
            }
        }
    }
}
