// The file is another one at the next start: more tables, fewer, another limit, spill files elsewhere. What was begun under the
// other one is neither lost nor doubled.

import TestSupport
import Testing

@Suite(.blocking) struct ChangedConfigurationTests {
    private static let tables = """
        CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
        CREATE TABLE more (a int PRIMARY KEY, b text);
        """

    /// Killed with a large transaction in its files, and another one applied in part.
    @Test func spillFilesElsewhereAndOtherLimits() throws {
        let s = try Scenario.prepared("elsewhere", extra: "limits: { memory: 4MB }", Self.tables)
        defer { s.end() }
        let run = try s.start("run")
        try s.catchUp()
        let session = try s.old.session()
        try session.send("BEGIN; \(rows("loose", count: 40_000))")
        #expect(poll(within: .seconds(60)) { s.spillFiles.isEmpty ? nil : true } == true)
        run.kill()
        let elsewhere = "\(s.directory)/elsewhere"
        try s.writeConfiguration(
            extra: "limits: { memory: 32MB, spill: 1GB }", spill: elsewhere)
        let second = try s.start("run")
        try s.old.sql(rows("more", count: 50))
        try session.send("\(rows("loose", from: 100_000, count: 20_000)) COMMIT")
        try s.catchUp()
        #expect(try second.stop() == .exited(0))
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM loose") == "60000")
        #expect(files(in: elsewhere) == [])
        // And back, where files of the killed one lie.
        try s.writeConfiguration(extra: "limits: { memory: 4MB }")
        try s.old.sql("BEGIN; \(rows("loose", from: 200_000, count: 40_000)) COMMIT")
        try s.follow()
        try s.expectSame()
        #expect(s.spillFiles == [])
    }

    @Test func tablesComeAndGo() throws {
        let s = try Scenario("tables")
        defer { s.end() }
        try s.both(Self.tables)
        func carry(_ tables: [String]) throws { try s.writeConfiguration(dataA: tables, initialCopy: "all") }
        try carry(["public.loose"])
        try s.old.sql(rows("loose", count: 20) + rows("more", count: 20))
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM more") == "0")

        try carry(["public.loose", "public.more"])
        try s.old.sql(rows("more", from: 21, count: 20) + rows("loose", from: 21, count: 20))
        try s.follow()
        try s.expectSame()

        // One that the file does not name any more is still carried: taking it out is not for a file to do silently.
        try carry(["public.loose"])
        try s.old.sql(rows("more", from: 41, count: 20) + rows("loose", from: 41, count: 20))
        try s.follow()
        #expect(try s.new.value("SELECT count(*) FROM loose") == "60")
        #expect(try s.new.value("SELECT count(*) FROM more") == "60")
        #expect(try s.hasSlot())
    }
}
