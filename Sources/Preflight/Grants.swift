// The script that gives tandem's role what it needs on one side, and nothing more: for somebody who may grant. Made from what
// is there: who owns the carried tables, which roles and schemas new lacks, which extensions only a superuser may make.

internal import DataB
package import Model
internal import Postgres
internal import SchemaCopy
internal import State
package import Stream
package import Threading

package struct Grants {
    private let survey: Survey

    package init(_ plan: StreamPlan, stop: StopSignal) throws {
        survey = try Survey(plan, jobs: 1, stop: stop)
        for side in Side.allCases { _ = try survey.reached(side) }
    }

    package func script(for side: Side) throws -> String {
        let connection = try survey.reached(side)
        let heading = [
            "-- \(side.rawValue) of pair \(survey.plan.pair): what role \(visiblyQuoted(connection.role)) needs in database"
                + " \(visiblyQuoted(connection.database)), to be run there by a superuser"
        ]
        return (heading + (side == .old ? try old(connection) : try new(connection))).joined(separator: "\n")
    }

    // MARK: old

    private func old(_ old: Connection) throws -> [String] {
        let role = visiblyQuoted(old.role)
        var lines = ["ALTER ROLE \(role) REPLICATION;", create(old)]
        lines.append("-- to publish tables of these, by membership")
        lines += try owners(of: old).map { membership($0, on: role) }
        if try isRowSecurityForced(old) { lines += ["-- row security is forced", "ALTER ROLE \(role) BYPASSRLS;"] }
        if survey.copies {
            lines.append("-- to read the schema with pg_dump, and sequences")
            lines += old.serverMajor >= 14 ? ["GRANT pg_read_all_data TO \(role);"] : try reading(old)
        }
        lines += ["-- to name those it waits for", "GRANT pg_read_all_stats TO \(role);"]
        lines += restorePoints(role)
        lines += [
            "-- for the way back: to mark what is ours, and to write as replication does", Privilege.origins(on: old),
        ]
        lines += replicaRole(old, role)
        let derived = survey.plan.dataB.tables.map(\.name)
        if !derived.isEmpty { lines.append("-- to read Data B, and to lock it for a moment in `tandem b final`") }
        return lines
            + derived.map {
                "GRANT USAGE ON SCHEMA \(visiblyQuoted($0.schema)) TO \(role); GRANT SELECT, UPDATE ON \($0.pasteable) TO \(role);"
            }
    }

    private struct Owner {
        let name: String
        let isSuperuser: Bool
    }

    /// Of the carried tables, tandem's own role excepted.
    private func owners(of old: Connection) throws -> [Owner] {
        try old.query(
            """
            SELECT DISTINCT r.rolname, r.rolsuper FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
              JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname <> $2 ORDER BY 1
            """, [survey.carried[.old]?.numbers ?? "{}", old.role], doing: "listing owners on old"
        ).all.map { Owner(name: $0.first, isSuperuser: $0.bool(1)) }
    }

    private func membership(_ owner: Owner, on role: String) -> String {
        let name = visiblyQuoted(owner.name)
        guard owner.isSuperuser else { return "GRANT \(name) TO \(role);" }
        return
            "-- \(name) is a superuser, and whoever is its member can become one: better give its objects to a role of their"
            + " own (REASSIGN OWNED, or ALTER … OWNER TO), otherwise:\n-- GRANT \(name) TO \(role);"
    }

    private func isRowSecurityForced(_ connection: Connection) throws -> Bool {
        try connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                            WHERE c.relrowsecurity AND c.relforcerowsecurity)
            """, [survey.carried[.old]?.numbers ?? "{}"], doing: "looking for row security on \(connection.label)"
        ).bool(0, 0)
    }

    /// Before PostgreSQL 14 there is no role for it.
    private func reading(_ old: Connection) throws -> [String] {
        let role = visiblyQuoted(old.role)
        return try schemas(of: old).flatMap { schema -> [String] in
            let name = visiblyQuoted(schema)
            return [
                "GRANT USAGE ON SCHEMA \(name) TO \(role);", "GRANT SELECT ON ALL TABLES IN SCHEMA \(name) TO \(role);",
                "GRANT SELECT ON ALL SEQUENCES IN SCHEMA \(name) TO \(role);",
            ]
        }
    }

    private func schemas(of connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT nspname FROM pg_namespace
             WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'tandem') ORDER BY 1
            """, doing: "listing schemas on \(connection.label)"
        ).all.map(\.first)
    }

    private func create(_ connection: Connection) -> String {
        let database = visiblyQuoted(connection.database)
        return "GRANT CONNECT, CREATE ON DATABASE \(database) TO \(visiblyQuoted(connection.role));"
    }

    // MARK: new

    private func new(_ new: Connection) throws -> [String] {
        let role = visiblyQuoted(new.role)
        var lines = [create(new), Privilege.origins(on: new)]
        lines += replicaRole(new, role)
        if try isRowSecurityForced(survey.reached(.old)) {
            lines += ["-- row security is forced", "ALTER ROLE \(role) BYPASSRLS;"]
        }
        lines += restorePoints(role)
        lines += ["-- for the way back", "ALTER ROLE \(role) REPLICATION;"]
        lines += ["-- to name those the fence waits for", "GRANT pg_read_all_stats TO \(role);"]
        lines += survey.copies ? try making(new, role) : try writing(new, role)
        return lines
    }

    private func replicaRole(_ connection: Connection, _ role: String) -> [String] {
        guard connection.serverMajor < 15 else {
            return ["GRANT SET ON PARAMETER session_replication_role TO \(role);"]
        }
        return [
            "-- Missing: before PostgreSQL 15 only a superuser may set session_replication_role. On this server:",
            "-- ALTER ROLE \(role) SUPERUSER;",
        ]
    }

    private func restorePoints(_ role: String) -> [String] {
        [
            "-- for a restore point before each step, and to know the server again",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text), pg_catalog.pg_control_system() TO \(role);",
        ]
    }

    /// Where tandem makes the schema: the roles it makes things for, and where.
    private func making(_ new: Connection, _ role: String) throws -> [String] {
        let (old, there) = (SideReport(connection: try survey.reached(.old)), SideReport(connection: new))
        let roles = try there.roles()
        var lines: [String] = []
        let missing = try old.rolesInUse().filter { !roles.contains($0.name) }
        if !missing.isEmpty { lines.append("-- roles that new lacks") }
        lines += missing.map {
            "CREATE ROLE \(visiblyQuoted($0.name))\($0.attributes.isEmpty ? "" : " " + $0.attributes);"
        }
        let owners = try self.owners(old)
        lines.append("-- to give objects to those they belong to")
        lines += owners.filter { !sameName($0.name, new.role) }.map { membership($0, on: role) }
        let grantees = Set(owners.filter { !$0.isSuperuser }.map { visiblyQuoted($0.name) } + [role]).sorted()
        let wanted = Set(try schemas(of: try survey.reached(.old)))
        for schema in try schemas(of: new) where wanted.contains(schema) {
            lines.append(
                "GRANT USAGE, CREATE ON SCHEMA \(visiblyQuoted(schema)) TO \(grantees.joined(separator: ", "));")
        }
        return lines + (try extensions(new))
    }

    private func owners(_ old: SideReport) throws -> [Owner] {
        let superusers = Set(
            try survey.reached(.old).query(
                "SELECT rolname FROM pg_roles WHERE rolsuper", doing: "listing superusers on old"
            ).all.map(\.first))
        return try old.owners().sorted().map { Owner(name: $0, isSuperuser: superusers.contains($0)) }
    }

    /// Those that only a superuser may make, and that old uses.
    private func extensions(_ new: Connection) throws -> [String] {
        let used = try survey.reached(.old).query(
            """
            SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
             WHERE e.extname <> 'plpgsql' ORDER BY 1
            """, doing: "listing extensions on old"
        ).all
        let guarded = Set(
            try new.query(
                """
                SELECT e.name FROM pg_available_extensions e JOIN pg_available_extension_versions v
                    ON v.name = e.name AND v.version = e.default_version
                 WHERE e.installed_version IS NULL AND v.superuser AND NOT v.trusted
                """, doing: "listing extensions on new"
            ).all.map(\.first))
        return used.filter { guarded.contains($0.first) }.map { row in
            let schema = visiblyQuoted(row[1])
            return
                "CREATE SCHEMA IF NOT EXISTS \(schema); CREATE EXTENSION \(visiblyQuoted(row.first)) SCHEMA \(schema);"
        }
    }

    /// Where somebody else makes it: the tables that are there.
    private func writing(_ new: Connection, _ role: String) throws -> [String] {
        let tables =
            (survey.carried[.new]?.tables.filter { ["r", "p"].contains($0.kind) }.map(\.name) ?? [])
            + survey.plan.dataB.tables.map(\.name)
        guard !tables.isEmpty else { return ["-- New has none of the tables yet: once it has, this again."] }
        let schemas = Set(tables.map { visiblyQuoted($0.schema) }).sorted()
        let owners = try new.query(
            """
            SELECT DISTINCT r.rolname, r.rolsuper FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
              JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname <> $2 ORDER BY 1
            """, [survey.carried[.new]?.numbers ?? "{}", new.role], doing: "listing owners on new"
        ).all.map { Owner(name: $0.first, isSuperuser: $0.bool(1)) }
        return ["GRANT USAGE ON SCHEMA \(schemas.joined(separator: ", ")) TO \(role);"]
            + (owners.isEmpty ? [] : ["-- for the way back and the fence, which take an owner"])
            + owners.map { membership($0, on: role) }
            + tables.map { "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \($0.pasteable) TO \(role);" }
    }
}
