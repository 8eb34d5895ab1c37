// `abort`: afterwards both servers are as if tandem had never been there.

import TestSupport
import Testing

@Suite(.blocking) struct RemovalTests {
    private static let tables = "CREATE TABLE t (a int PRIMARY KEY, b text)"

    @Test func nothingIsLeftOnEitherSide() throws {
        let s = try Scenario("abort")
        defer { s.end() }
        try s.both(Self.tables)
        let before = try Traces(s)
        try s.prepare()
        #expect(try Traces(s) != before)
        try s.old.sql(rows("t", count: 10))
        try s.follow()
        #expect(try s.tandem("set-aside", "public.t").status == .exited(0))
        let removed = try s.tandem("abort", "--yes")
        #expect(removed.status == .exited(0), "\(removed.stderr)")
        #expect(try Traces(s) == before)
        #expect(try s.new.value("SELECT count(*) FROM t") == "10")
        let again = try s.tandem("abort", "--yes")
        #expect(again.status == .exited(0))
        #expect(again.stdout.contains("nothing"))
        // And everything can begin anew.
        try s.new.sql("TRUNCATE t")
        try s.prepare()
        try s.old.sql("TRUNCATE t; \(rows("t", count: 3))")
        try s.follow()
        try s.expectSame()
    }

    @Test func whatWasOnlyPreparedIsRemovedToo() throws {
        let s = try Scenario("abortprepared")
        defer { s.end() }
        try s.both(Self.tables)
        let before = try Traces(s)
        try s.prepare()
        #expect(try s.tandem("abort", "--yes").status == .exited(0))
        #expect(try Traces(s) == before)
    }

    @Test func aRunningStreamIsNotRemoved() throws {
        let s = try Scenario.prepared("abortrunning", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let refused = try s.tandem("abort", "--yes")
        #expect(refused.status == .exited(3), "\(refused.stdout)")
        #expect(refused.stderr.contains("stop it first"))
        try s.old.sql(rows("t", count: 10))
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    /// Old must not fill its disk for a new that is gone; nor new keep traces of an old that is.
    @Test func aSideThatIsGoneDoesNotKeepTheOtherFromBeingFreed() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario("abortalone", on: pair)
        defer { s.end() }
        try s.both(Self.tables)
        let before = try Traces(s)
        try s.prepare()
        try s.follow()
        try pair.new.stop()
        let first = try s.tandem("abort", "--yes")
        #expect(first.status == .exited(1))
        #expect(first.stdout.contains("slot") && first.stderr.contains("new of"), "\(first.stderr)")
        #expect(try !s.hasSlot())
        try pair.new.start()
        try pair.old.stop()
        let second = try s.tandem("abort", "--yes")
        #expect(second.status == .exited(1))
        #expect(second.stdout.contains("origin") && second.stderr.contains("old of"), "\(second.stderr)")
        try pair.old.start()
        #expect(try s.tandem("abort", "--yes").status == .exited(0))
        #expect(try Traces(s) == before)
    }

    @Test func withoutATerminalItAsksForTheFlag() throws {
        let s = try Scenario.prepared("abortasks", Self.tables)
        defer { s.end() }
        #expect(try s.tandem("abort", input: "abort\n").status == .exited(2))
        #expect(try s.hasSlot())
    }

    @Test func twoStreamsThatShareADatabaseDoNotTakeEachOtherAway() throws {
        let s = try Scenario("abortshared")
        let other = try Scenario("abortother")
        defer {
            s.end()
            other.end()
        }
        try s.both(Self.tables)
        try s.prepare()
        // The other pair streams between the same two databases.
        try other.writeConfiguration(old: s.old.connection, new: s.new.connection)
        try other.prepare()
        try s.old.sql(rows("t", count: 10))
        #expect(try other.tandem("abort", "--yes").status == .exited(0))
        try s.follow()
        try s.expectSame()
        #expect(
            try s.old.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(other.slotName)'") == "0")
    }
}
