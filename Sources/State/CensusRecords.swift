// Who was seen writing a side, in which mode, and when last. Kept on the side that the stream which reads that log writes to.

package import Model
package import Postgres

package struct Writer: Hashable, Sendable {
    package let application: String
    package let role: String
    /// As declared; empty where nothing was.
    package let mode: String

    package init(application: String, role: String, mode: String) {
        (self.application, self.role, self.mode) = (application, role, mode)
    }
}

package struct SeenWriter: Sendable, Equatable {
    package let writer: Writer
    package let transactions: Int
    /// Seconds ago.
    package let first: Double
    package let last: Double

    package init(writer: Writer, transactions: Int, first: Double, last: Double) {
        (self.writer, self.transactions, self.first, self.last) = (writer, transactions, first, last)
    }
}

package struct CensusRecords {
    private let connection: Connection
    private let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        (self.connection, self.stream) = (connection, stream)
    }

    private var isThere: Bool {
        get throws(PostgresError) {
            try connection.query(
                "SELECT pg_catalog.to_regclass('tandem.census') IS NOT NULL",
                doing: "looking for the census on \(connection.label)"
            ).bool(0, 0)
        }
    }

    package func add(_ seen: [Writer: Int]) throws(PostgresError) {
        let doing = "writing the census on \(connection.label)"
        if try !isThere { try connection.script(Schema.census, doing: doing) }
        for (writer, count) in seen {
            try connection.query(
                """
                INSERT INTO tandem.census AS c (stream, application, role, mode, transactions) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (stream, application, role, mode) DO UPDATE
                    SET transactions = c.transactions + excluded.transactions, last_at = excluded.last_at
                """, [stream.description, writer.application, writer.role, writer.mode, "\(count)"], doing: doing)
        }
    }

    /// Nil when nobody has ever been looked for.
    package func read() throws(PostgresError) -> [SeenWriter]? {
        guard try isThere else { return nil }
        let rows = try connection.query(
            """
            SELECT application, role, mode, transactions, extract(epoch FROM pg_catalog.clock_timestamp() - first_at),
                   extract(epoch FROM pg_catalog.clock_timestamp() - last_at)
              FROM tandem.census WHERE stream = $1 ORDER BY 1, 3, 2
            """, [stream.description], doing: "reading the census on \(connection.label)")
        return (0..<rows.rows).map { row in
            SeenWriter(
                writer: Writer(application: rows.string(row, 0), role: rows.string(row, 1), mode: rows.string(row, 2)),
                transactions: rows.int(row, 3) ?? 0, first: Double(rows.string(row, 4)) ?? 0,
                last: Double(rows.string(row, 5)) ?? 0)
        }
    }

    package func forget() throws(PostgresError) {
        guard try isThere else { return }
        try connection.query(
            "DELETE FROM tandem.census WHERE stream = $1", [stream.description],
            doing: "clearing the census on \(connection.label)")
    }
}

extension Schema {
    static let census = """

        CREATE TABLE IF NOT EXISTS tandem.census (
            stream pg_catalog.text NOT NULL,
            application pg_catalog.text NOT NULL,
            role pg_catalog.text NOT NULL,
            mode pg_catalog.text NOT NULL,
            transactions pg_catalog.int8 NOT NULL,
            first_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            last_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            PRIMARY KEY (stream, application, role, mode));
        """
}
