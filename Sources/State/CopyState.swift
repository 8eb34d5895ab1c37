// What new records of the copy of existing rows: which tables, how far each has come, in which snapshot, and what an
// operator has asked for. A table's state is written by the very transaction that makes it true.

package import Model
package import Postgres

/// What is to be copied, as it stood when the slot was made.
package struct CopyPlan: Sendable {
    /// What the slot's own snapshot shows: every snapshot that a table is copied in must show all of it.
    package let base: TransactionSnapshot
    package let tables: [SourceLeaf]

    package init(base: TransactionSnapshot, tables: [SourceLeaf]) {
        self.base = base
        self.tables = tables
    }
}

package struct CopiedTable: Sendable {
    package enum State: String, Sendable {
        /// Nothing of it is on new.
        case waiting
        /// Parts of it are on new. Without a form they count for nothing once the snapshot is gone.
        case copying
        /// All its rows are there; indexes and statistics may be missing.
        case copied
        case done
        /// Somebody asked for it to be copied again.
        case again
    }

    package let oid: UInt32
    package let name: QualifiedName
    package let state: State
    package let snapshot: TransactionSnapshot?
    /// Every transaction that the snapshot shows ended at or before this.
    package let until: LSN
    /// Only a snapshot in which everything before this transaction is over will do.
    package let after: UInt64?
    package let rows: Int
    package let bytes: Int
    package let problem: String?
    package let hint: String?
    /// What the table was when its copy began, when the copy can be gone on with in another snapshot.
    package let form: String?
    /// How many pages it had in the first snapshot: what lies behind has changed since.
    package let pages: Int
    /// Every transaction that the last snapshot shows ended at or before this.
    package let seen: LSN
    /// How many snapshots parts were read in.
    package let snapshots: Int
}

package struct CopyRequest: Sendable {
    package let base: TransactionSnapshot?
    package let isPaused: Bool
    /// The stream rests, too.
    package let isStreamPaused: Bool
    package let isComplete: Bool
    package let progress: String?
    /// Seconds since it was written.
    package let age: Double?
}

extension TargetSide {
    /// A stream that was bound before there was such a thing has none.
    package var hasCopyTables: Bool {
        get throws(PostgresError) {
            try ask(
                "SELECT pg_catalog.to_regclass('tandem.copied_table') IS NOT NULL", to: "looking for the copy's state"
            )
            .bool(0, 0)
        }
    }

    /// Inside the transaction that binds the stream.
    func record(_ plan: CopyPlan) throws(PostgresError) {
        let name = stream.description
        for table in ["copy", "copied_table"] {
            try ask("DELETE FROM tandem.\(table) WHERE stream = $1", [name], to: "recording what is to be copied")
        }
        try ask(
            "INSERT INTO tandem.copy (stream, base) VALUES ($1, $2)", [name, plan.base.description],
            to: "recording what is to be copied")
        for table in plan.tables { try add(table, after: nil) }
    }

    /// One more table to be copied, in a snapshot for which everything before transaction `after` is over.
    package func add(_ table: SourceLeaf, after: UInt64?) throws(PostgresError) {
        try ask(
            """
            INSERT INTO tandem.copied_table (stream, source_oid, schema_name, table_name, after_xid)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
            """,
            [
                stream.description, "\(table.oid)", table.name.schema, table.name.name, after.map { "\($0)" },
            ], to: "recording what is to be copied")
    }

    /// Its snapshot must show everything before that transaction as over.
    package func mayBeCopied(_ oid: UInt32, after: UInt64) throws(PostgresError) {
        try change(oid, "after_xid = $3", ["\(after)"])
    }

    package func copiedTables() throws(PostgresError) -> [CopiedTable] {
        guard try hasCopyTables else { return [] }
        return try copied(only: nil)
    }

    package func copiedTable(_ oid: UInt32) throws(PostgresError) -> CopiedTable? { try copied(only: oid).first }

