// What either side remembers of the evidence log: number and hash of every entry, so that a log that was cut off or changed
// shows. The same on both sides, so in one place.

package import Model
package import Postgres

/// What a side remembers of one entry.
package struct EvidenceMark: Sendable, Equatable {
    package let number: Int
    package let hash: String
    package let host: String

    package init(number: Int, hash: String, host: String) {
        self.number = number
        self.hash = hash
        self.host = host
    }
}

package struct EvidenceMarks {
    private let connection: Connection
    private let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        self.stream = stream
    }

    private func ask(_ sql: String, _ parameters: [String?], _ doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "\(doing) on \(connection.label)")
    }

    /// Nil where tandem keeps nothing: before a stream is prepared, and after `abort`.
    package func last() throws(PostgresError) -> EvidenceMark? {
        guard try hasTable else { return nil }
        return try marks(
            """
            SELECT number, hash, host FROM tandem.evidence WHERE stream = $1 ORDER BY number DESC LIMIT 1
            """
        ).first
    }

    package func all() throws(PostgresError) -> [EvidenceMark] {
        guard try hasTable else { return [] }
        return try marks("SELECT number, hash, host FROM tandem.evidence WHERE stream = $1 ORDER BY number")
    }

    private func marks(_ sql: String) throws(PostgresError) -> [EvidenceMark] {
        let rows = try ask(sql, [stream.description], "reading what is known of the evidence")
        return (0..<rows.rows).map { row in
            EvidenceMark(number: rows.int(row, 0) ?? 0, hash: rows.string(row, 1), host: rows.string(row, 2))
        }
    }

    /// Whether entries can be remembered: tandem has prepared something here. Makes the table when only that is missing.
    package func isReady() throws(PostgresError) -> Bool {
        if try hasTable { return true }
        let there = try ask(
            "SELECT to_regclass('tandem.source') IS NOT NULL OR to_regclass('tandem.stream') IS NOT NULL", [],
            "looking for schema tandem")
        guard there.bool(0, 0) else { return false }
        try connection.script(Schema.evidence, doing: "making a table in schema tandem on \(connection.label)")
        return true
    }

    package func remember(_ marks: [EvidenceMark]) throws(PostgresError) {
        func array(_ values: [String]) -> String {
            "{"
                + values.map { "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
                .joined(separator: ",") + "}"
        }
        _ = try ask(
            """
            INSERT INTO tandem.evidence (stream, number, hash, host)
            SELECT $1, number, hash, host FROM unnest($2::int8[], $3::text[], $4::text[]) AS m(number, hash, host)
            ON CONFLICT DO NOTHING
            """,
            [
                stream.description, array(marks.map { "\($0.number)" }), array(marks.map(\.hash)),
                array(marks.map(\.host)),
            ], "recording evidence")
    }

    private var hasTable: Bool {
        get throws(PostgresError) { try SchemaOwner.has("evidence", on: connection) }
    }

    func forget() throws(PostgresError) {
        guard try hasTable else { return }
        _ = try ask("DELETE FROM tandem.evidence WHERE stream = $1", [stream.description], "clearing state")
    }

    // MARK: how a side stands

    package struct Standing: Sendable {
        package let position: String
        /// Nil where tandem's role may not ask.
        package let system: String?
        package let timeline: String?
        package let schema: String?
    }

    package func standing() throws(PostgresError) -> Standing {
        let position = try ask("SELECT pg_current_wal_insert_lsn()", [], "reading the current position").string(0, 0)
        var identity: Result?
        do throws(PostgresError) {
            identity = try ask(
                "SELECT s.system_identifier, c.timeline_id FROM pg_control_system() s, pg_control_checkpoint() c", [],
                "reading the system identifier")
        } catch {
            guard error.sqlState == "42501" else { throw error }
        }
        return Standing(
            position: position, system: identity?.text(0, 0), timeline: identity?.text(0, 1),
            schema: try SeenSchema(connection, stream).digest())
    }
}
