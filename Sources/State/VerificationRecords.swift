// What is kept of comparisons on new: how each ended, with positions, counts and digests; and of one that is under way, how
// far it has come, so that it goes on after a kill.

package import Model
package import Postgres

/// How one comparison of one table ended.
package struct VerificationRecord: Sendable {
    package enum Verdict: String, Sendable { case equal, differs, unsettled, failed }

    package var table: QualifiedName
    package var verdict: Verdict
    package var rowsOld = 0
    package var rowsNew = 0
    package var digestOld = ""
    package var digestNew = ""
    package var differing = 0
    package var repaired = 0
    package var oldPosition = LSN.zero
    package var newPosition = LSN.zero
    package var seconds = 0.0
    package var detail: String?
    /// Seconds since it ended.
    package var age = 0.0
    package var at = ""

    package init(table: QualifiedName, verdict: Verdict) {
        self.table = table
        self.verdict = verdict
    }
}

/// How far a comparison has come that was not finished.
package struct VerificationCheckpoint: Sendable {
    /// What was compared, and how: another form means beginning again.
    package var form: String
    package var cursor: [String]
    package var digestOld: String
    package var digestNew: String
    /// Keys to be looked at again, as JSON.
    package var suspects: String

    package init(form: String, cursor: [String], digestOld: String, digestNew: String, suspects: String) {
        self.form = form
        self.cursor = cursor
        self.digestOld = digestOld
        self.digestNew = digestNew
        self.suspects = suspects
    }
}

extension Schema {
    static let verification = """

        CREATE TABLE IF NOT EXISTS tandem.verification (
            stream pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            table_name pg_catalog.text NOT NULL,
            at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            verdict pg_catalog.text NOT NULL,
            rows_old pg_catalog.int8 NOT NULL,
            rows_new pg_catalog.int8 NOT NULL,
            digest_old pg_catalog.text NOT NULL,
            digest_new pg_catalog.text NOT NULL,
            differing pg_catalog.int8 NOT NULL,
            repaired pg_catalog.int8 NOT NULL,
            old_lsn pg_catalog.pg_lsn NOT NULL,
            new_lsn pg_catalog.pg_lsn NOT NULL,
            seconds pg_catalog.float8 NOT NULL,
            detail pg_catalog.text,
            PRIMARY KEY (stream, schema_name, table_name, at));
        CREATE TABLE IF NOT EXISTS tandem.verification_progress (
            stream pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            table_name pg_catalog.text NOT NULL,
            form pg_catalog.text NOT NULL,
            cursor pg_catalog.text[] NOT NULL,
            digest_old pg_catalog.text NOT NULL,
            digest_new pg_catalog.text NOT NULL,
            suspects pg_catalog.text NOT NULL,
            owner pg_catalog.text NOT NULL,
            backend pg_catalog.int4 NOT NULL DEFAULT pg_catalog.pg_backend_pid(),
            at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            PRIMARY KEY (stream, schema_name, table_name, owner));
        """
}

