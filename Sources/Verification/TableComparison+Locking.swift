// Where applications write both sides and neither follows the other (step 5), a row that is written all the time shows another value
// by the time the second side is read. So it is read under locks: old's row first, as applications lock it, then new's. Who has
// old's row has ended with new's, or not begun; so whatever is the same there is the same. What is not is settled like everywhere:
// the twin of a write that failed may just be on its way to be repaired.
//
// One row at a time, and never waiting long: applications go first.

internal import Model
internal import Postgres
internal import Threading

extension TableComparison {
    func lookUnderLocks(_ settlement: inout Settlement) throws {
        guard settings.locks, !settings.readsOnly, !table.isKeyless, !reads.isStill else { return }
        for key in settlement.open where try isSameUnderLocks(key) { settlement.note(same: key) }
    }

    /// False, too, when somebody was in the way, or tandem may not lock it.
    private func isSameUnderLocks(_ key: [String]) throws -> Bool {
        let statements = statements
        let name = table.old
        defer {
            _ = try? desks.old.ask { if !$0.isBroken { try $0.script("ROLLBACK", doing: "letting go of \(name)") } }
        }
        do {
            let old = try desks.old.ask { try Self.lock(key, statements.old, $0) }
            guard !old.isEmpty else { return false }
            return try desks.new.ask { connection in
                defer {
                    if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: "letting go of \(name)") }
                }
                return try Self.lock(key, statements.new, connection) == old
            }
        } catch let error as PostgresError {
            guard error.sqlState != nil, !error.isConnectionLost, !stop.isRaised else { throw error }
            return false
        }
    }

    /// What it holds, with a lock on it until the transaction ends; empty without such a row.
    private static func lock(_ key: [String], _ statements: ReadStatements, _ connection: Connection) throws -> [Int64]
    {
        try connection.script(
            "BEGIN; SET LOCAL lock_timeout = '200ms'",
            doing: "locking a row of \(statements.table.old) on \(connection.label)")
        return try statements.read(keys: [key], connection, locking: .share)[key]?.hashes ?? []
    }
}
