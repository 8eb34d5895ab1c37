// Runs the reading statements on a side's connection and turns what comes into values. On the desks' threads.

internal import Model
internal import Postgres
internal import State

struct ListedRow: Sendable {
    let key: [String]
    let hash: Int64
}

extension ReadStatements {
    private var doing: String { "reading \(table.name(side)) on \(side.rawValue)" }

    func read(tally statement: Statement, _ connection: Connection) throws -> Tally {
        let rows = try connection.query(statement.sql, statement.parameters, doing: doing)
        var tally = Tally()
        for row in 0..<rows.rows {
            guard let bucket = rows.int(row, 0), let count = rows.int(row, 1), let sum = Int128(rows.string(row, 2))
            else { throw PostgresError(.unexpected, "an answer that is no tally", doing: doing) }
            tally.add(bucket: bucket, rows: count, sum: sum)
        }
        return tally
    }

    func read(list statement: Statement, _ connection: Connection) throws -> [ListedRow] {
        let rows = try connection.query(statement.sql, statement.parameters, doing: doing)
        return try (0..<rows.rows).map { row in
            let hash = try hash(rows, row)
            // Without a key the hash is what names a row.
            let key = table.isKeyless ? ["\(hash)"] : (1..<rows.columns).map { rows.string(row, $0) }
            return ListedRow(key: key, hash: hash)
        }
    }

    func read(keys: [[String]], _ connection: Connection, locking: RowLock? = nil) throws -> [[String]: RowState] {
        let statement = locking.map { self.rows(keys).locking($0) } ?? self.rows(keys)
        let rows = try connection.query(statement.sql, statement.parameters, doing: doing)
        let wanted = Set(keys)
        var (states, seen): ([[String]: RowState], Set<String>) = ([:], [])
        for row in 0..<rows.rows {
            let (hash, version) = (try hash(rows, row), rows.string(row, 1))
            let key = table.isKeyless ? ["\(hash)"] : (2..<rows.columns).map { rows.string(row, $0) }
            // Where the server calls different keys equal, a row comes for each of them.
            guard wanted.contains(key), seen.insert(version).inserted else { continue }
            states[key, default: RowState()].add(version: version, hash: hash)
        }
        return states
    }

    private func hash(_ rows: Result, _ row: Int) throws -> Int64 {
        guard let hash = Int64(rows.string(row, 0)) else {
            throw PostgresError(.unexpected, "a row without a hash", doing: doing)
        }
        return hash
    }

    func read(sample statement: Statement, _ connection: Connection) throws -> [[String]] {
        let rows = try connection.query(statement.sql, statement.parameters, doing: doing)
        var bounds: [[String]] = []
        for row in 0..<rows.rows {
            let bound = (0..<rows.columns).map { rows.string(row, $0) }
            if bound != bounds.last { bounds.append(bound) }
        }
        return bounds
    }
}

/// Reads again what did not agree.
struct SettlingReads: Sendable {
    let statements: PerSide<ReadStatements>
    let manner: Manner

    enum Manner: Sendable {
        /// New once the stream has passed what was read on old.
        case stream(FollowedStream)
        /// No stream connects the sides: as they stand, until both stand still.
        case repeated
        /// Neither side can change.
        case still
    }

    var stream: FollowedStream? { if case .stream(let stream) = manner { stream } else { nil } }
    var isStill: Bool { if case .still = manner { true } else { false } }

    struct OnOld: Sendable {
        let snapshot: TransactionSnapshot
        let rows: [[String]: RowState]
        /// Nothing the snapshot shows was committed after this.
        let position: LSN
    }

    func old(_ keys: [[String]], _ connection: Connection) throws -> OnOld {
        let side = SourceSide(connection, stream?.name ?? StreamName(migration: "", pair: "", direction: .forward))
        let doing = "reading rows again on \(connection.label)"
        func read() throws -> OnOld {
            OnOld(
                snapshot: try side.snapshot(), rows: try statements.old.read(keys: keys, connection),
                position: try side.currentPosition())
        }
        return isStill ? try read() : try inSnapshot(connection, doing, read)
    }

    func new(_ keys: [[String]], _ connection: Connection) throws -> [[String]: RowState] {
        try inSnapshot(connection, "reading rows again on \(connection.label)") {
            try statements.new.read(keys: keys, connection)
        }
    }

    private func inSnapshot<Outcome>(_ connection: Connection, _ doing: String, _ read: () throws -> Outcome) throws
        -> Outcome
    {
        try connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: doing)
        do {
            let outcome = try read()
            try connection.script("COMMIT", doing: doing)
            return outcome
        } catch {
            if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
            throw error
        }
    }
}
