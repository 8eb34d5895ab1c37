// What stands at the address must be PostgreSQL itself, and a primary; anything else is named, with the remedy.

import Postgres
import TestSupport
import Testing
import Threading

@Suite(.blocking) struct WhoAnswersTests {
    private static let purposes: [SessionPurpose] = [.control, .replication, .apply]

    @Test(arguments: purposes)
    func aPoolerIsRefusedByName(purpose: SessionPurpose) throws {
        let server = try ClusterPair.shared.old
        let pooler = try FalsePooler(for: server)
        let conninfo = "host=\(pooler.directory) port=\(server.port) user=postgres dbname=postgres"
        let error = #expect(throws: PostgresError.self) {
            try Connection(to: ConnectionTarget(conninfo: conninfo, label: "old"), for: purpose, as: "pooled")
        }
        #expect(error?.message.contains("pooler") == true, "\(String(describing: error))")
        #expect(error?.hint?.contains("own host and port") == true)
    }

    @Test func aStandbyIsRefusedByName() throws {
        let primary = try Cluster("primary")
        defer { primary.remove() }
        let standby = try Cluster("standby", standbyOf: primary)
        defer { standby.remove() }
        try standby.start()
        for purpose in Self.purposes {
            let target = ConnectionTarget(conninfo: standby.connection(), label: "new")
            let error = #expect(throws: PostgresError.self) { try Connection(to: target, for: purpose, as: "standby") }
            #expect(error?.message.contains("standby") == true, "\(String(describing: error))")
            #expect(error?.hint?.contains("primary") == true)
        }
        // Hosts can be given together, and the primary is taken.
        let both =
            "host=\(standby.socketDirectory),\(primary.socketDirectory) port=\(standby.port),\(primary.port)"
            + " user=postgres dbname=postgres target_session_attrs=read-write"
        let found = try Connection(to: ConnectionTarget(conninfo: both, label: "new"), for: .control, as: "both")
        #expect(try found.query("SELECT pg_is_in_recovery()", doing: "asking").bool(0, 0) == false)
    }
}
