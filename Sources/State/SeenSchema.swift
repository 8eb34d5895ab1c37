// What either side keeps of its own schema, as the stream last knew it: the same on both sides, so in one place.

package import Model
package import Postgres

package struct SeenSchema {
    private let connection: Connection
    private let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        self.stream = stream
    }

    private func ask(_ sql: String, _ parameters: [String?], _ doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "\(doing) on \(connection.label)")
    }

    /// A stream that was prepared before there was such a thing has no table for it.
    private var hasTable: Bool {
        get throws(PostgresError) { try SchemaOwner.has("seen_schema", on: connection) }
    }

    /// The text that was recorded; nil when there is none.
    package func description() throws(PostgresError) -> String? {
        guard try hasTable else { return nil }
        let row = try ask(
            "SELECT description FROM tandem.seen_schema WHERE stream = $1", [stream.description],
            "reading which schema was seen")
        return row.rows == 1 ? row.string(0, 0) : nil
    }

    package func digest() throws(PostgresError) -> String? {
        guard try hasTable else { return nil }
        let row = try ask(
            "SELECT digest FROM tandem.seen_schema WHERE stream = $1", [stream.description],
            "reading which schema was seen")
        return row.rows == 1 ? row.string(0, 0) : nil
    }

    /// Schema `tandem` is there.
    package func record(digest: String, description: String) throws(PostgresError) {
        if try !hasTable {
            try connection.script(Schema.seen, doing: "making a table in schema tandem on \(connection.label)")
        }
        _ = try ask(
            """
            INSERT INTO tandem.seen_schema (stream, digest, description) VALUES ($1, $2, $3)
            ON CONFLICT (stream) DO UPDATE SET digest = excluded.digest, description = excluded.description, at = DEFAULT
            """, [stream.description, digest, description], "recording the schema")
    }

    func forget() throws(PostgresError) {
        guard try hasTable else { return }
        _ = try ask("DELETE FROM tandem.seen_schema WHERE stream = $1", [stream.description], "clearing state")
    }
}
