// Whose schema `tandem` is. Tables in it that somebody else had made could have triggers or be views, and would run that
// somebody's code as tandem's role: so each look at the schema asks first, on both sides.

internal import Model
internal import Postgres

enum SchemaOwner {
    /// Whether `tandem.<table>` is there, all of the schema belonging to roles that need not be feared. Asked without a parameter,
    /// because a statement with one is planned anew each of the first times, and this one is mostly planning.
    static func has(_ table: String, on connection: Connection) throws(PostgresError) -> Bool {
        let doing = "looking for schema tandem on \(connection.label)"
        let row = try connection.query(
            planned: """
                SELECT (SELECT pg_catalog.string_agg(c.relname::text, ' ') FROM pg_catalog.pg_class c
                         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tandem'), (
                    SELECT pg_catalog.pg_get_userbyid(o.owner)
                      FROM (SELECT n.nspowner AS owner FROM pg_catalog.pg_namespace n WHERE n.nspname = 'tandem'
                            UNION SELECT c.relowner FROM pg_catalog.pg_class c
                             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tandem') o
                      JOIN pg_catalog.pg_roles r ON r.oid = o.owner
                      JOIN pg_catalog.pg_roles me ON me.rolname = current_user
                     WHERE NOT r.rolsuper AND r.oid <> me.oid
                       AND (me.rolsuper OR NOT pg_catalog.pg_has_role(me.oid, r.oid, 'USAGE'))
                     LIMIT 1),
                    (SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') FROM pg_catalog.pg_namespace n
                      WHERE n.nspname = 'tandem')
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
