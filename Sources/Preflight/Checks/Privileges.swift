// What tandem's roles may do, tried where trying leaves nothing behind.

internal import Model
internal import Postgres
internal import State
internal import Stream

extension Check {
    static let privileges = [
        createOnDatabase, ownership, reading, rowSecurity, replicaRole, origins, writing, seeing,
    ]

    static let createOnDatabase = Check(
        "create-privilege", .blocker, "tandem's roles may make schema tandem, and a publication on old",
        because: "tandem keeps its state there.",
        mend: "GRANT CREATE ON DATABASE … TO …;",
        reads: .each(Question("SELECT has_database_privilege(current_database(), 'CREATE')"))
    ) { answer, survey in
        guard answer.rows.first?.bool(0) == false else { return [] }
        let connection = try survey.reached(answer.side)
        return [
            Finding(
                answer.side.rawValue, "does not let \(visiblyQuoted(connection.role)) make a schema",
                mend:
                    "GRANT CREATE ON DATABASE \(visiblyQuoted(connection.database)) TO \(visiblyQuoted(connection.role));"
            )
        ]
    }

    static let ownership = Check(
        "table-ownership", .blocker, "tandem's role on old owns the carried tables, by membership",
        because: "PostgreSQL publishes a table only for its owner.",
        mend: "GRANT owner TO tandem's role;",
        reads: .old(
            Question(
                """
                SELECT r.rolname, count(*), min(c.oid::regclass::text)
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid JOIN pg_roles r ON r.oid = c.relowner
                 WHERE NOT c.relispartition AND NOT pg_has_role(r.oid, 'USAGE') GROUP BY 1 ORDER BY 1
                """, [.carried]))
    ) { answer, survey in
        try answer.rows.map { row in
            Finding(
                "role \(visiblyQuoted(row.first))",
                "owns \(row[1]) of the carried tables on old, such as"
                    + " \(withoutControls(row[2])), and tandem's role is no member of it",
                mend: "GRANT \(visiblyQuoted(row.first)) TO \(try role(survey, .old));")
        }
    }

    static let reading = Check(
        "select-privilege", .blocker, "every carried table can be read on old: each is, without reading a row",
        because: "Existing rows are copied, and rows that differ are read again.",
        mend: "GRANT SELECT ON … TO …; GRANT USAGE ON SCHEMA … TO …;",
        reads: .tried([.old])
    ) { _, survey in
        try TableTrial(survey).failures()
    }

    static let rowSecurity = Check(
        "row-security", .blocker, "no row security hides rows from tandem's roles",
        because: "Rows that a role cannot see would be missing without a word; tandem makes that an error, and stops.",
        mend: "ALTER ROLE … BYPASSRLS; or let the role own the table",
        reads: .each(
            Question(
                """
                SELECT n.nspname, c.relname FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 CROSS JOIN (SELECT rolsuper OR rolbypassrls AS is_free FROM pg_roles WHERE rolname = current_user) me
                 WHERE c.relrowsecurity AND NOT me.is_free
                   AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))
                 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, survey in
        try answer.rows.map { row in
            Finding(
                row.name(0).description, "has row security on \(answer.side.rawValue) that counts for tandem's role",
                mend: "ALTER ROLE \(try role(survey, answer.side)) BYPASSRLS;")
        }
    }

    static let replicaRole = Check(
        "replica-role", .blocker,
        "tandem's role on new may set session_replication_role: it does, in a session of its own",
        because: "What is applied must not fire triggers and foreign keys a second time.",
        mend: "GRANT SET ON PARAMETER session_replication_role TO …; (PostgreSQL 15 and later; a superuser before)",
        reads: .tried([.new])
    ) { _, survey in
        do throws(PostgresError) {
            _ = try Connection(to: survey.plan.target, for: .apply, as: Survey.application, stop: survey.stop)
            return []
        } catch {
            guard error.sqlState == "42501" else { throw error }
            return [Finding("new", "does not let tandem's role apply: \(error.message)", mend: error.hint)]
        }
    }

    static let origins = Check(
        "origin-privilege", .blocker,
        "tandem's role on new may use replication origins: each function is called, to no effect",
        because: "An origin marks what tandem has applied, and remembers how far it is durable.",
        mend: "GRANT EXECUTE ON FUNCTION pg_replication_origin_… TO …;",
        reads: .tried([.new])
    ) { _, survey in
        let new = try survey.reached(.new)
        let name = literal("tandem_preflight_\(new.backendPID)")
        // None of that name is there, so whoever may call them hears that, and nothing else happens.
        let calls = [
            "pg_replication_origin_drop(\(name))", "pg_replication_origin_advance(\(name), '0/1')",
            "pg_replication_origin_progress(\(name), false)", "pg_replication_origin_session_setup(\(name))",
            "pg_replication_origin_xact_setup('0/1', now())",
        ]
        var isMissing = false
        for call in calls + ["pg_replication_origin_create(\(name))"] {
            do throws(PostgresError) {
                try new.script("BEGIN; SELECT \(call); ROLLBACK", doing: "trying replication origins on new")
            } catch {
                try new.script("ROLLBACK", doing: "trying replication origins on new")
                guard let state = error.sqlState else { throw error }
                if state == "42501" { isMissing = true }
            }
        }
        guard isMissing else { return [] }
        return [
            Finding("new", "does not let tandem's role use replication origins", mend: Privilege.origins(on: new))
        ]
    }

    static let writing = Check(
        "write-privilege", .blocker, "tandem's role may write the carried tables that new has",
        because: "The first change of such a table would block the stream.",
        mend: "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON … TO …; GRANT USAGE ON SCHEMA … TO …;",
        reads: .new(
            Question(
                """
                SELECT n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE')
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p') AND NOT (has_schema_privilege(n.oid, 'USAGE')
                   AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                   AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
                   AND has_table_privilege(c.oid, 'TRUNCATE'))
                 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, survey in
        let role = try role(survey, .new)
        return answer.rows.map { row in
            let name = row.name(0)
            let schema = row.bool(2) ? "" : " GRANT USAGE ON SCHEMA \(visiblyQuoted(name.schema)) TO \(role);"
            return Finding(
                name.description, "cannot be written on new by tandem's role",
                mend: "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \(name.pasteable) TO \(role);\(schema)")
        }
    }

    static let seeing = Check(
        "stats-privilege", .note, "tandem's role on old may see what others do",
        because: "Without it tandem cannot say whom it waits for.",
        mend: "GRANT pg_read_all_stats TO …;",
        reads: .old(Question("SELECT pg_has_role('pg_read_all_stats', 'USAGE')"))
    ) { answer, survey in
        guard answer.rows.first?.bool(0) == false else { return [] }
        return [
            Finding(
                "old", "does not let tandem's role see the sessions of others",
                mend: "GRANT pg_read_all_stats TO \(try role(survey, .old));")
        ]
    }
}
