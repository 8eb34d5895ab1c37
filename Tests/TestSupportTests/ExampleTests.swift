// The test that CONTRIBUTING.md shows, as it stands there.

import TestSupport
import Testing

@Suite(.blocking) struct ExampleTests {
    @Test func largeValuesArrive() throws {
        let s = try Scenario("toast")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
        try s.prepare()
        let replicator = try s.start("run")
        try s.old.sql("INSERT INTO t VALUES (1, repeat('x', 1000000))")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try replicator.stop() == .exited(0))
    }
}
