// One attempt at one transaction, on one side or on both. Old first, new nested inside old's open transaction, new's COMMIT,
// then old's: one order, for every instance, in both directions of travel. A locking read counts as a write. Row locks on old
// order the writes on new as old commits them.
//
// It runs on its clerk's thread, is used once, and never tries anything again: whoever made it decides that.

internal import Ledger
internal import Model
internal import Postgres
internal import Threading

final class Dealing {
    struct Habits: Sendable {
        var lockTimeout = 2.0
        var statementTimeout = 5.0
        /// Says its mode to the database, in every transaction.
        var isDeclared = true
        var fault: Fault?
    }

    let token: String
    let mode: InstanceMode
    let habits: Habits
    private let old: SideConnection
    private let new: SideConnection
    private var onOld: Connection?
    private var onNew: Connection?
    private(set) var effects: [Effect] = []
    /// In mode 3, what went wrong on new: nobody's error.
    private(set) var swallowed: String?
    /// Statements that new gets when old is committed: the wrong way round.
    private var postponed: [(String, [String?])] = []
    private let chance: Int
    private var afterwards: [() -> Void] = []
    private var otherwise: [() -> Void] = []

    init(token: String, mode: InstanceMode, old: SideConnection, new: SideConnection, habits: Habits, chance: Int) {
        (self.token, self.mode, self.habits, self.chance) = (token, mode, habits, chance)
        (self.old, self.new) = (old, new)
    }

    // MARK: statements

    func begin() throws(DealingFailure) {
        if mode.writesOld { onOld = try opened(old) }
        guard mode.writesNew else { return }
        if mode == .bestEffort {
            try swallowing { () throws(PostgresError) in onNew = try start(new.openIfWell()) }
        } else if mode == .newOnly || habits.fault != .commitOldFirst {
            onNew = try opened(new)
        }
    }

    private func opened(_ side: SideConnection) throws(DealingFailure) -> Connection? {
        do { return try start(side.open()) } catch { throw .server(error, side.side) }
    }

    private func start(_ connection: Connection?) throws(PostgresError) -> Connection? {
        var settings = [
            ("lock_timeout", "\(Int(habits.lockTimeout * 1000))"),
            ("statement_timeout", "\(Int(habits.statementTimeout * 1000))"),
        ]
        if habits.isDeclared { settings.append(("tandem.mode", "\(mode.rawValue)")) }
        let calls = settings.map { "pg_catalog.set_config('\($0.0)', '\($0.1)', true)" }
        try connection?.script("BEGIN; SELECT \(calls.joined(separator: ", "))", doing: "beginning a transaction")
        return connection
    }

    /// A statement that writes, or locks what it reads: on both sides where both are written. The answer is of the side that
    /// is read.
    @discardableResult
    func run(_ sql: String, _ parameters: [String?] = []) throws(DealingFailure) -> Result {
        guard mode.writesOld else { return try query(onNew, .new, sql, parameters) }
        let answer = try query(onOld, .old, sql, parameters)
        guard mode.writesNew else { return answer }
        if habits.fault == .commitOldFirst {
            postponed.append((sql, parameters))
            return answer
        }
        guard mode.isStrict else {
            try swallowing { () throws(PostgresError) in
                _ = try onNew?.query(sql, parameters, doing: "writing a twin")
            }
            return answer
        }
        let twin = try query(onNew, .new, sql, parameters)
        // Zero on both is the shop's own affair.
        guard twin.touched == answer.touched else { throw .countsDiffer }
        return mode.reads == .new ? twin : answer
    }

    /// A read without a lock, of the side that is read.
    func look(_ sql: String, _ parameters: [String?] = []) throws(DealingFailure) -> Result {
        let isNew = mode.reads == .new && onNew != nil
        return try query(isNew ? onNew : onOld, isNew ? .new : .old, sql, parameters)
    }

    /// Numbers of sequences, of the one side that gives them.
    func numbers(_ sql: String, _ parameters: [String?] = []) throws(DealingFailure) -> Result {
        try mode.numbers == .new ? query(onNew, .new, sql, parameters) : query(onOld, .old, sql, parameters)
    }

