// Whose schema `tandem` is. Tables in it that somebody else had made could have triggers or be views, and would run that
// somebody's code as tandem's role: so each look at the schema asks first, on both sides.

internal import Model
internal import Postgres

enum SchemaOwner {
    /// Whether `tandem.<table>` is there, all of the schema belonging to roles that need not be feared. Asked without a parameter,
    /// because a statement with one is planned anew each of the first times, and this one is mostly planning. What is in the schema is
    /// asked of the schema: pg_class has no index for it, and would be read whole several times a second.
    static func has(_ table: String, on connection: Connection) throws(PostgresError) -> Bool {
        let doing = "looking for schema tandem on \(connection.label)"
        let row = try connection.query(
            planned: """
                WITH schema AS MATERIALIZED (
                    SELECT n.oid, n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = 'tandem'),
                own AS MATERIALIZED (
                    SELECT c.relname, c.relowner FROM schema
                      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                       AND d.refobjid = schema.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                     CROSS JOIN LATERAL (
                           SELECT c.relname, c.relowner FROM pg_catalog.pg_class c WHERE c.oid = d.objid OFFSET 0) AS c)
                SELECT (SELECT pg_catalog.string_agg(relname::text, ' ') FROM own), (
                    SELECT pg_catalog.pg_get_userbyid(o.owner)
                      FROM (SELECT nspowner AS owner FROM schema UNION SELECT relowner FROM own) AS o
                     WHERE pg_catalog.pg_get_userbyid(o.owner) <> current_user AND EXISTS (
                           SELECT FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles me ON me.rolname = current_user
                            WHERE r.oid = o.owner AND NOT r.rolsuper
                              AND (me.rolsuper OR NOT pg_catalog.pg_has_role(me.oid, r.oid, 'USAGE')))
                     LIMIT 1), (
                    SELECT d.description FROM schema
                      JOIN pg_catalog.pg_description d ON d.objoid = schema.oid AND d.objsubid = 0
                       AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
                """, [], doing: doing)
        if let stranger = row.text(0, 1) {
            throw PostgresError(
                .unexpected, "schema tandem there, or a table in it, belongs to \(visiblyQuoted(stranger))",
                doing: doing,
                serverHint:
                    "is it tandem's own, made under that role? Then use that role for tandem, or give the schema and"
                    + " its tables to the one it uses now. If not: DROP SCHEMA tandem CASCADE;")
        }
        if let problem = StateLayout.isTooNew(StateLayout.number(in: row.text(0, 2))) {
            throw PostgresError(.unexpected, problem, doing: doing, serverHint: StateLayout.tooNewHint)
        }
        return row.string(0, 0).split(separator: " ").contains { $0 == table }
    }
}
