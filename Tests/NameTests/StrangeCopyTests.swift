// Strange names through what is not the stream: the schema made on an empty new, the copy, the copy again, the comparison,
// its repair, and derived tables.

import TestSupport
import Testing

@Suite(.blocking) struct StrangeCopyTests {
    private static let derived =
        "CREATE SCHEMA derived;"
        + StrangeNames.all.map { name in
            let n = sqlIdentifier(name)
            return "CREATE TABLE derived.\(n) (\(n) int PRIMARY KEY, \"A\" text, a text, at timestamptz);"
                + "INSERT INTO derived.\(n) VALUES (1, 'A', 'a', now()), (2, NULL, '', now());"
        }.joined()

    private static let rows = StrangeNames.all.map {
        "INSERT INTO \(StrangeNames.keyed($0)) VALUES (1, 'A', 'b', 'c', 'moved', 'a'), (2, NULL, '', 'c', '', 'old');"
    }.joined()

    @Test func madeCopiedComparedAndRepaired() throws {
        let w = try StrangeNameTests.World("strangecopy", database: "c'd")
        defer { w.end() }
        try w.old.sql(StrangeNames.all.map { StrangeNames.withKey($0) }.joined() + Self.derived + Self.rows)
        let entries = StrangeNames.all.map { name in
            let table = "derived." + shown(name.replacing("${", with: "$${"))
            return "  - { table: '\(table.replacing("'", with: "''"))', refresh: full, every: 1h }"
        }
        try w.write(initialCopy: "all", extra: "jobs: 3\ndata_b:\n" + entries.joined(separator: "\n"))
        let run = try w.s.start("run")
        try expectSame(w, run)
        try w.old.sql(StrangeNames.all.map { "DELETE FROM derived.\(sqlIdentifier($0)) WHERE a = '';" }.joined())
        let now = try w.s.tandem(["b", "now"] + StrangeNames.all.map { "derived." + shown($0) })
        #expect(now.exitCode == 0, "\(now.stderr)")
        let again = try w.s.tandem(["recopy"] + StrangeNames.asShown)
        #expect(again.exitCode == 0, "\(again.stderr)")
        try expectSame(w, run)

        let keyed = StrangeNames.all.map { StrangeNames.keyed($0) }
        try w.new.sql(
            keyed.map { "UPDATE \($0) SET a = 'wrong' WHERE v = 'moved'; DELETE FROM \($0) WHERE a = 'old';" }.joined())
        let compared = try w.s.tandem("verify", within: .seconds(240))
        #expect(compared.exitCode == 4, "\(compared.stderr)")
        StrangeNameTests.expectTame(compared.stdout + compared.stderr, lines: nil)
        for name in StrangeNames.asShown { #expect(compared.stdout.contains(name), "\(name)") }
        let repaired = try w.s.tandem("verify", "--repair", "--yes", within: .seconds(240))
        #expect(repaired.exitCode == 0, "\(repaired.stdout)\(repaired.stderr)")
        #expect(try contents(w.old) == contents(w.new))
        #expect(try run.stop() == .exited(0))
    }

    /// In the end, that is: with nothing left to copy.
    private func expectSame(_ w: StrangeNameTests.World, _ run: Replicator) throws {
        let undone = "SELECT count(*) > 30 AND bool_and(state = 'done') FROM tandem.copied_table"
        let isSame = poll(within: .seconds(200), every: .milliseconds(200)) { () -> Bool? in
            guard run.status == nil, (try? w.new.value(undone)) == "t" else { return nil }
            return (try? contents(w.old)) == (try? contents(w.new)) ? true : nil
        }
        #expect(isSame == true, "\(run.tail)")
    }
}
