// Where both sides are read and written by applications and nothing applies, neither row may move while it is compared and
// written: the one in charge is locked first, as applications do, then the other one. Small transactions and a short wait for
// locks, for somebody who holds one may wait for us.

internal import Model
internal import Postgres

extension TableRepair {
    func runLocking(_ keys: [[String]], _ desks: BothDesks, writer: SideDesk) throws -> [String] {
        var failures: [String] = []
        for key in keys {
            do { try repairLocking(key, desks, writer) } catch let error as PostgresError {
                guard error.sqlState != nil, !error.isConnectionLost else { throw error }
                failures.append(error.message + " [\(error.sqlState?.code ?? "")]")
            }
        }
        return failures
    }

    private func repairLocking(_ key: [String], _ desks: BothDesks, _ writer: SideDesk) throws {
        let name = table.new
        try desks.old.ask { try begin($0) }
        defer { _ = try? desks.old.ask { if !$0.isBroken { try end($0, "ROLLBACK") } } }
        let truth = try desks.old.ask { try self.whole([key], $0, locking: true) }
        guard let rows = truth[key], !rows.isEmpty else { return }
        try writer.ask { connection in
            try begin(connection)
            do {
                let onNew = ReadStatements(table: self.table, side: .new)
                let there = try onNew.read(keys: [key], connection, locking: true)
                let acts = self.acts(rows, there[key] ?? RowState()).sorted { $0.place < $1.place }
                for act in acts {
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