    private func copied(only oid: UInt32?) throws(PostgresError) -> [CopiedTable] {
        let rows = try ask(
            """
            SELECT source_oid, schema_name, table_name, state, snapshot, until_lsn, after_xid, rows, bytes, problem, hint,
                   form, pages, seen_lsn, snapshots
              FROM tandem.copied_table WHERE stream = $1 AND ($2::int8 IS NULL OR source_oid = $2::int8) ORDER BY 2, 3
            """, [stream.description, oid.map { "\($0)" }], to: "reading what is copied")
        return (0..<rows.rows).map { row in
            CopiedTable(
                oid: UInt32(rows.int(row, 0) ?? 0),
                name: QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2)),
                state: CopiedTable.State(rawValue: rows.string(row, 3)) ?? .waiting,
                snapshot: rows.text(row, 4).flatMap { TransactionSnapshot($0) },
                until: rows.text(row, 5).flatMap { LSN($0) } ?? .zero, after: rows.text(row, 6).flatMap { UInt64($0) },
                rows: rows.int(row, 7) ?? 0, bytes: rows.int(row, 8) ?? 0, problem: rows.text(row, 9),
                hint: rows.text(row, 10), form: rows.text(row, 11), pages: rows.int(row, 12) ?? 0,
                seen: rows.text(row, 13).flatMap { LSN($0) } ?? .zero, snapshots: rows.int(row, 14) ?? 0)
        }
    }

    package func copyRequest() throws(PostgresError) -> CopyRequest? {
        guard try hasCopyTables else { return nil }
        let row = try ask(
            """
            SELECT base, paused, completed_at IS NOT NULL, progress,
                   extract(epoch FROM pg_catalog.clock_timestamp() - progress_at),
                   coalesce((pg_catalog.to_jsonb(c) ->> 'streams_paused')::bool, false)
              FROM tandem.copy c WHERE stream = $1
            """, [stream.description], to: "reading how the copy goes")
        guard row.rows == 1 else { return nil }
        return CopyRequest(
            base: row.text(0, 0).flatMap { TransactionSnapshot($0) }, isPaused: row.bool(0, 1),
            isStreamPaused: row.bool(0, 5), isComplete: row.bool(0, 2), progress: row.text(0, 3),
            age: row.text(0, 4).flatMap { Double($0) })
    }

    // MARK: a table's way, each inside the transaction that makes it true

    /// Begins a run of the copy: from here on no other one writes, and what an earlier one was still committing is done.
    package func takeOverCopy() throws(PostgresError) -> (runner: Int, tables: [CopiedTable]) {
        let doing = "taking over the copy"
        try connection.script("BEGIN", doing: doing)
        let runner = try ask(
            "UPDATE tandem.copy SET runner = runner + 1 WHERE stream = $1 RETURNING runner", [stream.description],
            to: doing)
        try ask(
            "SELECT FROM tandem.copied_table WHERE stream = $1 ORDER BY source_oid FOR UPDATE", [stream.description],
            to: doing)
        let tables = try copied(only: nil)
        try connection.script("COMMIT", doing: doing)
        return (runner.int(0, 0) ?? 0, tables)
    }

    /// What is recorded of a table, held until the transaction ends. Exclusively, it waits for every transaction that is
    /// still writing rows of it. Throws when another run has taken over: one whose connections were cut may live on.
    package func claim(
        _ oid: UInt32, exclusively: Bool, runner: Int
    ) throws(PostgresError) -> (state: CopiedTable.State, snapshot: TransactionSnapshot?)? {
        let doing = "looking how far a table has come"
        let row = try ask(
            """
            SELECT state, snapshot FROM tandem.copied_table WHERE stream = $1 AND source_oid = $2
               FOR \(exclusively ? "UPDATE" : "SHARE")
            """, [stream.description, "\(oid)"], to: doing)
        // In a statement of its own, which sees what was committed while the first one waited.
        let current = try ask("SELECT runner FROM tandem.copy WHERE stream = $1", [stream.description], to: doing)
        guard current.rows == 1, current.int(0, 0) == runner else {
            throw PostgresError(.connectionLost, "another runner has taken over", doing: doing)
        }
        guard row.rows == 1, let state = CopiedTable.State(rawValue: row.string(0, 0)) else { return nil }
        return (state, row.text(0, 1).flatMap { TransactionSnapshot($0) })
    }

    /// Which of these tables exist and hold rows, not counting what was inherited.
    package func withRows(_ tables: [QualifiedName]) throws(PostgresError) -> [QualifiedName] {
        var found: [QualifiedName] = []
        let taking = try takingSpace(Set(tables))
        for start in stride(from: 0, to: taking.count, by: 200) {
            let part = taking[start..<min(start + 200, taking.count)]
            let questions = part.enumerated().map { place, table in
                "SELECT \(place) WHERE EXISTS (SELECT FROM \(table.isWhole ? "" : "ONLY ")\(table.name.sql))"
            }
            let rows = try ask(questions.joined(separator: " UNION ALL "), to: "looking for rows in tables")
            found += (0..<rows.rows).compactMap { rows.int($0, 0) }.map { part[start + $0].name }
        }
        return found
    }

    /// Those of which there is anything on disk: of many tables hardly any need to be read. What a partition has, all above
    /// it have.
    private func takingSpace(
        _ wanted: Set<QualifiedName>
    ) throws(PostgresError) -> [(name: QualifiedName, isWhole: Bool)] {
        let rows = try ask(
            """
            SELECT DISTINCT n.nspname, a.relname, a.relkind = 'p'
              FROM pg_catalog.pg_class c
              LEFT JOIN LATERAL pg_catalog.pg_partition_ancestors(c.oid) p ON c.relispartition
              JOIN pg_catalog.pg_class a ON a.oid = coalesce(p.relid, c.oid)
              JOIN pg_catalog.pg_namespace n ON n.oid = a.relnamespace
             WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
               AND n.nspname NOT LIKE 'pg\\_toast%' AND pg_catalog.pg_relation_size(c.oid) > 0
             ORDER BY 1, 2
            """, to: "looking which tables take space")
        return (0..<rows.rows).map { row in
            (QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)), rows.bool(row, 2))
        }.filter { wanted.contains($0.0) }
    }

    package func nowCopying(
        _ oid: UInt32, _ snapshot: TransactionSnapshot, until: LSN, form: String?, pages: Int
    ) throws(PostgresError) {
        try change(
            oid,
            """
            state = 'copying', snapshot = $3, until_lsn = $4, seen_lsn = $4, form = $5, pages = $6, snapshots = 1, rows = 0,
            bytes = 0, problem = NULL, hint = NULL
            """, [snapshot.description, until.description, form, "\(pages)"])
    }

    package func nowCopied(
        _ oid: UInt32, _ snapshot: TransactionSnapshot, until: LSN, form: String?, rows: Int, bytes: Int
    ) throws(PostgresError) {
        try change(
            oid,
            """
            state = 'copied', snapshot = $3, until_lsn = $4, seen_lsn = $4, form = $5, snapshots = 1, rows = $6, bytes = $7,
            problem = NULL, hint = NULL
            """, [snapshot.description, until.description, form, "\(rows)", "\(bytes)"])
    }

    package func nowDone(_ oid: UInt32) throws(PostgresError) {
        try change(oid, "state = 'done', problem = NULL, hint = NULL", [])
        try forgetParts(oid)
    }

    /// As of another snapshot than the one it began with.
    package func nowDone(_ oid: UInt32, _ snapshot: TransactionSnapshot, until: LSN) throws(PostgresError) {
        try change(
            oid, "state = 'done', snapshot = $3, until_lsn = $4, problem = NULL, hint = NULL",
            [snapshot.description, until.description])
        try forgetParts(oid)
    }

    /// Nothing of it is on new any more.
    package func nowWaiting(_ oid: UInt32) throws(PostgresError) {
        try change(
            oid,
            "state = 'waiting', snapshot = NULL, until_lsn = NULL, seen_lsn = NULL, form = NULL, rows = 0, bytes = 0",
            [])
        try forgetParts(oid)
    }

    package func note(problem: String, hint: String?, of oid: UInt32) throws(PostgresError) {
        try change(oid, "problem = $3, hint = $4", [problem, hint])
    }

    func change(_ oid: UInt32, _ assignments: String, _ values: [String?]) throws(PostgresError) {
        let changed = try ask(
            """
            UPDATE tandem.copied_table SET \(assignments), at = pg_catalog.clock_timestamp()
             WHERE stream = $1 AND source_oid = $2
            """, [stream.description, "\(oid)"] + values, to: "recording how the copy goes")
        guard changed.affected != 1 else { return }
        throw PostgresError(
            .unexpected, "new has lost its record of table \(oid)", doing: "recording how the copy goes")
    }

    // MARK: the copy as a whole

    /// Snapshots taken from now on show all that the slot's own does.
    package func forgetBase() throws(PostgresError) {
        try ask("UPDATE tandem.copy SET base = NULL WHERE stream = $1", [stream.description], to: "recording the copy")
    }

    package func write(copyProgress text: String) throws(PostgresError) {
        try ask(
            "UPDATE tandem.copy SET progress = $2, progress_at = pg_catalog.clock_timestamp() WHERE stream = $1",
            [stream.description, text], to: "writing how the copy goes")
    }

    package func nowComplete(_ isComplete: Bool) throws(PostgresError) {
        let value = isComplete ? "coalesce(completed_at, pg_catalog.clock_timestamp())" : "NULL"
        try ask(
            "UPDATE tandem.copy SET completed_at = \(value) WHERE stream = $1", [stream.description],
            to: "recording the copy")
    }

    /// What an operator asks for; the runner looks each second.
    package func request(paused: Bool, streams: Bool) throws(PostgresError) {
        try completeCopyTables()
        try ask(
            "UPDATE tandem.copy SET paused = $2, streams_paused = $3 WHERE stream = $1",
            [stream.description, paused ? "t" : "f", streams ? "t" : "f"], to: "asking the runner")
    }

    /// Makes room for requests in a stream that began without a copy of ours.
    package func startCopying() throws(PostgresError) {
        if try !hasCopyTables { try install() }
        try ask(
            """
            INSERT INTO tandem.copy (stream, completed_at) VALUES ($1, pg_catalog.clock_timestamp()) ON CONFLICT DO NOTHING
            """, [stream.description], to: "asking the runner")
    }

    /// Asks for a table again; false when it is just being copied.
    package func requestAgain(_ table: SourceLeaf) throws(PostgresError) -> Bool {
        try ask(
            """
            INSERT INTO tandem.copied_table AS c (stream, source_oid, schema_name, table_name, state)
            VALUES ($1, $2, $3, $4, 'again')
            ON CONFLICT (stream, source_oid) DO UPDATE SET state = 'again' WHERE c.state IN ('done', 'again')
            """, [stream.description, "\(table.oid)", table.name.schema, table.name.name],
            to: "asking for a table to be copied again"
        ).affected == 1
    }

    /// What is set aside under one name is from now on under each of these.
    package func part(_ table: QualifiedName, into parts: some Sequence<QualifiedName>) throws(PostgresError) {
        for part in parts {
            try ask(
                """
                INSERT INTO tandem.set_aside (stream, schema_name, table_name, since)
                SELECT stream, $4, $5, since FROM tandem.set_aside
                 WHERE stream = $1 AND schema_name = $2 AND table_name = $3 ON CONFLICT DO NOTHING
                """, [stream.description, table.schema, table.name, part.schema, part.name],
                to: "setting partitions of \(table) aside one by one")
        }
        try bringBack(table)
    }

    /// Back into the stream, with the transaction that empties it.
    package func bringBack(_ table: QualifiedName) throws(PostgresError) {
        try ask(
            "DELETE FROM tandem.set_aside WHERE stream = $1 AND schema_name = $2 AND table_name = $3",
            [stream.description, table.schema, table.name], to: "bringing \(table) back")
    }
}
