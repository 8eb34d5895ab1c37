// What an attacker without any privilege but CREATE in schemas that stand in search paths plants there: functions,
// operators, types and tables with the names of the system's, with better matching arguments, each of which gives it away
// when it is used.

import TestSupport

enum Shadows {
    /// In `public`, in a schema of the role's own name ("$user"), and on the search path of database and role.
    static func plant(role: String, database: String) -> String {
        let schemas = ["public", role]
        let planted = schemas.map { "SET search_path = pg_catalog; " + plant(in: sqlIdentifier($0)) }.joined()
        return """
            CREATE TABLE public.sentinel (what text); GRANT ALL ON public.sentinel TO PUBLIC;
            CREATE SCHEMA \(sqlIdentifier(role));
            \(planted)
            ALTER DATABASE \(sqlIdentifier(database)) SET search_path = \(sqlIdentifier(role)), public, pg_catalog;
            ALTER ROLE \(sqlIdentifier(role)) SET search_path = \(sqlIdentifier(role)), public, pg_catalog;
            """
    }

    private static func plant(in schema: String) -> String {
        let trap = { (name: String) in "INSERT INTO public.sentinel VALUES (\(sqlLiteral(name)));" }
        let functions = functions.map { name, arguments, result in
            """
            CREATE FUNCTION \(schema).\(name)(\(arguments)) RETURNS \(result) LANGUAGE plpgsql AS $f$
                BEGIN \(trap(name)) RETURN NULL; END $f$;
            """
        }
        let operators = operators.map { name, left, right, result in
            let procedure = "\(schema).\(sqlIdentifier("trap \(name) \(left) \(right)"))"
            return """
                CREATE FUNCTION \(procedure)(\(left), \(right)) RETURNS \(result) LANGUAGE plpgsql AS $f$
                    BEGIN \(trap(name)) RETURN NULL; END $f$;
                CREATE OPERATOR \(schema).\(name) (leftarg = \(left), rightarg = \(right), procedure = \(procedure));
                """
        }
        let relations = relations.map { "CREATE VIEW \(schema).\($0) AS SELECT \(schema).trap() AS oid, 1 AS nothing;" }
        let types = types.map { "CREATE DOMAIN \(schema).\($0) AS pg_catalog.text CHECK (\(schema).trap(VALUE));" }
        return (functions + operators).joined() + """
            CREATE FUNCTION \(schema).trap() RETURNS oid LANGUAGE plpgsql AS $f$ BEGIN \(trap("a relation")) RETURN 1; END $f$;
            CREATE FUNCTION \(schema).trap(pg_catalog.text) RETURNS bool LANGUAGE plpgsql AS $f$
                BEGIN \(trap("a type")) RETURN true; END $f$;
            """ + (relations + types).joined()
    }

    /// With the types tandem's statements really have, which match better than the system's wider ones.
    private static let functions: [(name: String, arguments: String, result: String)] = [
        ("unnest", "text[]", "text"), ("unnest", "int4[]", "int4"), ("unnest", "int8[]", "int8"),
        ("count", "int4", "int8"),
        ("lower", "text", "text"), ("format_type", "oid, int4", "text"), ("quote_ident", "text", "text"),
        ("quote_ident", "name", "text"), ("generate_series", "int4, int2", "int4"),
        ("generate_series", "int4, int4", "int4"),
        ("clock_timestamp", "", "timestamptz"), ("pg_replication_origin_xact_setup", "pg_lsn, timestamptz", "text"),
        ("pg_replication_origin_create", "text", "oid"), ("pg_replication_origin_progress", "text, bool", "pg_lsn"),
        ("pg_replication_origin_session_setup", "text", "text"), ("pg_backend_pid", "", "int4"),
        ("pg_try_advisory_lock", "int8", "bool"), ("hashtextextended", "text, int8", "int8"),
        ("hashtextextended", "text, int4", "int8"), ("to_regclass", "text", "regclass"),
        ("current_setting", "text", "text"),
        ("pg_current_wal_lsn", "", "pg_lsn"), ("pg_is_in_recovery", "", "bool"),
        ("pg_wal_lsn_diff", "pg_lsn, pg_lsn", "numeric"),
        ("current_database", "", "name"), ("date_part", "text, timestamptz", "float8"),
        ("extract", "text, timestamptz", "numeric"),
        ("pg_has_role", "oid, oid, text", "bool"), ("pg_get_userbyid", "oid", "name"),
        ("string_agg", "text, text", "text"),
        ("int4", "text", "int4"), ("text", "int4", "text"), ("record_image_eq", "record, record", "bool"),
        ("pg_get_replica_identity_index", "int4", "regclass"), ("pg_drop_replication_slot", "name", "text"),
        ("pg_get_publication_tables", "text", "oid"), ("version", "", "text"),
        ("set_config", "text, text, bool", "text"),
    ].filter { !["count", "string_agg"].contains($0.0) }

    private static let operators: [(name: String, left: String, right: String, result: String)] =
        ["=", "<>", "<", "<="].flatMap { name in
            [
                ("name", "text"), ("name", "unknown"), ("text", "unknown"), ("text", "name"), ("oid", "int4"),
                ("oid", "oid"),
                ("int4", "int4"), ("int2", "int4"), ("text", "text"), ("\"char\"", "unknown"), ("int4", "text"),
                ("pg_lsn", "pg_lsn"), ("xid", "int4"), ("int8", "int8"), ("int8", "int4"), ("record", "record"),
            ].filter { $0.1 != "unknown" }.map { (name, $0.0, $0.1, "bool") }
        } + [
            ("||", "text", "text", "text"), ("||", "text", "name", "text"), ("||", "text", "int4", "text"),
            ("&", "int2", "int4", "int4"), ("+", "int8", "int4", "int8"), ("+", "int8", "int8", "int8"),
            ("-", "int2", "int4", "int4"), ("-", "timestamptz", "timestamptz", "interval"),
            ("*=", "record", "record", "bool"),
            ("+", "timestamptz", "interval", "timestamptz"), ("*", "int8", "interval", "interval"),
            ("<<", "int8", "int4", "int8"),
            ("|", "int8", "int8", "int8"), ("~~", "name", "text", "bool"), ("!~~", "name", "text", "bool"),
        ]

    private static let relations = [
        "pg_class", "pg_namespace", "pg_attribute", "pg_type", "pg_index", "pg_trigger", "pg_proc", "pg_roles", "pg_am",
        "pg_opclass", "pg_amop", "pg_operator", "pg_publication", "pg_publication_rel", "pg_publication_tables",
        "pg_replication_slots", "pg_replication_origin", "pg_locks", "pg_database", "pg_stat_activity", "pg_constraint",
        "heartbeat", "stream", "source", "set_aside", "difference",
    ]

    private static let types = [
        "text", "int4", "int8", "oid", "pg_lsn", "timestamptz", "interval", "regclass", "record", "bool",
    ]
}
