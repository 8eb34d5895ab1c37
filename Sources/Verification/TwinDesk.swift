// Compares and repairs rows that applications write on both sides, by their keys: on the side in charge they are right. Three
// connections: one reads on either side, one writes on the side that may be wrong, under an origin of tandem's own.
//
// While a stream applies to that side, repair reads the row that may be wrong first, with its version, then the one that is
// right, and overwrites only that version. A row it has written is not done with: it is compared again, until both are the
// same. Where nothing applies (step 5) and users read, it locks old's row, then new's, compares again, and writes.

internal import Failpoints
package import Model
package import Postgres
internal import State
package import Threading

package final class TwinDesk {
    package enum Standing: Sendable, Equatable {
        case same
        /// Only the side in charge has it; only the other one; both, with something else in it.
        case missing, orphan, other
    }

    /// What the side in charge and the other one have of a key.
    package struct Reading: Sendable {
        package let standing: Standing
        /// Of the only row on the side that may be wrong, when there is one.
        package let version: String?
    }

    private let comparison: PairComparison
    private let writer: SideDesk
    private let pairKey: String
    private let fence: Fence
    private var tables: [QualifiedName: [[String]: ComparedTable]] = [:]

    /// What says that there is one, and the key of the lock that all have who have written, both as SQL.
    package struct Fence: Sendable {
        let gate: String
        let lock: String

        package init(gate: String, lock: String) { (self.gate, self.lock) = (gate, lock) }
    }

    /// `stream` goes from the side in charge to the other one; `watch` is whose touches these are.
    package init(
        truth: ConnectionTarget, wrong: ConnectionTarget, stream: StreamName, watch: StreamName, fence: Fence,
        stop: StopSignal
    ) throws {
        self.fence = fence
        pairKey = stream.pairKey
        let name = "\(watch) twins"
        comparison = try PairComparison(source: truth, target: wrong, stream: stream, as: name, stop: stop)
        let own = StreamName(
            migration: watch.migration, pair: watch.pair, direction: watch.direction)
        do {
            writer = try SideDesk(wrong, for: .apply, as: name, stop: stop) { connection in
                try TargetSide(connection, own).attachTwinOrigin()
                try connection.script(Self.givingWay, doing: "preparing to repair on \(connection.label)")
            }
            try comparison.desks.old.ask { connection in
                _ = try connection.script(Self.givingWay, doing: "preparing to repair on \(connection.label)")
            }
        } catch {
            comparison.close()
            throw error
        }
    }

    /// Applications go first.
    private static let givingWay = "SET lock_timeout = '200ms'"

    package func close() {
        writer.close()
        comparison.close()
    }

    // MARK: who is writing

    /// Transactions that have written something on either side and are not over; tandem's own do not count. By number, which a
    /// prepared transaction keeps. A number alone does not say so: a row that is locked gives one, too, and whoever has one on this
    /// side may be waiting at the fence of the other. Who has written a fenced table has the fence's lock.
    package func inFlight() throws -> PerSide<Set<String>> {
        let (key, fence) = (pairKey, fence)
        return try comparison.desks.both { _, connection in
            let rows = try connection.query(
                """
                SELECT l.transactionid FROM pg_catalog.pg_locks l
                  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
                  LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = l.transactionid
                 WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
                   AND (a.datname = current_database() OR p.database = current_database())
                   AND coalesce(strpos(a.application_name, $1) <> 1, true)
                   AND (pg_catalog.to_regclass($2) IS NULL OR EXISTS (
                       SELECT FROM pg_catalog.pg_locks f
                        WHERE f.locktype = 'advisory' AND f.granted AND f.objsubid = 1
                          AND f.virtualtransaction = l.virtualtransaction
                          AND ((f.classid::int8 << 32) | f.objid::int8) = \(fence.lock)))
                """, [key, fence.gate], doing: "looking who writes on \(connection.label)")
            return Set((0..<rows.rows).map { rows.string($0, 0) })
        }
    }

    /// Where the log of the side in charge is, and how far its stream has come on the other.
    package func positions() throws -> (written: LSN, applied: LSN) {
        let stream = comparison.stream
        let written = comparison.desks.old.begin { try SourceSide($0, stream).currentPosition() }
        let applied = try comparison.desks.new.ask { try TargetSide($0, stream).progress(durable: false) ?? .zero }
        return (try written.wait(), applied)
    }

    // MARK: looking

    /// Nil when there is no such table on both sides, or its rows cannot be told apart by these columns.
    private func table(_ name: QualifiedName, by columns: [String]) throws -> ComparedTable? {
        if let known = tables[name]?[columns] { return known }
        do {
            let whole = try root(of: name)
            let found = try comparison.look(up: whole, onNew: whole, by: columns)
            tables[name, default: [:]][columns] = found
            return found
        } catch is VerificationError { return nil }
    }

    /// Rows of a partition are looked for in the whole table: they may lie in another one on the other side.
    private func root(of name: QualifiedName) throws -> QualifiedName {
        // Either side may have a partition that the other one lacks.
        let roots = try comparison.desks.both { _, connection -> QualifiedName? in
            let rows = try connection.query(
                """
                SELECT rn.nspname, r.relname FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_partition_root(c.oid)
                  JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relispartition
                """, [name.schema, name.name], doing: "looking up the root of \(name) on \(connection.label)")
            return rows.rows == 1 ? QualifiedName(schema: rows.string(0, 0), name: rows.string(0, 1)) : nil
        }
        return roots.old ?? roots.new ?? name
    }

    /// Catalogs may have changed.
    package func forgetTables() { tables = [:] }

    /// What each of these keys has on both sides, as far as it is not the same; the side that may be wrong is read first. Nil
    /// when the table cannot be looked at.
    package func compare(
        _ name: QualifiedName, by columns: [String], _ keys: [[String]]
    ) throws -> [[String]: Reading]? {
        guard let table = try table(name, by: columns) else { return nil }
        let (right, wrong) = (ReadStatements(table: table, side: .old), ReadStatements(table: table, side: .new))
        let there = try comparison.desks.new.ask { try wrong.read(keys: keys, $0) }
        let truth = try comparison.desks.old.ask { try right.read(keys: keys, $0) }
        var readings: [[String]: Reading] = [:]
        for key in keys {
            let (left, other) = (truth[key] ?? RowState(), there[key] ?? RowState())
            let standing: Standing =
                left.hashes == other.hashes
                ? .same : left.rows.isEmpty ? .orphan : other.rows.isEmpty ? .missing : .other
            readings[key] = Reading(
                standing: standing, version: other.rows.count == 1 ? other.rows[0].version : nil)
        }
        return readings
    }

    // MARK: writing

    /// Nobody can say which of its rows to look at: that it was found equal once says nothing any more.
    package func voidComparison(of table: QualifiedName) throws {
        let (stream, names) = (comparison.stream, Set([table, try root(of: table)]))
        try writer.ask { connection in
            let records = VerificationRecords(connection, stream)
            for last in try records.last(.any) where names.contains(last.table) && last.verdict == .equal {
                var record = VerificationRecord(table: last.table, verdict: .unsettled)
                record.detail = "TRUNCATE on a side that is not in charge"
                try records.note(record)
            }
        }
    }

    /// Once; what failed, without values.
    package func repair(_ name: QualifiedName, by columns: [String], _ keys: [[String]]) throws -> [String] {
        guard let table = try table(name, by: columns) else { return [] }
        return try TableRepair(table).run(keys, comparison.desks, writer: writer)
    }

    /// With both rows locked, old's first. Rows that the side in charge does not have are left alone. What failed, and those that
    /// were the same as soon as neither could move.
    package func repairLocking(
        _ name: QualifiedName, by columns: [String], _ keys: [[String]]
    ) throws -> (failures: [String], same: Set<[String]>) {
        guard let table = try table(name, by: columns) else { return ([], []) }
        return try TableRepair(table).runLocking(keys, comparison.desks, writer: writer)
    }

    /// A row that the side in charge still lacks, and only in the version that was seen. Whether it went.
    package func delete(_ name: QualifiedName, by columns: [String], _ key: [String], version: String) throws -> Bool {
        guard let table = try table(name, by: columns) else { return false }
        let repair = TableRepair(table)
        let truth = try comparison.desks.old.ask { try repair.whole([key], $0) }
        guard truth[key] == nil else { return false }
        // A row there whose key is equal, and only not the same, is this one's twin.
        if let row = truth.values.first?.first {
            return try repair.carryOut(.update(version, row.values), writer: writer)
        }
        return try repair.carryOut(.delete(version), writer: writer)
    }
}
