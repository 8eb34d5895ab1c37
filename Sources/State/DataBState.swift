// What the databases keep of Data B: how far each table has come, on the side that is written; requests and status, on new.
// Progress is written by the transaction that writes the rows, and by nothing else.

package import Model
package import Postgres

package struct DataBProgress: Sendable {
    /// Every row whose timestamp is earlier is there, as the source's own text; nil before the first whole batch.
    package let mark: String?
    /// Seconds since the moment that the last batch shows; nil when there was none.
    package let age: Double?
    package let comparisonAge: Double?
}

package struct DataBRequest: Sendable {
    package let table: QualifiedName
    package let isPaused: Bool
    /// When it was asked for; nil when it was not.
    package let wanted: String?
    package let status: String?
    /// The verdict of the last final copy.
    package let final: String?
}

package struct DataBState {
    package let connection: Connection
    package let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        self.connection = connection
        self.stream = stream
    }

    @discardableResult
    private func ask(_ sql: String, _ parameters: [String?], to doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: doing + " on \(connection.label)")
    }

    private func key(_ table: QualifiedName) -> [String?] { [stream.description, table.schema, table.name] }

    package var isThere: Bool { get throws(PostgresError) { try SchemaOwner.has("data_b_table", on: connection) } }

    /// Also for streams that were bound before there were such tables.
    package func install() throws(PostgresError) {
        guard try !isThere else { return }
        do {
            try connection.script(
                "BEGIN; " + Schema.make + Schema.dataB + " COMMIT;",
                doing: "making the state of Data B on \(connection.label)")
        } catch { throw error.needing(Privilege.create(on: connection)) }
    }

    package func forget() throws(PostgresError) {
        guard try isThere else { return }
        for table in ["data_b", "data_b_table", "data_b_progress"] {
            try ask("DELETE FROM tandem.\(table) WHERE stream = $1", [stream.description], to: "clearing state")
        }
    }

    // MARK: progress

    package func progress(_ table: QualifiedName) throws(PostgresError) -> DataBProgress {
        let row = try ask(
            """
            SELECT mark, extract(epoch FROM pg_catalog.clock_timestamp() - as_of),
                   extract(epoch FROM pg_catalog.clock_timestamp() - compared_at)
              FROM tandem.data_b_progress WHERE stream = $1 AND schema_name = $2 AND table_name = $3
            """, key(table), to: "reading how far \(table) has come")
        guard row.rows == 1 else { return DataBProgress(mark: nil, age: nil, comparisonAge: nil) }
        return DataBProgress(
            mark: row.text(0, 0), age: row.text(0, 1).flatMap { Double($0) },
            comparisonAge: row.text(0, 2).flatMap { Double($0) })
    }

    /// The written side's clock, to be recorded as the moment that a batch shows.
    package func now() throws(PostgresError) -> String {
        try ask("SELECT pg_catalog.clock_timestamp()", [], to: "reading the clock").string(0, 0)
    }

    /// Inside the transaction that wrote the rows.
    package func record(_ table: QualifiedName, mark: String?, asOf: String) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.data_b_progress (stream, schema_name, table_name, mark, as_of) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (stream, schema_name, table_name) DO UPDATE SET mark = excluded.mark, as_of = excluded.as_of
            """, key(table) + [mark, asOf], to: "recording how far \(table) has come")
    }

    /// Inside the transaction that wrote what a comparison found.
    package func recordComparison(_ table: QualifiedName) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.data_b_progress (stream, schema_name, table_name, compared_at)
            VALUES ($1, $2, $3, pg_catalog.clock_timestamp())
            ON CONFLICT (stream, schema_name, table_name) DO UPDATE SET compared_at = excluded.compared_at
            """, key(table), to: "recording a comparison of \(table)")
    }

    // MARK: one at a time

    /// Held by the session, on new: batches by schedule and a final copy by hand never meet.
    package func tryWorkLock() throws(PostgresError) -> Bool {
        try ask(
            "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 7462))", [stream.description],
            to: "taking the lock of Data B"
        ).bool(0, 0)
    }

    package func freeWorkLock() throws(PostgresError) {
        try ask(
            "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 7462))", [stream.description],
            to: "freeing the lock of Data B")
    }

    /// What this session commits from now on is tandem's. Only one session can hold the origin: it is given back after each
    /// piece of work.
    package func attach(origin: String) throws(PostgresError) {
        do {
            try ask(
                """
                SELECT pg_catalog.pg_replication_origin_create($1)
                 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_origin WHERE roname = $1)
                """, [origin], to: "creating origin \(origin)")
            try ask(
                "SELECT pg_catalog.pg_replication_origin_session_setup($1)", [origin],
                to: "attaching to origin \(origin)")
        } catch { throw error.needing(Privilege.origins(on: connection)) }
    }

    package func detachOrigin() throws(PostgresError) {
        do {
            try ask("SELECT pg_catalog.pg_replication_origin_session_reset()", [], to: "giving the origin back")
        } catch { throw error.needing(Privilege.origins(on: connection)) }
    }

    // MARK: requests and status

    package func isPaused() throws(PostgresError) -> Bool {
        let row = try ask(
            "SELECT paused FROM tandem.data_b WHERE stream = $1", [stream.description], to: "reading what is asked for")
        return row.rows == 1 && row.bool(0, 0)
    }

    package func requests() throws(PostgresError) -> [DataBRequest] {
        let rows = try ask(
            """
            SELECT schema_name, table_name, paused, wanted_at, status, final FROM tandem.data_b_table
             WHERE stream = $1 ORDER BY 1, 2
            """, [stream.description], to: "reading what is asked for")
        return (0..<rows.rows).map { row in
            DataBRequest(
                table: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                isPaused: rows.bool(row, 2), wanted: rows.text(row, 3), status: rows.text(row, 4),
                final: rows.text(row, 5))
        }
    }

    package func request(paused: Bool) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.data_b (stream, paused) VALUES ($1, $2)
            ON CONFLICT (stream) DO UPDATE SET paused = excluded.paused
            """, [stream.description, paused ? "t" : "f"], to: "asking the runner")
        if !paused {
            try ask(
                "UPDATE tandem.data_b_table SET paused = false WHERE stream = $1", [stream.description],
                to: "asking the runner")
        }
    }

    package func request(_ table: QualifiedName, paused: Bool) throws(PostgresError) {
        try set(table, "paused", "$4::bool", [paused ? "t" : "f"])
    }

    package func requestNow(_ table: QualifiedName) throws(PostgresError) {
        try set(table, "wanted_at", "pg_catalog.clock_timestamp()", [])
    }

    package func write(status: String, of table: QualifiedName) throws(PostgresError) {
        try set(table, "status", "$4", [status])
    }

    package func write(final: String, of table: QualifiedName) throws(PostgresError) {
        try set(table, "final", "$4", [final])
    }

    private func set(
        _ table: QualifiedName, _ column: String, _ value: String, _ values: [String?]
    ) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.data_b_table (stream, schema_name, table_name, \(column)) VALUES ($1, $2, $3, \(value))
            ON CONFLICT (stream, schema_name, table_name) DO UPDATE SET \(column) = excluded.\(column)
            """, key(table) + values, to: "recording \(column) of \(table)")
    }

    /// What was asked for is done; asked again meanwhile, it stays.
    package func forgetRequest(_ table: QualifiedName, of moment: String) throws(PostgresError) {
        try ask(
            """
            UPDATE tandem.data_b_table SET wanted_at = NULL
             WHERE stream = $1 AND schema_name = $2 AND table_name = $3 AND wanted_at = $4
            """, key(table) + [moment], to: "recording what is done")
    }
}
