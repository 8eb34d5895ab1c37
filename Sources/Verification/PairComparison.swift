// Compares tables of one pair, one after the other, over one connection to each side. This is what others use:
//
//     let comparison = try PairComparison(source: …, target: …, stream: name, as: "…", stop: stop)
//     defer { comparison.close() }
//     let report = try comparison.compare(table, follows: .stream)
//
// With `.stream` what differs is settled against the stream; with `.nothing` (Data B) rows that stand still on both sides and
// differ are differences, whoever lags.

package import Model
package import Postgres
internal import State
package import Threading

package final class PairComparison {
    package enum Follows: Sendable { case stream, nothing }

    let desks: BothDesks
    let stream: StreamName
    private let followed: FollowedStream
    let stop: StopSignal
    let hash: RowHash
    /// Old is read as one snapshot shows it, and nobody writes on new: nothing is to be waited for.
    let hasSnapshot: Bool

    package init(
        source: ConnectionTarget, target: ConnectionTarget, stream: StreamName, as application: String,
        stop: StopSignal,
        readsOnly: Bool = false, snapshot: String? = nil
    ) throws {
        self.stream = stream
        followed = FollowedStream(stream)
        self.stop = stop
        hasSnapshot = snapshot != nil
        let prepare: @Sendable (Connection) throws -> Void = { try Self.prepare($0, readsOnly: readsOnly) }
        let old = try SideDesk(source, as: application, stop: stop) { connection in
            try prepare(connection)
            if let snapshot { try Self.hold(snapshot, connection) }
        }
        do {
            let new = try SideDesk(target, as: application, stop: stop, prepare: prepare)
            desks = BothDesks(old: old, new: new)
        } catch {
            old.close()
            throw error
        }
        do {
            let sides = try desks.both { _, connection in try RowHash.probe(connection) }
            let isCheap =
                sides.old.agrees && sides.new.agrees && sides.old.encoding == "UTF8" && sides.new.encoding == "UTF8"
            hash = isCheap ? .fields64 : .md5
        } catch {
            desks.old.close()
            desks.new.close()
            throw error
        }
    }

    deinit { close() }

    package func close() {
        desks.old.close()
        desks.new.close()
    }

    /// One process of the server at a time, no waiting behind a lock for ever.
    private static func prepare(_ connection: Connection, readsOnly: Bool) throws {
        let only = readsOnly ? "SET default_transaction_read_only = on;" : ""
        try connection.script(
            "\(only) SET max_parallel_workers_per_gather = 0; SET lock_timeout = '10s'; SET work_mem = '16MB'",
            doing: "preparing to compare on \(connection.label)")
    }

    private static func hold(_ snapshot: String, _ connection: Connection) throws {
        try connection.script(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT \(literal(snapshot))",
            doing: "taking up the slot's snapshot on \(connection.label)")
    }

    /// How what differs in such a table is settled.
    func settling(follows: Follows) -> SettlingReads.Manner {
        if hasSnapshot { return .still }
        return follows == .stream ? .stream(followed) : .repeated
    }

    package func compare(
        _ table: QualifiedName, onNew: QualifiedName? = nil, follows: Follows, settings: ComparisonSettings = .init(),
        progress: @escaping (ComparisonProgress) -> Void = { _ in }
    ) throws -> TableReport {
        let compared = try look(up: table, onNew: onNew ?? table)
        return try TableComparison(
            compared, desks, settling(follows: follows), settings, stop: stop, progress: progress
        ).run()
    }

    /// Only rows of which the key is known, each by column; what the key lacks or has besides makes no row of it.
    package func compare(
        rows: [[String: String]], of table: QualifiedName, settings: ComparisonSettings
    ) throws -> TableReport {
        let compared = try look(up: table, onNew: table)
        let keys = rows.compactMap { row -> [String]? in
            let key = compared.key.compactMap { row[$0] }
            return key.count == compared.key.count && key.count == row.count ? key : nil
        }
        let comparison = TableComparison(compared, desks, settling(follows: .stream), settings, stop: stop)
        guard !compared.isKeyless else { return comparison.report }
        comparison.suspects = Array(Set(keys))
        try comparison.settle()
        return comparison.report
    }

    /// `columns`: what names rows, where it is not to be chosen.
    func look(up table: QualifiedName, onNew: QualifiedName, by columns: [String]? = nil) throws -> ComparedTable {
        let sides = try desks.both { side, connection in
            try SideTable.read(side == .old ? table : onNew, side, on: connection)
        }
        guard let old = sides.old else { throw VerificationError.missing(table: table, side: .old) }
        guard let new = sides.new else { throw VerificationError.missing(table: onNew, side: .new) }
        return try ComparedTable(table, onNew, hash: hash, onOld: old, onNew: new, by: columns)
    }
}
