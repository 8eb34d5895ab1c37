// Settings of a database that would turn an error into a lost connection, or names into other names.

import TestSupport
import Testing

@Suite(.blocking) struct SettingTests {
    @Test func poisonousSettingsOfTheDatabasesDoNotMatter() throws {
        let s = try Scenario("poison")
        defer { s.end() }
        try s.both(
            "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE f (v text); ALTER TABLE f REPLICA IDENTITY FULL")
        for side in [s.old, s.new] {
            for setting in [
                "exit_on_error = on", "quote_all_identifiers = on", "gin_fuzzy_search_limit = 1",
                "session_replication_role = replica", "debug_pretty_print = on", "check_function_bodies = off",
                "default_tablespace = nowhere", "temp_tablespaces = nowhere", "synchronous_commit = off",
            ] { try side.sql("ALTER DATABASE \(sqlIdentifier(s.name)) SET \(setting)") }
        }
        try s.prepare()
        let run = try s.start("run")
        try s.new.sql("INSERT INTO t VALUES (1, 'in the way')")
        try s.old.sql("INSERT INTO t VALUES (1, 'old'); INSERT INTO f VALUES ('a'), ('a'); UPDATE f SET v = 'b'")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(!run.log.contains("stream interrupted"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }
}
