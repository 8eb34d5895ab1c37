// Foreign keys of new whose rows were not looked at yet.

internal import Model
internal import Postgres

struct ForeignKey {
    let identity: ObjectIdentity
    let table: QualifiedName
    let name: String

    static func unchecked(on connection: Connection) throws(PostgresError) -> [ForeignKey] {
        let rows = try connection.query(
            """
            SELECT i.type, i.identity, n.nspname, c.relname, k.conname
              FROM pg_catalog.pg_constraint k
              JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_constraint'::regclass, k.oid, 0) i
             WHERE k.contype = 'f' AND NOT k.convalidated
             ORDER BY 2
            """, doing: "listing foreign keys on \(connection.label)")
        return (0..<rows.rows).map { row in
            ForeignKey(
                identity: ObjectIdentity(type: rows.string(row, 0), name: rows.string(row, 1)),
                table: QualifiedName(schema: rows.string(row, 2), name: rows.string(row, 3)), name: rows.string(row, 4))
        }
    }

    func validate(on connection: Connection) throws(PostgresError) {
        try connection.script(
            "ALTER TABLE \(table.sql) VALIDATE CONSTRAINT \(quoted(name))",
            doing: "checking \(identity) on \(connection.label)")
    }
}
