// What of old's database new does not get, by name. Questions to old only.

internal import Model
package import Postgres

package struct LeftBehind {
    let old: SideReport
    let entries: [ArchiveEntry]
    let newIsSuperuser: Bool

    init(old: SideReport, entries: [ArchiveEntry], newIsSuperuser: Bool) {
        self.old = old
        self.entries = entries
        self.newIsSuperuser = newIsSuperuser
    }

    /// Without what only the archive tells.
    package init(old: SideReport) { self.init(old: old, entries: [], newIsSuperuser: true) }

    package func list() throws(PostgresError) -> [NotCarried] {
        var list: [NotCarried] = []
        list += try largeObjects()
        list += try relations()
        list += try replication()
        list += try databaseSettings()
        if !newIsSuperuser {
            list += entries.filter { $0.kind == "EVENT TRIGGER" }.map {
                NotCarried(
                    "event trigger", visiblyQuoted($0.tag),
                    "tandem's role on new is no superuser, which making one takes")
            }
        }
        return list
    }

    private func largeObjects() throws(PostgresError) -> [NotCarried] {
        let sql = "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata"
        let count = try old.ask(sql, to: "counting large objects").int(0, 0) ?? 0
        guard count > 0 else { return [] }
        return [NotCarried("large objects", nil, "logical replication does not contain them; old has \(count)")]
    }

    private func relations() throws(PostgresError) -> [NotCarried] {
        let rows = try old.ask(
            """
            SELECT n.nspname, c.relname, c.relkind, e.extname
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN (pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid)
                ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
               AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
             WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
               AND (c.relkind = 'r' AND c.relpersistence = 'u' OR c.relkind = 'f'
                    OR c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND e.oid IS NOT NULL)
             ORDER BY 1, 2
            """, to: "listing what is not carried")
        return (0..<rows.rows).map { row in
            let name = QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)).description
            if let brought = rows.text(row, 3) {
                return NotCarried(
                    "table", name,
                    "belongs to extension \(visiblyQuoted(brought)), which makes it; its rows are copied only if"
                        + " it is Data A")
            }
            return rows.string(row, 2) == "f"
                ? NotCarried("foreign table", name, "its definition only; its rows are on another server")
                : NotCarried("unlogged table", name, "made, but empty: its rows are not in the log")
        }
    }

    private func replication() throws(PostgresError) -> [NotCarried] {
        let rows = try old.ask(
            """
            SELECT 'publication', pubname FROM pg_catalog.pg_publication WHERE pubname NOT LIKE 'tandem\\_%'
            UNION ALL
            SELECT 'subscription', subname FROM pg_catalog.pg_subscription
             WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
             ORDER BY 1, 2
            """, to: "listing publications and subscriptions")
        return (0..<rows.rows).map { row in
            NotCarried(rows.string(row, 0), visiblyQuoted(rows.string(row, 1)), "make it on new when new takes over")
        }
    }

    /// ALTER DATABASE … SET, GRANT … ON DATABASE: they suit a machine as much as a database, so a person decides.
    private func databaseSettings() throws(PostgresError) -> [NotCarried] {
        let rows = try old.ask(
            """
            SELECT coalesce('role ' || pg_catalog.quote_ident(r.rolname) || ' ', '')
                   || pg_catalog.array_to_string(ARRAY(
                        SELECT pg_catalog.split_part(x, '=', 1) FROM pg_catalog.unnest(s.setconfig) x ORDER BY 1), ', ')
              FROM pg_catalog.pg_db_role_setting s
              JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
              LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
             WHERE d.datname = pg_catalog.current_database() ORDER BY 1
            """, to: "reading the database's settings")
        var list = (0..<rows.rows).map {
            NotCarried("database settings", rows.string($0, 0), "ALTER DATABASE … SET on new, where they suit it")
        }
        let sql = """
            SELECT datacl IS NOT NULL, datconnlimit <> -1 FROM pg_catalog.pg_database
             WHERE datname = pg_catalog.current_database()
            """
        let database = try old.ask(sql, to: "reading the database's rights")
        if database.bool(0, 0) {
            list.append(
                NotCarried(
                    "rights on the database itself", nil, "GRANT … ON DATABASE on new, as `psql -l` shows them on old"))
        }
        if database.bool(0, 1) {
            list.append(NotCarried("the database's connection limit", nil, "ALTER DATABASE … CONNECTION LIMIT on new"))
        }
        return list
    }
}
