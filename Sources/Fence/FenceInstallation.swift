// Puts the fence's triggers on the tables of a side, and takes them away: one table a transaction, each waiting for its lock only
// a little longer than it takes an autovacuum to give way (`deadlock_timeout`), because everybody who comes to the table meanwhile
// waits behind us. Before each try it is looked whether somebody is at the table who will not be gone by then. Every part of it
// is safe to repeat.

internal import Failpoints
package import Model
package import Postgres
internal import Protocol
internal import State
package import Threading

package struct FenceInstallation {
    private let connection: Connection
    private let stream: StreamName
    private let side: Side
    private let stop: StopSignal
    private let say: (String) -> Void
    private let names: FenceNames
    /// Seconds for each table.
    private let patience: Double

    package init(
        _ connection: Connection, _ stream: StreamName, on side: Side, patience: Double = 60, stop: StopSignal,
        say: @escaping (String) -> Void = { _ in }
    ) {
        (self.connection, self.stream, self.side, self.stop) = (connection, stream, side, stop)
        (self.patience, self.say) = (patience, say)
        names = FenceNames(stream)
    }

    private var gate: FenceGate { FenceGate(connection, stream, on: side) }
    private var doing: String { "fencing \(connection.label)" }

    // MARK: putting it up

    /// `tables` are Data A, by name; `elsewhere` says where the other side is, without anything secret. The epoch's row is
    /// there, and says who may write. How many triggers were made.
    @discardableResult
    package func install(_ tables: [QualifiedName], elsewhere: String, census: Census = .none) throws -> Int {
        try gate.make()
        let function = try function(elsewhere, census)
        if try !isMade(function) { try connection.script(function.statement, doing: doing) }
        try gate.derive()
        guard try gate.read() != nil else {
            throw StateError.refused(
                "\(side.rawValue) has no record of where pair \(stream.pair) stands, so nobody can be let through",
                hint: "`tandem step`")
        }
        Failpoint.pass(.beforeTriggers)
        var made = 0
        for table in try FencedTables(connection, stream).read(tables) where !table.isCovered {
            try cover(table)
            made += 1
            Failpoint.pass(.duringTriggers)
        }
        return made
    }

    private func function(_ elsewhere: String, _ census: Census) throws(PostgresError) -> FenceFunction {
        let lock = try connection.query("SELECT \(names.lockKey)", doing: doing).string(0, 0)
        return FenceFunction(
            names: names, side: side, pair: stream.pair, elsewhere: elsewhere, census: census, lock: lock)
    }

    /// The statement that makes it, to be read.
    package func functionSQL(elsewhere: String, census: Census) throws(PostgresError) -> String {
        try function(elsewhere, census).statement
    }

    private func isMade(_ function: FenceFunction) throws(PostgresError) -> Bool {
        try connection.query(
            """
            SELECT FROM pg_catalog.pg_proc p WHERE p.oid = pg_catalog.to_regprocedure($1)::oid AND p.prosrc = $2
               AND NOT p.prosecdef AND p.provolatile = 's' AND p.proconfig IS NULL
            """, [names.functionSQL + "()", function.body], doing: doing
        ).rows == 1
    }

    private func cover(_ table: FencedTable) throws {
        var statements: [String] = []
        let trigger = quoted(names.trigger)
        if !table.isRight {
            if table.hasTrigger { statements.append("DROP TRIGGER \(trigger) ON \(table.name.sql)") }
            statements.append(
                "CREATE TRIGGER \(trigger) BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(table.name.sql)"
                    + " FOR EACH STATEMENT EXECUTE FUNCTION \(names.functionSQL)()")
        }
        // Not those below it: each has its own.
        statements.append("ALTER TABLE ONLY \(table.name.sql) ENABLE ALWAYS TRIGGER \(trigger)")
        let lock: TableLock = table.hasTrigger && !table.isRight ? .accessExclusive : .shareRowExclusive
        try withLock(of: table.oid, table.name, lock, statements.joined(separator: "; "))
    }

    // MARK: taking it away

    /// Triggers, function, gate. What was there, in words.
    package func remove() throws -> [String] {
        var removed: [String] = []
        let fenced = try FencedTables(connection, stream).fenced()
        for table in fenced {
            try withLock(
                of: table.oid, table.name, .accessExclusive,
                "DROP TRIGGER IF EXISTS \(quoted(names.trigger)) ON \(table.name.sql)")
            Failpoint.pass(.duringTriggers)
        }
        if !fenced.isEmpty {
            removed.append(
                "the fence's triggers on \(fenced.count) \(fenced.count == 1 ? "table" : "tables") of \(side.rawValue)")
        }
        try connection.script(
            "SET client_min_messages = error; DROP FUNCTION IF EXISTS \(names.functionSQL)()", doing: doing)
        try gate.drop()
        return removed
    }

    package var isAnythingThere: Bool {
        get throws(PostgresError) {
            try connection.query(
                "SELECT pg_catalog.to_regprocedure($1) IS NOT NULL OR pg_catalog.to_regclass($2) IS NOT NULL",
                [names.functionSQL + "()", names.gateSQL], doing: doing
            ).bool(0, 0)
        }
    }

    // MARK: a table's lock

    /// The statements, in a transaction that waits only so long; again and again, with pauses in which nobody waits for us.
    private func withLock(of oid: String, _ name: QualifiedName, _ lock: TableLock, _ statements: String) throws {
        let deadline = Monotonic.now.adding(seconds: patience)
        let wait = try lockTimeout()
        var pause = Backoff(first: 0.1, longest: 5)
        var isSaid = false
        while true {
            let holders = try InTheWay(on: connection).holders(of: oid, keepingOut: lock)
            let isOver = Monotonic.now >= deadline
            // Who has been there for longer than we would wait will not be gone by then; an autovacuum gives way.
            let stays = holders.filter { ($0.seconds ?? 0) * 1000 > Double(wait) && $0.state != "autovacuum worker" }
            if stays.isEmpty || isOver {
                if try attempt(statements, wait) { return }
                if isOver { throw FenceFault.locked(name, side, by: holders) }
            }
            if !isSaid, !holders.isEmpty {
                say("waiting for \(name) on \(side.rawValue): \(Holder.listed(holders))")
                isSaid = true
            }
            if stop.wait(seconds: pause.seconds()) {
                throw PostgresError(.interrupted, "stopped on request", doing: doing)
            }
        }
    }

    /// False when the lock did not come.
    private func attempt(_ statements: String, _ wait: Int) throws -> Bool {
        do throws(PostgresError) {
            try connection.script("BEGIN; SET LOCAL lock_timeout = \(wait); \(statements); COMMIT", doing: doing)
            return true
        } catch {
            if !connection.isBroken { try connection.script("ROLLBACK", doing: doing) }
            guard error.sqlState == "55P03" || error.sqlState == "40P01" else {
                throw error.needing(FencePrivilege.remedy(on: connection))
            }
            return false
        }
    }

    /// Milliseconds: a fifth of a second more than a blocked session waits before it looks what is in its way, and has an
    /// autovacuum give way.
    private func lockTimeout() throws(PostgresError) -> Int {
        let row = try connection.query(
            "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'", doing: doing)
        return (row.int(0, 0) ?? 1000) + 200
    }
}

enum FencePrivilege {
    static func remedy(on connection: Connection) -> String {
        "make \(visiblyQuoted(connection.role)) a member of the role that owns the fenced tables: GRANT … TO"
            + " \(visiblyQuoted(connection.role)); only an owner may switch a trigger to ENABLE ALWAYS"
    }
}
