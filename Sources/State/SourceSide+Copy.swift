// What the copy asks of the side it reads from: which tables hold rows, snapshots, and who waits behind our locks.

package import Model
package import Postgres

/// A table that holds rows itself: an ordinary one, or a leaf partition.
package struct SourceLeaf: Sendable {
    package let oid: UInt32
    package let name: QualifiedName
    /// Of its rows alone, without indexes; with what lies outside them.
    package let bytes: Int
    package let pages: Int
    /// By statistics; nil when there are none.
    package let rows: Int?
    /// Columns that hold values of their own, in order.
    package let columns: [RelationShape.Column]
    /// Names of the others, which it computes.
    package let generated: [String]
    /// What only a rewrite of the table changes.
    package let file: UInt32
    /// Columns by which the stream tells rows apart; none when it does so by the whole row, or not at all.
    package let key: [String]
    /// For each column whose values may be of any size, its type, or what its domain is of.
    package let unbounded: [UInt32?]
    /// What lies outside the rows, where values too large for a page are kept: nil for a partitioned table, 0 for what holds no
    /// rows of its own.
    package let aside: Int?

    /// What must stay as it is for parts read in different snapshots to fit together: the file that rows lie in, columns, key.
    package var form: String {
        let columns = columns.map { "\($0.name) \($0.type) \($0.modifier)" }
        return (["\(file)", key.joined(separator: "\u{1}")] + columns).joined(separator: "\u{2}")
    }

    /// As the stream would describe it, for laying it over new's table.
    package var shape: RelationShape {
        RelationShape(number: Int(oid), oid: oid, name: name, identity: .nothing, columns: columns)
    }
}

extension SourceSide {
    /// Every table in the publication that holds rows, tandem's own excepted.
    package func publishedLeafTables() throws(PostgresError) -> [SourceLeaf] {
        try leaves(
            "c.oid IN (\(published)) AND n.nspname <> 'tandem'", stream.description)
    }

    /// The tables that hold the rows of these.
    package func leafTables(of tables: [QualifiedName]) throws(PostgresError) -> [SourceLeaf] {
        let below = Set(try leafNames(below: tables) + tables)
        return try leaves("n.nspname <> $1", "tandem").filter { below.contains($0.name) }
    }

    /// Adds to the publication.
    package func publish(also tables: [SourceTable]) throws(PostgresError) {
        let list = tables.map { ($0.isPartitioned ? "" : "ONLY ") + $0.name.sql }.joined(separator: ", ")
        do {
            try connection.script(
                "SET lock_timeout = '10s'; ALTER PUBLICATION \(quoted(stream.description)) ADD TABLE \(list);"
                    + " SET lock_timeout = 0",
                doing: "adding to publication \(stream) on \(connection.label)")
        } catch { throw error.needing(Privilege.publish(on: connection)) }
    }

