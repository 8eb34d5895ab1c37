// Rows that were not as the stream expected: there already when inserted, or not there when changed. Each such row is
// read again on the source and made equal on the target, in the transaction that met it; the source may be further by
// then, and the changes still to come bring the target back to it. Where what it is on the source cannot be seen yet, or
// collides with a row that has not come so far, it is made what the change itself says, before the next change comes.
// Counted by table and kind in schema tandem.

internal import Assembly
internal import Batching
internal import Bytes
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import State
internal import Telemetry

struct Differences {
    enum Kind: String {
        case existing = "existing on insert"
        case missingUpdate = "missing on update"
        case missingDelete = "missing on delete"
        case inTheWay = "in the way of another"
    }

    /// What a different row is made equal to.
    enum Source {
        case rereading
        /// The change's own row, where it is complete: what old held at this very position.
        case image
    }

    struct Row {
        let kind: Kind
        let mapping: TableMapping
        /// Nil for tables without a key: nothing to read it again by.
        let row: RowReference?
        /// Keeps the row's bytes.
        let batch: Batch
    }

    struct Key: Hashable {
        let table: QualifiedName
        let kind: Kind
    }

    struct Tally {
        var found = 0
        var repaired = 0
    }

    /// Of those that are not made equal yet.
    private(set) var rows: [Row] = []
    private(set) var count = 0
    private(set) var tallies: [Key: Tally] = [:]
    /// No more may wait: each keeps what its change lies in.
    static let most = 1000

    mutating func note(_ kind: Kind, _ mapping: TableMapping, _ batch: Batch) {
        rows.append(Row(kind: kind, mapping: mapping, row: batch.rowOf(mapping), batch: batch))
        tallies[Key(table: mapping.table.name, kind: kind), default: Tally()].found += 1
        count += 1
    }

    mutating func takeRows() -> [Row] {
        defer { rows = [] }
        return rows
    }

    mutating func nowEqual(_ row: Row) {
        tallies[Key(table: row.mapping.table.name, kind: row.kind), default: Tally()].repaired += 1
    }
}

extension Applier {
    /// Those that wait. `seesIt`: whether the source shows what the transaction that met them did.
    func repair(
        _ differences: inout Differences, by source: Differences.Source, seesIt: Bool
    ) throws -> ApplyFailure? {
        for difference in differences.takeRows() {
            guard let row = difference.row, difference.kind != .missingDelete else { continue }
            let isComplete = row.isComplete
            guard seesIt || isComplete else { continue }
            let fromImage = isComplete && (source == .image || !seesIt)
            let failure = try fromImage ? write(row, difference.mapping) : repair(row, difference.mapping)
            if let failure { return failure }
            differences.nowEqual(difference)
        }
        return nil
    }

    /// When all are made equal.
    func tell(_ differences: Differences, at position: LSN) throws {
        guard differences.count > 0 else { return }
        for (key, tally) in differences.tallies {
            try queueTally(key.table, key.kind, found: tally.found, repaired: tally.repaired, position)
            log.warning(
                "difference",
                [.relation: key.table, .reason: key.kind.rawValue, .count: tally.found, .lsn: position])
        }
        Failpoint.pass(.afterRepair)
    }

    func queueTally(
        _ table: QualifiedName, _ kind: Differences.Kind, found: Int, repaired: Int, _ position: LSN
    ) throws {
        try writer.queue(
            control: """
                INSERT INTO tandem.difference AS d (stream, schema_name, table_name, kind, found, repaired, last_lsn)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (stream, schema_name, table_name, kind) DO UPDATE
                    SET found = d.found + excluded.found, repaired = d.repaired + excluded.repaired,
                        last_lsn = excluded.last_lsn, last_at = excluded.last_at
                """,
            [
                stream.description, table.schema, table.name, kind.rawValue, "\(found)", "\(repaired)",
                position.description,
            ], doing: "counting differences")
    }

    /// Makes one row on the target what it is on the source now.
    private func repair(_ row: RowReference, _ mapping: TableMapping) throws -> ApplyFailure? {
        var key = Tuple()
        row.read(into: &key)
        let current: SourceRow?
        do { current = try reread.row(key, mapping) } catch let error as PostgresError where error.sqlState != nil {
            return .server(error, table: mapping.table.name)
        }
        if let current { return try write(current.tuple, mapping.asText, text: true) }
        let (there, failure) = try isThere(key, mapping, text: false)
        if let failure { return failure }
        let removal = RowGroup(mapping, .delete)
        removal.append(key)
        if there { try writer.queue(removal) }
        return try writer.finishGroup(doing: "repairing a row")
    }

    private func write(_ row: RowReference, _ mapping: TableMapping) throws -> ApplyFailure? {
        var image = Tuple()
        row.read(into: &image)
        return try write(image, mapping, text: false)
    }

    /// Makes the row of that key this one, whether or not there is one.
    private func write(_ row: Tuple, _ mapping: TableMapping, text: Bool) throws -> ApplyFailure? {
        let (there, failure) = try isThere(row, mapping, text: text)
        if let failure { return failure }
        let group = RowGroup(mapping, there ? .update(without: []) : .insert)
        group.append(row)
        if !there || mapping.plan.carried.count > mapping.keyColumns.count { try writer.queue(group, text: text) }
        return try writer.finishGroup(doing: "repairing a row")
    }

    private func isThere(
        _ row: Tuple, _ mapping: TableMapping, text: Bool
    ) throws -> (there: Bool, failure: ApplyFailure?) {
        let probe = RowGroup(mapping, .probe)
        probe.append(row)
        let (count, failure) = try writer.count(probe, text: text)
        return (count > 0, failure)
    }
}

extension RowReference {
    /// No large value was left out as unchanged.
    fileprivate var isComplete: Bool {
        var tuple = Tuple()
        read(into: &tuple)
        return !tuple.columns.contains { $0.state == .unchanged }
    }
}
