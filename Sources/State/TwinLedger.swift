// What became of the rows that applications wrote on both sides, by table and by who wrote them, as its transactions told; who is
// not told of has no name here. Kept on the side that the watching stream writes its progress to. Counts of the last moment may be missing after a crash, or there twice: what was not acknowledged is
// looked at again.

package import Model
package import Postgres

package struct TwinCounts: Sendable, Equatable {
    /// The same when it was first looked at.
    package var matched = 0
    /// Different at first, then the same without repair: one side was only slower.
    package var late = 0
    /// Missing or otherwise than on the side in charge, and written again.
    package var failed = 0
    /// There without being on the side in charge, and deleted.
    package var orphan = 0
    /// Written by other replication.
    package var foreign = 0
    /// Rows that repair has written or deleted, each as often as it did.
    package var repaired = 0

    package init() {}

    package var isEmpty: Bool { self == TwinCounts() }

    package mutating func add(_ other: TwinCounts) {
        matched += other.matched
        late += other.late
        failed += other.failed
        orphan += other.orphan
        foreign += other.foreign
        repaired += other.repaired
    }
}

package struct TwinTable: Sendable, Equatable {
    package let table: QualifiedName
    /// By application_name of who wrote a row last when it was found so; empty where that is not known.
    package private(set) var writers: [String: TwinCounts]

    package init(table: QualifiedName, writers: [String: TwinCounts]) { (self.table, self.writers) = (table, writers) }

    /// Of all who wrote it.
    package var counts: TwinCounts {
        writers.values.reduce(into: TwinCounts()) { $0.add($1) }
    }

    /// Of all tables; nil when nothing was counted.
    package static func total(_ tables: [TwinTable]) -> TwinCounts? {
        var sum = TwinCounts()
        for table in tables { sum.add(table.counts) }
        return sum.isEmpty ? nil : sum
    }

    /// What the pair's two streams have counted, each table once.
    package static func sum(_ one: [TwinTable], _ other: [TwinTable]) -> [TwinTable] {
        var sums: [QualifiedName: TwinTable] = [:]
        for twin in one + other {
            for (writer, counts) in twin.writers {
                sums[twin.table, default: TwinTable(table: twin.table, writers: [:])]
                    .writers[writer, default: TwinCounts()].add(counts)
            }
        }
        return sums.values.sorted { $0.table < $1.table }
    }
}

extension TargetSide {
    private var hasTwins: Bool {
        get throws(PostgresError) {
            try ask("SELECT pg_catalog.to_regclass('tandem.twin') IS NOT NULL", to: "looking for the twin ledger")
                .bool(0, 0)
        }
    }

    package func installTwins() throws(PostgresError) {
        guard try !hasTwins else { return }
        try connection.script(Schema.twin, doing: "making a table in schema tandem on \(connection.label)")
    }

    package func twins() throws(PostgresError) -> [TwinTable] {
        guard try hasTwins else { return [] }
        // Before layout 3 there was one row for each table.
        let rows = try ask(
            """
            SELECT schema_name, table_name, matched, late, failed, orphan, foreign_, repaired,
                   coalesce(pg_catalog.to_jsonb(t) ->> 'application', '') FROM tandem.twin t WHERE stream = $1
            """, [stream.description], to: "reading the twin ledger")
        let found = (0..<rows.rows).map { row in
            var counts = TwinCounts()
            counts.matched = rows.int(row, 2) ?? 0
            counts.late = rows.int(row, 3) ?? 0
            counts.failed = rows.int(row, 4) ?? 0
            counts.orphan = rows.int(row, 5) ?? 0
            counts.foreign = rows.int(row, 6) ?? 0
            counts.repaired = rows.int(row, 7) ?? 0
            return TwinTable(
                table: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                writers: [rows.string(row, 8): counts])
        }
        return TwinTable.sum(found, [])
    }

    package func add(_ counts: TwinCounts, of table: QualifiedName, by writer: String) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.twin AS t (stream, schema_name, table_name, application, matched, late, failed, orphan, foreign_,
                                          repaired)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (stream, schema_name, table_name, application) DO UPDATE SET
                matched = t.matched + excluded.matched, late = t.late + excluded.late, failed = t.failed + excluded.failed,
                orphan = t.orphan + excluded.orphan, foreign_ = t.foreign_ + excluded.foreign_,
                repaired = t.repaired + excluded.repaired, last_at = DEFAULT
            """,
            [stream.description, table.schema, table.name, writer]
                + [counts.matched, counts.late, counts.failed, counts.orphan, counts.foreign, counts.repaired].map {
                    "\($0)"
                },
            to: "counting twins")
    }

    package func forgetTwins() throws(PostgresError) {
        guard try hasTwins else { return }
        try ask("DELETE FROM tandem.twin WHERE stream = $1", [stream.description], to: "clearing state")
    }

    /// Names of the columns of that table's primary key here; empty without one, or without such a table.
    package func primaryKey(of table: QualifiedName) throws(PostgresError) -> [String] {
        let rows = try ask(
            """
            SELECT a.attname FROM pg_catalog.pg_index i
              JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) p
              JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[p]
             WHERE n.nspname = $1 AND c.relname = $2 AND i.indisprimary AND i.indimmediate ORDER BY p
            """, [table.schema, table.name], to: "looking up the key of \(table)")
        return (0..<rows.rows).map { rows.string($0, 0) }
    }
}

extension Schema {
    static let twin = """

        CREATE TABLE IF NOT EXISTS tandem.twin (
            stream pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            table_name pg_catalog.text NOT NULL,
            application pg_catalog.text NOT NULL DEFAULT '',
            matched pg_catalog.int8 NOT NULL,
            late pg_catalog.int8 NOT NULL,
            failed pg_catalog.int8 NOT NULL,
            orphan pg_catalog.int8 NOT NULL,
            foreign_ pg_catalog.int8 NOT NULL,
            repaired pg_catalog.int8 NOT NULL,
            last_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            PRIMARY KEY (stream, schema_name, table_name, application));
        """

    /// Before layout 3 it was kept by table alone.
    static let twinByWriter = """
        ALTER TABLE IF EXISTS tandem.twin ADD COLUMN IF NOT EXISTS application pg_catalog.text NOT NULL DEFAULT '',
            DROP CONSTRAINT twin_pkey, ADD PRIMARY KEY (stream, schema_name, table_name, application)
        """
}
