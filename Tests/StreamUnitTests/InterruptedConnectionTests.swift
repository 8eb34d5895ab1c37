// Connecting while already asked to stop.

import Postgres
import TestSupport
import Testing
import Threading

@Suite(.blocking) struct InterruptedConnectionTests {
    @Test(arguments: [SessionPurpose.control, .replication, .apply])
    func connectingAfterTheSignalFailsCleanly(purpose: SessionPurpose) throws {
        let server = try ClusterPair.shared.old
        let target = ConnectionTarget(conninfo: server.connection(), label: "old")
        let stop = StopSignal()
        stop.raise()
        for _ in 0..<20 {
            let error = #expect(throws: PostgresError.self) {
                try Connection(to: target, for: purpose, as: "interrupted", stop: stop)
            }
            #expect(error?.kind == .interrupted)
        }
        try server.wait(for: "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'interrupted'", toBe: "0")
    }
}
