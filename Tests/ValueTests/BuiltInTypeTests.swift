// Every built-in type, in both ways to travel, first as things are and then with everything set against it.

import TestSupport
import Testing

@Suite struct BuiltInTypeTests {
    @Test func inBinary() throws {
        let carrying = try Carrying("flat", .binary)
        defer { carrying.scenario.end() }
        try carrying.carry(BuiltInTypes.flat)
        #expect(try carrying.scenario.tandem("run", "--until", "caught-up").stderr.contains("binary"))
    }

    @Test func asText() throws {
        let carrying = try Carrying("nested", .text)
        defer { carrying.scenario.end() }
        try carrying.carry(BuiltInTypes.flat + BuiltInTypes.nested)
    }

    @Test(arguments: Travel.allCases)
    func againstPoisonedSettings(_ travel: Travel) throws {
        let carrying = try Carrying("poisoned", travel)
        let s = carrying.scenario
        defer { s.end() }
        let cases = travel == .binary ? BuiltInTypes.flat : BuiltInTypes.flat + BuiltInTypes.nested
        try carrying.create(cases)
        try s.old.sql(Self.poison(s, role: true))
        try s.new.sql(Self.poison(s, role: false) + Self.obstruction(s))
        try s.prepare(environment: Self.environment)
        try carrying.write(cases)
        let outcome = try s.tandem("run", "--until", "caught-up", environment: Self.environment)
        #expect(outcome.exitCode == 0, "\(outcome.stderr.suffix(3000))")
        // The judge itself could not work among these.
        for side in [s.old, s.new] {
            try side.cluster.sql(
                "ALTER DATABASE \(sqlIdentifier(s.name)) RESET ALL; ALTER ROLE postgres IN DATABASE \(sqlIdentifier(s.name)) RESET ALL"
            )
        }
        try expectSameValues(s)
    }

    private static let environment = [
        "PGOPTIONS": "-c datestyle=SQL,DMY -c extra_float_digits=0 -c bytea_output=escape -c search_path=nowhere"
            + " -c intervalstyle=iso_8601 -c timezone=Asia/Kathmandu",
        "PGDATESTYLE": "German, DMY", "PGTZ": "America/St_Johns", "PGCLIENTENCODING": "LATIN1", "PGGEQO": "off",
        "PGAPPNAME": "something else", "LC_ALL": "C", "TZ": "Asia/Kathmandu",
    ]

    /// What would give values another text, or another meaning. As settings of the database, or of the role in it.
    private static func poison(_ s: Scenario, role: Bool) -> String {
        let target = (role ? "ROLE postgres IN DATABASE " : "DATABASE ") + sqlIdentifier(s.name)
        let settings = [
            "datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "extra_float_digits": "0",
            "bytea_output": "escape",
            "timezone": "Asia/Kathmandu", "search_path": "nowhere, public", "array_nulls": "off",
            "xmloption": "document",
            "standard_conforming_strings": "off", "quote_all_identifiers": "on", "client_encoding": "LATIN1",
            "backslash_quote": "on", "xmlbinary": "hex", "escape_string_warning": "on", "transform_null_equals": "on",
        ]
        return settings.map { "ALTER \(target) SET \($0) = \(sqlLiteral($1));\n" }.joined()
            .replacing("'nowhere, public'", with: "nowhere, public")
    }

    /// What would end a session that writes.
    private static func obstruction(_ s: Scenario) -> String {
        let settings = [
            "statement_timeout": "1ms", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
            "default_transaction_isolation": "serializable", "default_transaction_deferrable": "on",
            "row_security": "on",
            "default_transaction_read_only": "on",
        ]
        return settings.sorted { $0.key < $1.key }.map {
            "SET default_transaction_read_only = off; ALTER ROLE postgres IN DATABASE \(sqlIdentifier(s.name)) SET \($0) = '\($1)';\n"
        }.joined()
    }
}
