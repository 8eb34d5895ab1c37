// Where both sides are read and written by applications and nothing applies, neither row may move while it is compared and
// written: the one in charge is locked first, as applications do, then the other one. Small transactions and a short wait for
// locks, for somebody who holds one may wait for us.

internal import Model
internal import Postgres

extension TableRepair {
    func runLocking(
        _ keys: [[String]], _ desks: BothDesks, writer: SideDesk
    ) throws -> (failures: [String], same: Set<[String]>) {
        var (failures, collisions): ([String], [String]) = ([], [])
        var (blocked, same): ([[String]], Set<[String]>) = ([], [])
        for key in keys {
            switch try attempt([key], desks, writer) {
            case .same: same.insert(key)
            case .written: break
            case .failed(let failure) where failure.hasSuffix("[23505]"):
                collisions.append(failure)
                blocked.append(key)
            case .failed(let failure): failures.append(failure)
            }
        }
        // Rows that have exchanged what one of them alone may have: none of them can be written first.
        if blocked.count > 1, case .written = try attempt(Array(blocked.prefix(100)), desks, writer, afresh: true) {
            collisions.removeFirst(min(100, blocked.count))
        }
        return (failures + collisions, same)
    }

    private enum Attempt {
        /// There was nothing to write.
        case same
        case written
        /// Without values.
        case failed(String)
    }

    private func attempt(
        _ keys: [[String]], _ desks: BothDesks, _ writer: SideDesk, afresh: Bool = false
    ) throws -> Attempt {
        do { return try repairLocking(keys, desks, writer, afresh) ? .same : .written } catch let error as PostgresError
        {
            guard error.sqlState != nil, !error.isConnectionLost else { throw error }
            return .failed(error.message + " [\(error.sqlState?.code ?? "")]")
        }
    }

    /// `afresh`: all that are wrong go before any of them comes. Whether they were all there, and the same.
    private func repairLocking(
        _ keys: [[String]], _ desks: BothDesks, _ writer: SideDesk, _ afresh: Bool
    ) throws -> Bool {
        let name = table.new
        try desks.old.ask { try begin($0) }
        defer { _ = try? desks.old.ask { if !$0.isBroken { try end($0, "ROLLBACK") } } }
        let truth = try desks.old.ask { try self.whole(keys, $0, locking: true) }
        guard !truth.isEmpty else { return false }
        return try writer.ask { connection in
            try begin(connection)
            do {
                let onNew = ReadStatements(table: self.table, side: .new)
                let there = try onNew.read(keys: keys, connection, locking: .update)
                let acts = truth.flatMap { key, rows in
                    self.acts(rows, there[key] ?? RowState()).flatMap { afresh ? $0.parted : [$0] }
                }
                for act in acts.sorted(by: { $0.place < $1.place }) {
                    let statement = self.statement(act)
                    try connection.query(
                        statement.sql, statement.parameters, doing: "repairing \(name) on \(connection.label)")
                }
                try end(connection, "COMMIT")
                return acts.isEmpty && truth.count == keys.count
            } catch {
                if !connection.isBroken { _ = try? end(connection, "ROLLBACK") }
                throw error
            }
        }
    }

    private func begin(_ connection: Connection) throws {
        try connection.script("BEGIN", doing: "locking rows of \(table.new) on \(connection.label)")
    }

    private func end(_ connection: Connection, _ how: String) throws {
        try connection.script(how, doing: "letting go of rows of \(table.new) on \(connection.label)")
    }

    /// Whether that version was still there.
    func carryOut(_ act: Act, writer: SideDesk) throws -> Bool {
        let statement = statement(act)
        let name = table.new
        return try writer.ask { connection in
            try connection.query(
                statement.sql, statement.parameters, doing: "repairing \(name) on \(connection.label)"
            ).affected == 1
        }
    }
}

extension TableRepair.Act {
    /// The same as what goes and what comes.
    fileprivate var parted: [TableRepair.Act] {
        switch self {
        case .update(let version, let values): [.delete(version), .insert(values, onlyFirst: false)]
        case .delete, .insert: [self]
        }
    }
}
