// What is asked once of either side before anything is made: the database, roles, extensions, places to store. One named
// question each; the comparing is done elsewhere.

internal import Model
package import Postgres

package struct SideReport {
    struct Database: Equatable {
        let encoding: String
        let collation: String
        let provider: String
    }

    struct Extension {
        let name: String
        let version: String
    }

    package struct Role {
        package let name: String
        /// As CREATE ROLE takes them.
        package let attributes: String
    }

    let connection: Connection

    package init(connection: Connection) { self.connection = connection }

    func ask(_ sql: String, to doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, doing: "\(doing) on \(connection.label)")
    }

    private func names(_ sql: String, to doing: String) throws(PostgresError) -> Set<String> {
        let rows = try ask(sql, to: doing)
        return Set((0..<rows.rows).map { rows.string($0, 0) })
    }

    func database() throws(PostgresError) -> Database {
        let rows = try ask(
            """
            SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate || ', ' || datctype,
                   coalesce(CASE j->>'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END
                            || coalesce(' ' || coalesce(j->>'datlocale', j->>'daticulocale'), ''), 'libc')
              FROM (SELECT d.*, pg_catalog.to_jsonb(d) AS j FROM pg_catalog.pg_database d
                     WHERE datname = pg_catalog.current_database()) d
            """, to: "reading the database's encoding")
        return Database(encoding: rows.string(0, 0), collation: rows.string(0, 1), provider: rows.string(0, 2))
    }

    func isSuperuser() throws(PostgresError) -> Bool {
        try ask("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user", to: "reading the role").bool(
            0, 0)
    }

    func extensions() throws(PostgresError) -> [Extension] {
        let rows = try ask(
            "SELECT extname, extversion FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' ORDER BY 1",
            to: "listing extensions")
        return (0..<rows.rows).map { Extension(name: rows.string($0, 0), version: rows.string($0, 1)) }
    }

    /// What CREATE EXTENSION would make, or has made.
    func availableExtensions() throws(PostgresError) -> [String: String] {
        let rows = try ask(
            "SELECT name, coalesce(installed_version, default_version) FROM pg_catalog.pg_available_extensions",
            to: "listing available extensions")
        return Dictionary((0..<rows.rows).map { (rows.string($0, 0), rows.string($0, 1)) }) { first, _ in first }
    }

    /// Owners, grantees, roles of policies and default privileges: all that objects of this database refer to.
    package func rolesInUse() throws(PostgresError) -> [Role] {
        let rows = try ask(
            """
            SELECT r.rolname, pg_catalog.concat_ws(' ',
                   CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcanlogin THEN 'LOGIN' END,
                   CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
                   CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
                   CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END)
              FROM pg_catalog.pg_roles r
             WHERE EXISTS (
                SELECT FROM pg_catalog.pg_shdepend d
                 WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = r.oid
                   AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                   AND NOT (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid IN (
                        SELECT oid FROM pg_catalog.pg_class
                         WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'tandem')))
                   AND NOT (d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid IN (
                        SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'tandem')))
             ORDER BY 1
            """, to: "listing roles")
        return (0..<rows.rows).map { Role(name: rows.string($0, 0), attributes: rows.string($0, 1)) }
    }

    package func roles() throws(PostgresError) -> Set<String> {
        try names("SELECT rolname FROM pg_catalog.pg_roles", to: "listing roles")
    }

    /// Roles that this session may make the owner of something.
    package func rolesToGiveTo() throws(PostgresError) -> Set<String> {
        let right = connection.serverMajor >= 16 ? "SET" : "MEMBER"
        return try names(
            "SELECT rolname FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role(oid, '\(right)')", to: "listing roles"
        )
    }

    /// Roles that own tables, types, functions or schemas of this database; what extensions brought is not counted.
    package func owners() throws(PostgresError) -> Set<String> {
        try names(
            """
            SELECT r.rolname FROM (
                SELECT c.relowner AS owner, c.relnamespace AS place, c.tableoid AS catalog, c.oid FROM pg_catalog.pg_class c
                 WHERE c.relkind NOT IN ('i', 'I', 't') AND c.relpersistence <> 't'
                UNION ALL SELECT p.proowner, p.pronamespace, p.tableoid, p.oid FROM pg_catalog.pg_proc p
                UNION ALL SELECT t.typowner, t.typnamespace, t.tableoid, t.oid FROM pg_catalog.pg_type t
                UNION ALL SELECT n.nspowner, n.oid, n.tableoid, n.oid FROM pg_catalog.pg_namespace n) o
              JOIN pg_catalog.pg_namespace n ON n.oid = o.place JOIN pg_catalog.pg_roles r ON r.oid = o.owner
             WHERE o.oid >= 16384 AND n.nspname <> 'tandem' AND n.nspname NOT LIKE 'pg\\_%'
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                                WHERE d.classid = o.catalog AND d.objid = o.oid AND d.deptype = 'e')
            """, to: "listing owners")
    }

    func tablespaces() throws(PostgresError) -> Set<String> {
        try names("SELECT spcname FROM pg_catalog.pg_tablespace", to: "listing tablespaces")
    }

    func accessMethods() throws(PostgresError) -> Set<String> {
        try names("SELECT amname FROM pg_catalog.pg_am", to: "listing access methods")
    }
}