package struct VerificationRecords {
    private let connection: Connection
    private let stream: StreamName
    private let owner: Owner
    /// Records kept of each table.
    private static let kept = 100

    /// Whose comparison is under way: nobody goes on with another's, of which he cannot know when it looked.
    package enum Owner: String, Sendable {
        /// The running stream.
        case stream
        /// Who asked for it.
        case command
    }

    package init(_ connection: Connection, _ stream: StreamName, _ owner: Owner = .command) {
        self.connection = connection
        self.stream = stream
        self.owner = owner
    }

    @discardableResult
    private func ask(_ sql: String, _ parameters: [String?], to doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "\(doing) on \(connection.label)")
    }

    private var isThere: Bool {
        get throws(PostgresError) { try SchemaOwner.has("verification_progress", on: connection) }
    }

    /// Schema `tandem` is there; a stream that is older than these tables gets them now.
    package func install() throws(PostgresError) {
        guard try !isThere else { return }
        try connection.script(
            "BEGIN; \(Schema.verification) COMMIT", doing: "making tables in schema tandem on \(connection.label)")
    }

    private func key(_ table: QualifiedName) -> [String?] { [stream.description, table.schema, table.name] }

    package func note(_ record: VerificationRecord) throws(PostgresError) {
        let doing = "recording a comparison"
        try ask(
            """
            WITH gone AS (DELETE FROM tandem.verification_progress
                           WHERE stream = $1 AND schema_name = $2 AND table_name = $3 AND owner = $15)
            INSERT INTO tandem.verification (stream, schema_name, table_name, verdict, rows_old, rows_new, digest_old,
                digest_new, differing, repaired, old_lsn, new_lsn, seconds, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            key(record.table) + [
                record.verdict.rawValue, "\(record.rowsOld)", "\(record.rowsNew)", record.digestOld, record.digestNew,
                "\(record.differing)", "\(record.repaired)", record.oldPosition.description,
                record.newPosition.description, "\(record.seconds)", record.detail, owner.rawValue,
            ], to: doing)
        // The last time it was equal is never forgotten.
        try ask(
            """
            DELETE FROM tandem.verification v WHERE stream = $1 AND schema_name = $2 AND table_name = $3 AND at < (
                SELECT min(at) FROM (SELECT at FROM tandem.verification WHERE stream = $1 AND schema_name = $2
                    AND table_name = $3 ORDER BY at DESC LIMIT \(Self.kept)) newest)
               AND at <> (SELECT max(at) FROM tandem.verification WHERE stream = $1 AND schema_name = $2
                    AND table_name = $3 AND verdict = 'equal')
            """, key(record.table), to: doing)
    }

    package enum Which: String, Sendable {
        case any
        /// Not those of single rows.
        case whole
        case equal
    }

    /// What is said in `detail` of a comparison that only looked at some rows.
    package static let ofSomeRows = "rows that have just changed"

    /// Of each table the last comparison of that kind.
    package func last(_ which: Which) throws(PostgresError) -> [VerificationRecord] {
        guard try isThere else { return [] }
        let rows = try ask(
            """
            SELECT DISTINCT ON (schema_name, table_name) schema_name, table_name, verdict, rows_old, rows_new, digest_old,
                   digest_new, differing, repaired, old_lsn, new_lsn, seconds, detail,
                   extract(epoch FROM pg_catalog.clock_timestamp() - at),
                   pg_catalog.to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
              FROM tandem.verification WHERE stream = $1 AND ($2 <> 'equal' OR verdict = 'equal')
               AND ($2 <> 'whole' OR detail IS DISTINCT FROM '\(Self.ofSomeRows)')
             ORDER BY schema_name, table_name, at DESC
            """, [stream.description, which.rawValue], to: "reading which tables were compared")
        return (0..<rows.rows).map { row in
            var record = VerificationRecord(
                table: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                verdict: VerificationRecord.Verdict(rawValue: rows.string(row, 2)) ?? .failed)
            record.rowsOld = rows.int(row, 3) ?? 0
            record.rowsNew = rows.int(row, 4) ?? 0
            record.digestOld = rows.string(row, 5)
            record.digestNew = rows.string(row, 6)
            record.differing = rows.int(row, 7) ?? 0
            record.repaired = rows.int(row, 8) ?? 0
            record.oldPosition = LSN(rows.string(row, 9)) ?? .zero
            record.newPosition = LSN(rows.string(row, 10)) ?? .zero
            record.seconds = Double(rows.string(row, 11)) ?? 0
            record.detail = rows.text(row, 12)
            record.age = Double(rows.string(row, 13)) ?? 0
            record.at = rows.string(row, 14)
            return record
        }
    }

    // MARK: under way

    package func keep(_ checkpoint: VerificationCheckpoint, of table: QualifiedName) throws(PostgresError) {
        let cursor =
            "{"
            + checkpoint.cursor.map { text in
                "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
            }.joined(separator: ",") + "}"
        try ask(
            """
            INSERT INTO tandem.verification_progress (stream, schema_name, table_name, form, cursor, digest_old, digest_new,
                suspects, owner)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (stream, schema_name, table_name, owner) DO UPDATE SET form = excluded.form,
                cursor = excluded.cursor, digest_old = excluded.digest_old, digest_new = excluded.digest_new,
                suspects = excluded.suspects, backend = DEFAULT, at = DEFAULT
            """,
            key(table) + [
                checkpoint.form, cursor, checkpoint.digestOld, checkpoint.digestNew, checkpoint.suspects,
                owner.rawValue,
            ],
            to: "recording how far a comparison has come")
    }

    /// Nil when there is none, when it was left too long ago, or when somebody is still at it.
    package func checkpoint(of table: QualifiedName) throws(PostgresError) -> VerificationCheckpoint? {
        guard try isThere else { return nil }
        let doing = "reading how far a comparison has come"
        let row = try ask(
            """
            SELECT form, digest_old, digest_new, suspects, c.part
              FROM tandem.verification_progress p
              CROSS JOIN LATERAL unnest(p.cursor) WITH ORDINALITY AS c(part, place)
             WHERE stream = $1 AND schema_name = $2 AND table_name = $3 AND owner = $4
               AND at > pg_catalog.clock_timestamp() - $5::interval
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = p.backend)
             ORDER BY c.place
            """, key(table) + [owner.rawValue, owner == .command ? "1 hour" : "1 day"], to: doing)
        guard row.rows > 0 else { return nil }
        return VerificationCheckpoint(
            form: row.string(0, 0), cursor: (0..<row.rows).map { row.string($0, 4) }, digestOld: row.string(0, 1),
            digestNew: row.string(0, 2), suspects: row.string(0, 3))
    }

    package func forgetCheckpoint(of table: QualifiedName) throws(PostgresError) {
        try ask(
            """
            DELETE FROM tandem.verification_progress
             WHERE stream = $1 AND schema_name = $2 AND table_name = $3 AND owner = $4
            """, key(table) + [owner.rawValue], to: "beginning a comparison again")
    }

    // MARK: removal

    func forget() throws(PostgresError) {
        guard try isThere else { return }
        for table in ["verification", "verification_progress"] {
            try ask("DELETE FROM tandem.\(table) WHERE stream = $1", [stream.description], to: "clearing state")
        }
    }
}
