// What tandem's roles may do, tried where trying leaves nothing behind.

internal import Model
internal import Postgres
internal import State
internal import Stream

extension Check {
    static let privileges = [
        creating, ownership, reading, rowSecurity, replicaRole, origins, writing, seeing,
    ]

    static let creating = Check(
        "create-privilege", .blocker,
        "tandem's roles may make a schema, and a publication on old: one is made, and taken back",
        because: "tandem keeps its state in schema tandem on both sides, and publishes what it carries.",
        mend: "GRANT CREATE ON DATABASE … TO …;",
        reads: .tried([])
    ) { _, survey in
        try Side.allCases.compactMap { side in
            guard let connection = survey.connection(side) else { return nil }
            let rehearsal = Rehearsal(connection, "trying to make a schema")
            let publication = side == .old ? "; CREATE PUBLICATION \(rehearsal.name)" : ""
            guard
                let refusal = try rehearsal.refusal(of: "CREATE SCHEMA \(rehearsal.name)" + publication),
                !refusal.foundLocked
            else { return nil }
            return Finding(
                side.rawValue,
                "does not let \(visiblyQuoted(connection.role)) make a schema\(side == .old ? " and a publication" : ""):"
                    + " \(refusal.message)",
                mend: refusal.lacksPrivilege
                    ? "GRANT CREATE ON DATABASE \(visiblyQuoted(connection.database)) TO \(visiblyQuoted(connection.role));"
                    : refusal.hint)
        }
    }

    static let ownership = Check(
        "table-ownership", .blocker,
        "tandem's role on old owns the carried tables, by membership: one of each owner is published, and that taken back",
        because: "PostgreSQL publishes a table only for its owner.",
        mend: "GRANT owner TO tandem's role;",
        reads: .old(
            Question(
                """
                SELECT r.rolname, count(*), min(c.oid::regclass::text), bool_or(pg_has_role(r.oid, 'USAGE')),
                       has_database_privilege(current_database(), 'CREATE'),
                       array_to_string((array_agg(format('%I.%I', n.nspname, c.relname) ORDER BY c.relpages))[1:3], E'\\x01')
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid JOIN pg_roles r ON r.oid = c.relowner
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE NOT c.relispartition GROUP BY 1 ORDER BY 1
                """, [.carried]))
    ) { answer, survey in
        try answer.rows.filter { row in try !maybePublished(row, survey) }.map { row in
            Finding(
                "role \(visiblyQuoted(row.first))",
                "owns \(row[1]) of the carried tables on old, such as"
                    + " \(withoutControls(row[2])), and tandem's role cannot publish them",
                mend: "GRANT \(visiblyQuoted(row.first)) TO \(try role(survey, .old));")
        }
    }

    /// Who may not make a publication at all cannot try: then the catalogs are asked, and so they are where all is locked.
    private static func maybePublished(_ row: Row, _ survey: Survey) throws -> Bool {
        guard row.bool(4) else { return row.bool(3) }
        let rehearsal = Rehearsal(try survey.reached(.old), "trying to publish a table")
        for table in row[5].split(separator: "\u{1}") {
            guard let refusal = try rehearsal.refusal(of: "CREATE PUBLICATION \(rehearsal.name) FOR TABLE \(table)")
            else { return true }
            if refusal.lacksPrivilege { return false }
        }
        return row.bool(3)
    }

    static let reading = Check(
        "select-privilege", .blocker, "every carried table can be read on old: each is, without reading a row",
        because: "Existing rows are copied, and rows that differ are read again.",
        mend: "GRANT SELECT ON … TO …; GRANT USAGE ON SCHEMA … TO …;",
        reads: .tried([.old])
    ) { _, survey in
        let role = try role(survey, .old)
        return try survey.tableFailures(.old).filter { !$0.isRowSecurity }.map { failure in
            let table = failure.table.name
            return Finding(
                table.description, "cannot be read on old: \(failure.error.message)",
                mend: failure.error.lacksPrivilege
                    ? "GRANT SELECT ON \(table.pasteable) TO \(role); GRANT USAGE ON SCHEMA \(visiblyQuoted(table.schema))"
                        + " TO \(role);" : nil)
        }
    }

    static let rowSecurity = Check(
        "row-security", .blocker,
        "no row security hides rows from tandem's roles: each carried table is used with row_security = off",
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
        // What cannot be used for want of a right does not come so far as to be refused for this.
        let tried = try survey.tableFailures(answer.side).filter(\.isRowSecurity).map(\.table.name)
        return try Set(answer.rows.map { $0.name(0) } + tried).sorted().map { name in
            Finding(
                name.description, "has row security on \(answer.side.rawValue) that counts for tandem's role",
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
        "write-privilege", .blocker,
        "tandem's role may write and empty the carried tables that new has: each is tried, to no effect",
        because: "The first change of such a table would block the stream.",
        mend: "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON … TO …; GRANT USAGE ON SCHEMA … TO …;",
        reads: .tried([.new])
    ) { _, survey in
        let role = try role(survey, .new)
        let unwritable = try survey.tableFailures(.new).filter { $0.error.lacksPrivilege && !$0.isRowSecurity }
        let names = unwritable.map(\.table.name) + (try TruncationTrial(survey).refused().map(\.name))
        return Set(names).sorted().map { name in
            Finding(
                name.description, "cannot be written on new by tandem's role",
                mend: "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \(name.pasteable) TO \(role);"
                    + " GRANT USAGE ON SCHEMA \(visiblyQuoted(name.schema)) TO \(role);")
        }
    }

    static let seeing = Check(
        "stats-privilege", .note, "tandem's role on old sees what others do: it looks at all sessions",
        because: "Without it tandem cannot say whom it waits for.",
        mend: "GRANT pg_read_all_stats TO …;",
        // The server's own processes are among them.
        reads: .old(Question("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = '<insufficient privilege>')"))
    ) { answer, survey in
        guard answer.rows.first?.bool(0) == true else { return [] }
        return [
            Finding(
                "old", "does not let tandem's role see the sessions of others",
                mend: "GRANT pg_read_all_stats TO \(try role(survey, .old));")
        ]
    }
}
