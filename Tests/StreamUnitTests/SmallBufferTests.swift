// Which connections are known to stay on this machine, and that much passes through a small buffer.

import Postgres
import TestSupport
import Testing

@Suite(.blocking) struct SmallBufferTests {
    @Test(arguments: [true, false]) func onlyWhereTCPEndsHere(overTCP: Bool) throws {
        let conninfo = try ClusterPair.shared.old.connection(overTCP: overTCP)
        let target = ConnectionTarget(conninfo: conninfo, label: "old")
        let connection = try Connection(to: target, for: .control, as: "window")
        #expect(connection.isWithinOneHost == overTCP)
        connection.keepReceiveBufferSmall()
        let row = try connection.script("SELECT length(repeat('x', 3000000)), repeat('y', 3000000)", doing: "reading")
        #expect(row.string(0, 0) == "3000000")
        #expect(row.string(0, 1).count == 3_000_000)
    }
}
