// Objects that are on both sides and are left as they are on new, but say something else there: functions, enum types,
// and, between servers of one version, views. Other kinds are not compared. Finds, never changes.

internal import Model
package import Postgres

package enum ObjectDifferences {
    package static func find(old: Connection, new: Connection) throws(PostgresError) -> [String] {
        let views = old.serverMajor == new.serverMajor
        let (left, right) = (try definitions(old, views: views), try definitions(new, views: views))
        return left.compactMap { identity, digest in
            guard let other = right[identity], other != digest else { return nil }
            return "\(identity) is on new already, and is not the same there"
        }.sorted()
    }

    private static func definitions(_ connection: Connection, views: Bool) throws(PostgresError) -> [String: String] {
        let functions = """
            SELECT i.type || ' ' || i.identity,
                   pg_catalog.md5(pg_catalog.concat_ws('/', p.prosrc, p.probin, p.prosecdef, p.provolatile, p.prorettype::regtype))
              FROM pg_catalog.pg_proc p
             CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i
             WHERE p.oid >= 16384 AND p.prokind <> 'a'
            """
        let enums = """
            SELECT i.type || ' ' || i.identity, (
                    SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder))
                      FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
              FROM pg_catalog.pg_type t
             CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_type'::regclass, t.oid, 0) i
             WHERE t.oid >= 16384 AND t.typtype = 'e'
            """
        let viewed = """
            SELECT i.type || ' ' || i.identity, pg_catalog.md5(pg_catalog.pg_get_viewdef(c.oid))
              FROM pg_catalog.pg_class c
             CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0) i
             WHERE c.oid >= 16384 AND c.relkind IN ('v', 'm')
            """
        let sql = ([functions, enums] + (views ? [viewed] : [])).joined(separator: " UNION ALL ")
        let rows = try connection.query(sql, doing: "comparing definitions on \(connection.label)")
        return Dictionary((0..<rows.rows).map { (withoutControls(rows.string($0, 0)), rows.string($0, 1)) }) {
            first, _ in
            first
        }
    }
}
