// What no server here is by itself: one of another version, with another clock, worn out. Servers that pose as such: in their
// database, functions and catalogs of the system say so. The verdict on every other answer is found in `nothingIsFound`.

import TestSupport
import Testing

extension PreflightTests {
    enum Posing {
        static let expected =
            ["version", "idle-slot-timeout", "collation-version", "version-features"].map { Found($0, "old") }
            + [
                Found("version", "new"), Found("version-features", "new"), Found("clock", "new"),
                Found("transaction-numbers", "database \"postgres\""),
            ]
    }

    private func pose(_ version: Int) -> String {
        """
        CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE sql STABLE AS
        $$ SELECT CASE $1 WHEN 'server_version_num' THEN '\(version)0001' ELSE pg_catalog.current_setting($1, false) END $$
        """
    }

    @Test func serversThatSayOtherwise() throws {
        let locale = "LC_COLLATE 'de_DE.UTF-8' LC_CTYPE 'de_DE.UTF-8' TEMPLATE template0"
        let s = try Scenario(
            "posing", on: Self.pair.get(), dataA: ["public.*"], marker: false, databaseOptions: (locale, locale),
            extra: Self.roomy)
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.old.sql(
            """
            SET allow_system_table_mods = on;
            \(pose(12));
            CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
            $$ SELECT pg_catalog.statement_timestamp() - pg_catalog.make_interval(mins => 1) $$;
            CREATE OR REPLACE FUNCTION pg_catalog.age(xid) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1900000000';
            CREATE OR REPLACE VIEW pg_catalog.pg_settings AS
            SELECT 'idle_replication_slot_timeout'::text AS name, '600'::text AS setting, 's'::text AS unit, NULL::text AS category,
                   NULL::text AS short_desc, NULL::text AS extra_desc, NULL::text AS context, 'integer'::text AS vartype,
                   NULL::text AS source, NULL::text AS min_val, NULL::text AS max_val, NULL::text[] AS enumvals,
                   NULL::text AS boot_val, NULL::text AS reset_val, NULL::text AS sourcefile, NULL::int AS sourceline,
                   false AS pending_restart
            UNION ALL SELECT * FROM pg_catalog.pg_show_all_settings() a WHERE a.name <> 'idle_replication_slot_timeout';
            """)
        try s.new.sql(pose(13))
        var expected = Posing.expected
        if PostgresInstallation.tested.old >= 15 {
            try s.old.sql("UPDATE pg_database SET datcollversion = '1' WHERE datname = current_database()")
        } else {
            expected.removeAll { $0.check == "collation-version" }
        }
        let others =
            try s.old.value(
                "SELECT coalesce(string_agg(datname, ' '), '') FROM pg_database WHERE datallowconn AND datname <> 'postgres'"
            )?.split(separator: " ") ?? []
        let seen = try s.preflight(exits: 3)
        expect(
            seen, expected + others.map { Found("transaction-numbers", "database \"\($0)\"") }, except: ["old", "new"])
        #expect(seen.lines("clock").first?.finding.contains("ahead of") == true)

        // And ones that lack nothing.
        for side in [s.old, s.new] { try side.sql(pose(18)) }
        #expect(try s.preflight("--only", "version-features", "--only", "version", exits: 0).findings.isEmpty)
    }
}