    /// Leaf partitions of these tables.
    package func leafNames(below tables: [QualifiedName]) throws(PostgresError) -> [QualifiedName] {
        let rows = try connection.query(
            """
            SELECT rn.nspname, r.relname, n.nspname, c.relname
              FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_partition_root(c.oid)::oid
              JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
             WHERE c.relkind = 'r' AND c.relispartition
            """, doing: "listing partitions on \(connection.label)")
        let wanted = Set(tables)
        return (0..<rows.rows).filter {
            wanted.contains(QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)))
        }.map { QualifiedName(schema: rows.string($0, 2), name: rows.string($0, 3)) }
    }

    /// Published tables that show rows of other tables, too: partitioned ones, and those that others inherit from.
    package func publishedWholes() throws(PostgresError) -> [QualifiedName] {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_publication p
              JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
              JOIN pg_catalog.pg_class c ON c.oid = r.prrelid AND (c.relkind = 'p' OR c.relhassubclass)
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE p.pubname = $1
            """, [stream.description], doing: "reading the publication on \(connection.label)")
        return (0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) }
    }

    /// One table as it is now; nil when it is gone.
    package func leaf(_ oid: UInt32) throws(PostgresError) -> SourceLeaf? {
        try leaves("c.oid = $1::oid", "\(oid)").first
    }

    /// Anything that has rows to read, by name: a partitioned table as a whole, also a view. Nil when there is no such thing.
    package func relation(_ name: QualifiedName) throws(PostgresError) -> SourceLeaf? {
        try leaves(
            "n.nspname || E'\\x01' || c.relname = $1", "\(name.schema)\u{1}\(name.name)",
            kinds: "c.relkind IN ('r', 'p', 'm', 'v', 'f')"
        ).first
    }

    private func leaves(
        _ condition: String, _ parameter: String, kinds: String = "c.relkind = 'r' AND c.relpersistence = 'p'"
    ) throws(PostgresError) -> [SourceLeaf] {
        // Of a table that is copied it is asked twice, and of thousands of tables planning would be most of it.
        let rows = try connection.query(
            planned: """
                SELECT c.oid, n.nspname, c.relname, coalesce(pg_catalog.pg_relation_size(c.oid), 0),
                       nullif(c.reltuples, -1)::int8, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0),
                       a.attname, a.atttypid, a.atttypmod,
                       (SELECT pg_catalog.string_agg(g.attname, E'\\x01') FROM pg_catalog.pg_attribute g
                         WHERE g.attrelid = c.oid AND g.attnum > 0 AND NOT g.attisdropped AND g.attgenerated <> ''),
                       (SELECT pg_catalog.string_agg(k.attname, E'\\x01' ORDER BY k.attname)
                          FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute k
                            ON k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
                         WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
                           AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)),
                       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8,
                       CASE WHEN a.attlen = -1 AND a.attstorage <> 'p' THEN coalesce(nullif(t.typbasetype, 0), t.oid) END,
                       CASE WHEN c.relkind = 'p' THEN NULL WHEN a.attlen <> -1 OR c.reltoastrelid = 0 THEN 0
                            ELSE coalesce(pg_catalog.pg_relation_size(c.reltoastrelid), 0) END
                  FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  LEFT JOIN pg_catalog.pg_attribute a
                    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                  LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                 WHERE \(kinds) AND \(condition)
                 ORDER BY c.oid, a.attnum
                """, [parameter], doing: "listing tables to copy on \(connection.label)")
        var leaves: [SourceLeaf] = []
        var row = 0
        while row < rows.rows {
            let first = row
            var columns: [RelationShape.Column] = []
            var unbounded: [UInt32?] = []
            var aside: Int? = rows.int(first, 13)
            while row < rows.rows, rows.string(row, 0) == rows.string(first, 0) {
                if let name = rows.text(row, 6) {
                    columns.append(
                        RelationShape.Column(
                            name: name, type: UInt32(rows.string(row, 7)) ?? 0,
                            modifier: Int32(rows.string(row, 8)) ?? -1, isKey: false))
                    unbounded.append(UInt32(rows.string(row, 12)))
                }
                aside = aside.map { max($0, rows.int(row, 13) ?? 0) }
                row += 1
            }
            leaves.append(
                SourceLeaf(
                    oid: UInt32(rows.string(first, 0)) ?? 0,
                    name: QualifiedName(schema: rows.string(first, 1), name: rows.string(first, 2)),
                    bytes: (rows.int(first, 3) ?? 0) + (aside ?? 0), pages: rows.int(first, 11) ?? 0,
                    rows: rows.int(first, 4),
                    columns: columns,
                    generated: rows.string(first, 9).split(separator: "\u{1}").map(String.init),
                    file: UInt32(rows.string(first, 5)) ?? 0,
                    key: rows.string(first, 10).split(separator: "\u{1}").map(String.init),
                    unbounded: unbounded, aside: aside))
        }
        return leaves
    }

    /// What can be seen now, or in the session's own snapshot when it has one.
    package func snapshot() throws(PostgresError) -> TransactionSnapshot {
        let text = try connection.query(
            "SELECT pg_catalog.pg_current_snapshot()", doing: "reading a snapshot on \(connection.label)"
        ).string(0, 0)
        guard let snapshot = TransactionSnapshot(text) else {
            throw PostgresError(.unexpected, "a snapshot that cannot be read: \(text)", doing: "reading a snapshot")
        }
        return snapshot
    }

    /// What another session's exported snapshot shows.
    package func contents(ofSnapshot name: String) throws(PostgresError) -> TransactionSnapshot {
        let doing = "reading the slot's snapshot on \(connection.label)"
        try connection.script(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT \(literal(name))", doing: doing)
        let snapshot = try snapshot()
        try connection.script("COMMIT", doing: doing)
        return snapshot
    }

    /// Who waits for a lock that one of these sessions holds, in words.
    package func waiters(behind sessions: [Int]) throws(PostgresError) -> [(table: UInt32, who: String)] {
        let rows = try connection.query(
            """
            SELECT l.relation, 'pid ' || l.pid || ' (' || coalesce(nullif(a.application_name, ''), '?') || ', '
                   || l.mode || ')'
              FROM pg_catalog.pg_locks l
              LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
             WHERE NOT l.granted AND l.locktype = 'relation' AND l.pid <> ALL ($1::int4[])
               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
               AND EXISTS (SELECT FROM pg_catalog.pg_locks h
                            WHERE h.granted AND h.locktype = 'relation' AND h.relation = l.relation
                              AND h.database = l.database AND h.pid = ANY ($1::int4[]))
            """, ["{" + sessions.map { "\($0)" }.joined(separator: ",") + "}"],
            doing: "looking who waits for the copy on \(connection.label)")
        return (0..<rows.rows).map { (UInt32(rows.string($0, 0)) ?? 0, withoutControls(rows.string($0, 1))) }
    }

    /// Who holds a lock that stands against reading this table, in words.
    package func holders(of oid: UInt32) throws(PostgresError) -> String? {
        let rows = try connection.query(
            """
            SELECT pg_catalog.string_agg('pid ' || l.pid || ' (' || coalesce(nullif(a.application_name, ''), '?')
                   || ')', ', ')
              FROM pg_catalog.pg_locks l
              LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
             WHERE l.granted AND l.locktype = 'relation' AND l.relation = $1::oid AND l.mode = 'AccessExclusiveLock'
            """, ["\(oid)"], doing: "looking who holds a table on \(connection.label)")
        return rows.text(0, 0).map { withoutControls($0) }
    }
}
