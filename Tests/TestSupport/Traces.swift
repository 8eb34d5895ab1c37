// Everything that tandem could have left in the two databases and their servers.

package struct Traces: Equatable, CustomStringConvertible {
    private let lines: [String]

    package init(_ scenario: Scenario) throws {
        lines = try Self.of(scenario.old, scenario) + ["--"] + Self.of(scenario.new, scenario)
    }

    package var description: String { lines.joined(separator: "\n") }

    private static func of(_ side: Database, _ scenario: Scenario) throws -> [String] {
        let ours = "strpos(name, \(sqlLiteral(scenario.name))) > 0"
        return try side.sql(
            """
            SELECT kind, name FROM (
                SELECT 'schema' AS kind, nspname::text AS name FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
                UNION ALL SELECT 'relation', oid::regclass::text FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace
                UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc
                UNION ALL SELECT 'type', oid::regtype::text FROM pg_type
                UNION ALL SELECT 'trigger', tgname FROM pg_trigger
                UNION ALL SELECT 'event trigger', evtname FROM pg_event_trigger
                UNION ALL SELECT 'publication', pubname FROM pg_publication
                UNION ALL SELECT 'setting', setdatabase || array_to_string(setconfig, ' ') FROM pg_db_role_setting
                    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
                UNION ALL SELECT * FROM (SELECT 'slot', slot_name::text FROM pg_replication_slots) s (kind, name) WHERE \(ours)
                UNION ALL SELECT * FROM (SELECT 'origin', roname FROM pg_replication_origin) o (kind, name) WHERE \(ours)
                UNION ALL SELECT 'prepared', gid FROM pg_prepared_xacts WHERE database = current_database()) t
            ORDER BY 1, 2
            """
        ).split(separator: "\n").map(String.init)
    }
}
