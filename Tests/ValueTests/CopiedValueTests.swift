// The other two ways a value can go: with the copy of what was there before, and by COPY out of a large transaction. Each
// type has a table here, in binary where both ends allow it and as text, under settings that would change its meaning.

import TestSupport
import Testing

@Suite(.blocking) struct CopiedValueTests {
    private static let cases = BuiltInTypes.flat + BuiltInTypes.nested

    @Test func byTheInitialCopy() throws {
        let carrying = try Carrying("copied values", .binary)
        let s = carrying.scenario
        defer { s.end() }
        try carrying.create(Self.cases)
        try carrying.write(Self.cases)
        try s.writeConfiguration(initialCopy: "all")
        for side in [s.old, s.new] { try side.sql(BuiltInTypeTests.poison("DATABASE \(s.name)")) }
        let environment = try BuiltInTypeTests.environment.merging(PostgresInstallation.tandemEnvironment) { $1 }
        let outcome = try s.tandem("run", "--until", "caught-up", environment: environment, within: .seconds(240))
        #expect(outcome.exitCode == 0, "\(outcome.stderr.suffix(3000))")
        for side in [s.old, s.new] { try side.cluster.sql("ALTER DATABASE \(s.name) RESET ALL") }
        try expectSameValues(s)
        let copied = try s.new.value("SELECT count(*) FROM tandem.copied_table WHERE state = 'done'") ?? ""
        #expect((Int(copied) ?? 0) >= 2 * carrying.usable(Self.cases).count, "\(copied)")
    }

    /// So many rows of one table in one transaction that pieces of it go by COPY: in binary, and as text by statements.
    @Test(arguments: Travel.allCases)
    func fromALargeTransaction(_ travel: Travel) throws {
        let carrying = try Carrying("large values", travel)
        let s = carrying.scenario
        defer { s.end() }
        let cases = carrying.usable(travel == .binary ? BuiltInTypes.flat : BuiltInTypes.flat + BuiltInTypes.nested)
            .filter { !$0.values.contains { $0.contains("repeat(") } }
        let columns = cases.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")
        try s.both("CREATE TABLE wide (id int PRIMARY KEY, pad text, \(columns))")
        try s.writeConfiguration(extra: "limits: { memory: 16MB }")
        try s.prepare()
        let values = cases.enumerated().map { number, each in
            let whens = each.values.enumerated().map { "WHEN \($0) THEN \($1)" }.joined(separator: " ")
            return "CASE g % \(each.values.count) \(whens) END AS c\(number)"
        }
        try s.old.sql(
            Carrying.plainly
                + "INSERT INTO wide SELECT g, repeat('p', 300), \(values.joined(separator: ", ")) FROM generate_series(1, 3000) g"
        )
        try carrying.expectCarried()
    }
}
