// Where both sides are read and written by applications and nothing applies, neither row may move while it is compared and
// written: the one in charge is locked first, as applications do, then the other one. Small transactions and a short wait for
// locks, for somebody who holds one may wait for us.

internal import Model
internal import Postgres

extension TableRepair {
    func runLocking(_ keys: [[String]], _ desks: BothDesks, writer: SideDesk) throws -> [String] {
        var (failures, collisions): ([String], [String]) = ([], [])
        var blocked: [[String]] = []
        for key in keys {
            guard let failure = try attempt([key], desks, writer) else { continue }
            guard failure.hasSuffix("[23505]") else {
                failures.append(failure)
                continue
            }
            collisions.append(failure)
            blocked.append(key)
        }
        // Rows that have exchanged what one of them alone may have: none of them can be written first.
        if blocked.count > 1, try attempt(Array(blocked.prefix(100)), desks, writer, afresh: true) == nil {
            collisions.removeFirst(min(100, blocked.count))
        }
        return failures + collisions
    }

    /// What failed, without values.
    private func attempt(
        _ keys: [[String]], _ desks: BothDesks, _ writer: SideDesk, afresh: Bool = false
    ) throws -> String? {
        do {
            try repairLocking(keys, desks, writer, afresh)
            return nil
        } catch let error as PostgresError {
            guard error.sqlState != nil, !error.isConnectionLost else { throw error }
            return error.message + " [\(error.sqlState?.code ?? "")]"
        }
    }

    /// `afresh`: all that are wrong go before any of them comes.
    private func repairLocking(
        _ keys: [[String]], _ desks: BothDesks, _ writer: SideDesk, _ afresh: Bool
    ) throws {
        let name = table.new
        try desks.old.ask { try begin($0) }
        defer { _ = try? desks.old.ask { if !$0.isBroken { try end($0, "ROLLBACK") } } }
        let truth = try desks.old.ask { try self.whole(keys, $0, locking: true) }
        guard !truth.isEmpty else { return }
        try writer.ask { connection in
            try begin(connection)
            do {
                let onNew = ReadStatements(table: self.table, side: .new)
                let there = try onNew.read(keys: keys, connection, locking: true)
                let acts = truth.flatMap { key, rows in
                    self.acts(rows, there[key] ?? RowState()).flatMap { afresh ? $0.parted : [$0] }
                }
                for act in acts.sorted(by: { $0.place < $1.place }) {
                    let statement = self.statement(act)
                    try connection.query(
                        statement.sql, statement.parameters, doing: "repairing \(name) on \(connection.label)")
                }
                try end(connection, "COMMIT")
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
    func delete(_ version: String, writer: SideDesk) throws -> Bool {
        let statement = statement(.delete(version))
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