    /// Completes a SELECT whose rows are about to be written.
    func locked(_ strength: String) -> String { habits.fault == .noLock ? "" : " FOR \(strength)" }

    private func query(
        _ connection: Connection?, _ side: Side, _ sql: String, _ parameters: [String?]
    ) throws(DealingFailure) -> Result {
        do throws(PostgresError) {
            guard let connection else {
                throw PostgresError(.connectionLost, "there is no connection", doing: "writing")
            }
            return try connection.query(sql, parameters, doing: "writing on \(side.rawValue)")
        } catch { throw .server(error, side) }
    }

    /// In mode 3 whatever fails on new is over for this transaction, and nobody is told.
    private func swallowing(_ act: () throws(PostgresError) -> Void) throws(DealingFailure) {
        do { try act() } catch {
            swallowed = DealingFailure.server(error, .new).state
            onNew = nil
            new.rollBack()
        }
    }

    // MARK: what it does

    func note(_ kind: Effect.Kind, _ key: String, version: Int, delta: Int = 0, after: Int = 0) {
        effects.append(Effect(kind, key, version: version, delta: delta, after: after))
    }

    /// Done once it is acknowledged.
    func then(_ act: @escaping () -> Void) { afterwards.append(act) }
    /// Done when nothing of it remains. Neither is done when that is not known.
    func unless(_ act: @escaping () -> Void) { otherwise.append(act) }

    func acknowledged() { afterwards.forEach { $0() } }
    func failed() { otherwise.forEach { $0() } }

    // MARK: COMMIT

    /// `intend` writes into the ledger what is about to be committed, before anything is.
    func commit(intend: () throws(BookstoreError) -> Void) throws(DealingFailure) {
        if mode.writesBoth, onNew != nil {
            // What old would refuse at its COMMIT, it refuses before new's.
            _ = try query(onOld, .old, "SET CONSTRAINTS ALL IMMEDIATE", [])
        }
        do { try intend() } catch { throw .ledger(error) }
        if mode == .newOnly { return try commit(onNew, .new) }
        if onNew != nil { try commitNested() }
        if habits.fault == .orphan, mode.writesBoth, onNew != nil, chance % 20 == 0 { throw .declined("orphan") }
        do { try commit(onOld, .old) } catch {
            // New has it. In mode 5 that may be the side that counts.
            if mode == .readsNew, case .server(let reason, let side) = error { throw .inDoubt(reason, side) }
            throw error
        }
        try writePostponed()
    }

    private func commitNested() throws(DealingFailure) {
        do { try commit(onNew, .new) } catch {
            if mode == .bestEffort {
                swallowed = error.state
                onNew = nil
                return new.rollBack()
            }
            // Old is rolled back, and counts as long as mode 4 is allowed.
            if mode == .strict, case .inDoubt(let reason, let side) = error { throw .server(reason, side) }
            throw error
        }
    }

    private func commit(_ connection: Connection?, _ side: Side) throws(DealingFailure) {
        do throws(PostgresError) {
            guard let connection else { throw PostgresError(.cannotConnect, "there is no connection", doing: "COMMIT") }
            let answer = try connection.script("COMMIT", doing: "committing on \(side.rawValue)")
            guard answer.command == "COMMIT" else {
                throw PostgresError(.server("25P02"), "rolled back instead", doing: "committing on \(side.rawValue)")
            }
        } catch {
            throw error.leavesCommitOpen ? .inDoubt(error, side) : .server(error, side)
        }
    }

    /// The mistake itself: old is committed, whatever becomes of new.
    private func writePostponed() throws(DealingFailure) {
        guard !postponed.isEmpty else { return }
        do throws(PostgresError) {
            guard let connection = try start(new.open()) else { return }
            for (sql, parameters) in postponed {
                _ = try connection.query(sql, parameters, doing: "writing a twin late")
            }
            try connection.script("COMMIT", doing: "committing a twin late")
        } catch {
            swallowed = DealingFailure.server(error, .new).state
            new.rollBack()
        }
    }

    /// Whatever is open is over.
    func rollBack() {
        if mode.writesNew { new.rollBack() }
        if mode.writesOld { old.rollBack() }
    }
}

extension Result {
    /// Rows that a statement wrote, or read.
    fileprivate var touched: Int { affected ?? rows }
}
