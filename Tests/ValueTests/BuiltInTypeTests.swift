// Every built-in type, in both ways to travel, first as things are and then with everything set against it.

import TestSupport
import Testing

@Suite(.blocking) struct BuiltInTypeTests {
    @Test func inBinary() throws {
        let carrying = try Carrying("flat", .binary)
        defer { carrying.scenario.end() }
        try carrying.carry(BuiltInTypes.flat)
        let travels = try carrying.scenario.tandem("run", "--until", "caught-up").stderr.contains("detail=binary")
        // Before 14 a server sends text alone.
        #expect(travels == (PostgresInstallation.tested.old >= 14))
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
        // What would stop a session is set for tandem's role alone: the test writes to old meanwhile.
        let role = "\(s.name)_role"
        for side in [s.old, s.new] { try side.cluster.sql("CREATE ROLE \(role) SUPERUSER LOGIN") }
        defer { for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(role)") } }
        try s.old.sql(Self.poison("ROLE \(role) IN DATABASE \(s.name)"))
        try s.new.sql(Self.poison("DATABASE \(s.name)"))
        for side in [s.old, s.new] { try side.cluster.sql(Self.obstruction(role, s.name, carrying.release)) }
        try s.writeConfiguration(
            old: s.old.cluster.connection(database: s.name, user: role),
            new: s.new.cluster.connection(database: s.name, user: role))
        try s.prepare(environment: Self.environment)
        try carrying.write(cases)
        let outcome = try s.tandem("run", "--until", "caught-up", environment: Self.environment)
        #expect(outcome.exitCode == 0, "\(outcome.stderr.suffix(3000))")
        // The judge itself could not work among these.
        try s.new.cluster.sql("ALTER DATABASE \(s.name) RESET ALL")
        try expectSameValues(s)
    }

    /// Shorter than what it takes to lift the limit, most of the time; also where that ends the session.
    @Test(arguments: [false, true])
    func aRoleWhoseStatementsMayTakeAMillisecond(endsSessions: Bool) throws {
        let carrying = try Carrying("millisecond")
        let s = carrying.scenario
        defer { s.end() }
        let role = "\(s.name)_role"
        var settings = ["statement_timeout = '1ms'"]
        if endsSessions {
            settings += ["exit_on_error = on"]
            if carrying.release >= 14 { settings.append("idle_session_timeout = '1ms'") }
            if carrying.release >= 17 { settings.append("transaction_timeout = '1ms'") }
        }
        let made = settings.map { "; ALTER ROLE \(role) SET \($0)" }.joined()
        for side in [s.old, s.new] { try side.cluster.sql("CREATE ROLE \(role) SUPERUSER LOGIN" + made) }
        defer { for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(role)") } }
        try s.writeConfiguration(
            old: s.old.cluster.connection(database: s.name, user: role),
            new: s.new.cluster.connection(database: s.name, user: role))
        try carrying.carry([TypeCase("int", ["1"])])
    }

    static let environment = [
        "PGOPTIONS": "-c datestyle=SQL,DMY -c extra_float_digits=0 -c bytea_output=escape -c search_path=nowhere"
            + " -c intervalstyle=iso_8601 -c timezone=Asia/Kathmandu -c default_transaction_read_only=on",
        "PGDATESTYLE": "German, DMY", "PGTZ": "America/St_Johns", "PGCLIENTENCODING": "LATIN1", "PGGEQO": "off",
        "PGAPPNAME": "something else", "LC_ALL": "C", "TZ": "Asia/Kathmandu", "PGSERVICEFILE": "/nowhere",
        "PGSYSCONFDIR": "/nowhere",
    ]

    /// What would give values another text, or another meaning. As settings of the database, or of the role in it.
    static func poison(_ target: String) -> String {
        let settings = [
            "datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "extra_float_digits": "0",
            "bytea_output": "escape",
            "timezone": "Asia/Kathmandu", "search_path": "nowhere, public", "array_nulls": "off",
            "xmloption": "document",
            "standard_conforming_strings": "off", "quote_all_identifiers": "on", "client_encoding": "LATIN1",
            "backslash_quote": "on", "xmlbinary": "hex", "escape_string_warning": "on", "transform_null_equals": "on",
            "lc_monetary": germanIsSpoken ? "de_DE.utf8" : "POSIX", "default_tablespace": "nowhere",
            "temp_tablespaces": "nowhere", "synchronous_commit": "off",
            "default_text_search_config": "pg_catalog.english",
        ]
        return settings.map { "ALTER \(target) SET \($0) = \(sqlLiteral($1));\n" }.joined()
            .replacing("'nowhere, public'", with: "nowhere, public")
    }

    /// What would end a session that writes, or one that waits.
    private static func obstruction(_ role: String, _ database: String, _ release: Int) -> String {
        var settings = [
            "statement_timeout": "300ms", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
            "default_transaction_isolation": "serializable", "default_transaction_deferrable": "on",
            "row_security": "on", "default_transaction_read_only": "on", "exit_on_error": "on",
        ]
        if release >= 14 { settings["idle_session_timeout"] = "500ms" }
        if release >= 17 { settings["transaction_timeout"] = "300ms" }
        return settings.map { "ALTER ROLE \(role) IN DATABASE \(database) SET \($0) = '\($1)';\n" }.joined()
    }
}
