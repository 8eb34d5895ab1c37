// What on the side a stream reads from keeps rows from being found again: tables without a replica identity, and
// identities of which a part cannot be published. Looked for before anything is published.

internal import Model
internal import Postgres

extension SourceSide {
    /// Tables and leaf partitions without a usable replica identity, by the table they are published with. A partition
    /// has an identity of its own: FULL on its root does not count for it.
    func unidentified() throws(PostgresError) -> [QualifiedName: [UnidentifiedRelation]] {
        let sql = """
            SELECT rn.nspname, r.relname, n.nspname, c.relname, c.relreplident = 'n',
                   coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0)
                   + coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0) > 0
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_catalog.pg_class r
                ON r.oid = CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::oid ELSE c.oid END
              JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
             WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident <> 'f'
               AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_index i
                    WHERE i.indrelid = c.oid AND i.indisvalid
                      AND (c.relreplident = 'd' AND i.indisprimary AND i.indimmediate
                           OR c.relreplident = 'i' AND i.indisreplident))
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tandem')
            """
        let rows = try ask(sql, [], to: "looking for tables without identity")
        var found: [QualifiedName: [UnidentifiedRelation]] = [:]
        for row in 0..<rows.rows {
            let table = QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1))
            let name = QualifiedName(schema: rows.string(row, 2), name: rows.string(row, 3))
            found[table, default: []].append(
                UnidentifiedRelation(name: name, isDeclared: rows.bool(row, 4), hasChanges: rows.bool(row, 5)))
        }
        return found
    }

    /// Before PostgreSQL 18 no generated column is published, and since then no virtual one. Under REPLICA IDENTITY FULL a
    /// row is found by what is published of it; but PostgreSQL 18 refuses to update it then.
    func unpublishedIdentities() throws(PostgresError) -> [QualifiedName: [UnpublishedIdentity]] {
        let isUnpublished = connection.serverMajor >= 18 ? "a.attgenerated = 'v'" : "a.attgenerated <> ''"
        let sql = """
            SELECT rn.nspname, r.relname, n.nspname, c.relname, a.attname, c.relreplident = 'f'
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_class r ON r.oid = CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END
              JOIN pg_namespace rn ON rn.oid = r.relnamespace
             WHERE \(isUnpublished) AND NOT a.attisdropped AND c.relkind = 'r' AND c.relpersistence = 'p'
               AND (c.relreplident = 'f' AND a.attgenerated = 'v' OR EXISTS (
                    SELECT FROM pg_index i
                     WHERE i.indrelid = c.oid AND i.indisvalid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                       AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)))
             ORDER BY 1, 2, 3, 4, a.attnum
            """
        let rows = try ask(sql, [], to: "looking for identities that cannot be published")
        var found: [QualifiedName: [UnpublishedIdentity]] = [:]
        for row in 0..<rows.rows {
            let table = QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1))
            let name = QualifiedName(schema: rows.string(row, 2), name: rows.string(row, 3))
            found[table, default: []].append(
                UnpublishedIdentity(table: name, column: rows.string(row, 4), breaksUpdates: rows.bool(row, 5)))
        }
        return found
    }
}
