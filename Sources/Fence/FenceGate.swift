// The gate of one side: two sequences, which are read in place, and what belongs into them by the epoch. Whoever sets the gate
// has locked the epoch's row first, so that nobody sets it by an epoch that is over.

package import Model
package import Postgres
package import Protocol
internal import State

package struct FenceGate {
    let connection: Connection
    let names: FenceNames
    private let stream: StreamName
    private let side: Side

    package init(_ connection: Connection, _ stream: StreamName, on side: Side) {
        (self.connection, self.stream, self.side) = (connection, stream, side)
        names = FenceNames(stream)
    }

    @discardableResult
    func ask(_ sql: String, _ parameters: [String?] = [], _ doing: String) throws(PostgresError) -> Result {
        try connection.query(sql, parameters, doing: "\(doing) on \(connection.label)")
    }

    package var isThere: Bool {
        get throws(PostgresError) {
            try ask("SELECT pg_catalog.to_regclass($1) IS NOT NULL", [names.gateSQL], "looking for the gate").bool(0, 0)
        }
    }

    /// Closed, until it is known who may write. What is there stays as it is.
    func make() throws(PostgresError) {
        for (name, value) in [(names.gateSQL, Self.unknown), (names.sealSQL, 1)] {
            let doing = "making the gate on \(connection.label)"
            let there = try ask("SELECT pg_catalog.to_regclass($1) IS NOT NULL", [name], "looking for the gate")
            if there.bool(0, 0) { continue }
            // In one transaction: one that was never called would answer NULL.
            try connection.script(
                "CREATE SEQUENCE \(name); SELECT pg_catalog.setval(\(literal(name)), \(value))", doing: doing)
        }
        try letEverybodyRead()
    }

    /// Lets nobody through, and is of no epoch.
    private static let unknown: Int64 = 1 << 8

    /// The trigger reads it as whoever writes. Nothing else in the schema is anybody's to read.
    private func letEverybodyRead() throws(PostgresError) {
        let doing = "letting writers read the gate on \(connection.label)"
        let isOpen = try ask(
            """
            SELECT pg_catalog.has_schema_privilege('public', 'tandem', 'USAGE')
               AND pg_catalog.has_sequence_privilege('public', $1, 'SELECT')
               AND pg_catalog.has_sequence_privilege('public', $2, 'SELECT')
            """, [names.gateSQL, names.sealSQL], "looking at who may read the gate")
        if isOpen.bool(0, 0) { return }
        try connection.script(
            "GRANT USAGE ON SCHEMA tandem TO PUBLIC; GRANT SELECT ON SEQUENCE \(names.gateSQL), \(names.sealSQL) TO PUBLIC",
            doing: doing)
    }

    /// Nil where there is none, or none that this version has written.
    package func read() throws(PostgresError) -> WriterGate? {
        guard try isThere else { return nil }
        let row = try ask("SELECT last_value FROM \(names.gateSQL)", [], "reading the gate")
        return row.text(0, 0).flatMap { Int64($0) }.flatMap { WriterGate(value: $0) }
    }

    /// In whatever transaction is open: at once, and not undone by ROLLBACK.
    package func set(_ gate: WriterGate) throws(PostgresError) {
        try ask("SELECT pg_catalog.setval($1, $2)", [names.gateSQL, "\(gate.value)"], "setting the gate")
    }

    // MARK: by the epoch

    package static func wanted(_ epoch: Epoch, on side: Side, isSealed: Bool) -> WriterGate? {
        epoch.row.map { WriterGate($0, epoch.strategy, epoch: epoch.number, on: side, isSealed: isSealed) }
    }

    /// Whether the gate is as this side's own epoch has it; true where there is no gate or no epoch.
    package func fits(_ epoch: Epoch?) throws(PostgresError) -> Bool {
        guard let epoch, try isThere else { return true }
        guard let now = try read() else { return false }
        return now == Self.wanted(epoch, on: side, isSealed: now.isSealed)
    }

    /// Sets it by this side's own epoch, with the row locked, in a transaction of its own. True when it was otherwise.
    @discardableResult
    package func derive() throws -> Bool {
        guard try isThere else { return false }
        let doing = "setting the gate on \(connection.label)"
        try connection.script("BEGIN; SET LOCAL lock_timeout = '5s'", doing: doing)
        do {
            try ask("SELECT FROM tandem.epoch WHERE pair = $1 FOR UPDATE", [stream.pairKey], "locking the epoch")
            let now = try read()
            guard let epoch = try EpochBook(connection, stream).read(),
                let wanted = Self.wanted(epoch, on: side, isSealed: now?.isSealed ?? false), wanted != now
            else {
                try connection.script("COMMIT", doing: doing)
                return false
            }
            try set(wanted)
            try connection.script("COMMIT", doing: doing)
            return true
        } catch {
            if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
            throw error
        }
    }

    // MARK: the seal

    /// In the transaction that has the fence: from now on a statement whose snapshot is older than this transaction's end is
    /// refused, however the transaction ends.
    func seal(_ gate: WriterGate) throws(PostgresError) {
        try ask(
            "SELECT pg_catalog.setval($1, pg_catalog.pg_current_xact_id()::text::int8)", [names.sealSQL],
            "sealing the gate")
        try set(gate.sealed(true))
    }

    /// Once no snapshot in this database is older: statements need not look any more. Only where tandem's role sees everybody's.
    /// A transaction that is open in another database makes snapshots here older than they need be: then they look for longer.
    package func unsealIfPast() throws {
        guard let now = try read(), now.isSealed, try arePast() else { return }
        let doing = "unsealing the gate on \(connection.label)"
        try connection.script("BEGIN; SET LOCAL lock_timeout = '1s'", doing: doing)
        do {
            // With the row locked nobody else sets it, and with the lock shared nobody has the fence. Who has just been let go by
            // one still has the snapshot he waited with, so it is looked for again.
            try ask("SELECT FROM tandem.epoch WHERE pair = $1 FOR UPDATE", [stream.pairKey], "locking the epoch")
            let isFree = try ask(
                "SELECT pg_catalog.pg_try_advisory_xact_lock_shared(\(names.lockKey))", [], "looking for the fence")
            if isFree.bool(0, 0), try read() == now, try arePast() { try set(now.sealed(false)) }
            try connection.script("COMMIT", doing: doing)
        } catch {
            if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
            throw error
        }
    }

    private func arePast() throws(PostgresError) -> Bool {
        try ask(
            """
            SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
               AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_stat_activity a, \(names.sealSQL) s
                    WHERE a.backend_xmin IS NOT NULL AND a.datname = pg_catalog.current_database()
                      AND pg_catalog.age(a.backend_xmin) >= pg_catalog.age((s.last_value % 4294967296)::text::xid))
            """, [], "looking for old snapshots"
        ).bool(0, 0)
    }

    // MARK: removal

    func drop() throws(PostgresError) {
        try connection.script(
            "SET client_min_messages = error; DROP SEQUENCE IF EXISTS \(names.gateSQL), \(names.sealSQL)",
            doing: "removing the gate on \(connection.label)")
    }
}
