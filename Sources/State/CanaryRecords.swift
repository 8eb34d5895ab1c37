// How each probe of `canary` ended when it was last tried. Kept on new, below the stream forward, whichever side is in charge.

package import Model
package import Postgres

package struct CanaryRecord: Sendable {
    package enum Verdict: String, Sendable {
        case passed
        /// The sides do not answer alike.
        case differs
        /// They do, and something else that was asked for does not hold.
        case refused
        /// It could not be told.
        case unknown
    }

    package var name: String
    /// What was asked and wanted: another form is another probe.
    package var form: String
    package var verdict: Verdict
    /// Where the pair stood: the number of its epoch, which no other visit to the same step has.
    package var epoch: Int
    /// Why it did not pass.
    package var detail: String?
    /// Seconds since.
    package var age = 0.0

    package init(name: String, form: String, verdict: Verdict, epoch: Int, detail: String?) {
        self.name = name
        self.form = form
        self.verdict = verdict
        self.epoch = epoch
        self.detail = detail
    }
}

extension Schema {
    static let canary = """

        CREATE TABLE IF NOT EXISTS tandem.canary (
            stream pg_catalog.text NOT NULL,
            name pg_catalog.text NOT NULL,
            form pg_catalog.text NOT NULL,
            verdict pg_catalog.text NOT NULL,
            epoch pg_catalog.int8 NOT NULL,
            detail pg_catalog.text,
            at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            PRIMARY KEY (stream, name));
        """
}

package struct CanaryRecords {
    private let connection: Connection
    private let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        self.stream = stream.direction == .forward ? stream : stream.opposite
    }

    private var isThere: Bool { get throws(PostgresError) { try SchemaOwner.has("canary", on: connection) } }

    package func note(_ record: CanaryRecord) throws(PostgresError) {
        let doing = "recording what `canary` found on \(connection.label)"
        if try !isThere { try connection.script("BEGIN; \(Schema.canary) COMMIT", doing: doing) }
        try connection.query(
            """
            INSERT INTO tandem.canary (stream, name, form, verdict, epoch, detail) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (stream, name) DO UPDATE SET form = excluded.form, verdict = excluded.verdict,
                epoch = excluded.epoch, detail = excluded.detail, at = excluded.at
            """,
            [
                stream.description, record.name, record.form, record.verdict.rawValue, "\(record.epoch)", record.detail,
            ], doing: doing)
    }

    /// What is not named any more leaves nothing behind.
    package func forget(allBut names: [String]) throws(PostgresError) {
        guard try isThere else { return }
        try connection.query(
            "DELETE FROM tandem.canary WHERE stream = $1 AND name <> ALL ($2::text[])",
            [stream.description, arrayText(names)], doing: "recording what `canary` found on \(connection.label)")
    }

    package func read() throws(PostgresError) -> [CanaryRecord] {
        guard try isThere else { return [] }
        let rows = try connection.query(
            """
            SELECT name, form, verdict, epoch, detail, extract(epoch FROM pg_catalog.clock_timestamp() - at)
              FROM tandem.canary WHERE stream = $1
            """, [stream.description], doing: "reading what `canary` found on \(connection.label)")
        return (0..<rows.rows).map { row in
            var record = CanaryRecord(
                name: rows.string(row, 0), form: rows.string(row, 1),
                verdict: CanaryRecord.Verdict(rawValue: rows.string(row, 2)) ?? .unknown, epoch: rows.int(row, 3) ?? 0,
                detail: rows.text(row, 4))
            record.age = Double(rows.string(row, 5)) ?? 0
            return record
        }
    }

    func forget() throws(PostgresError) {
        guard try isThere else { return }
        try connection.query(
            "DELETE FROM tandem.canary WHERE stream = $1", [stream.description],
            doing: "clearing state on \(connection.label)")
    }
}
