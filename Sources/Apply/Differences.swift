// Rows that were not as the stream expected: there already when inserted, or not there when changed. Each such row is
// read again on the source and made equal on the target, in the transaction that met it; the source may be further by
// then, and the changes still to come bring the target back to it. Counted by table and kind in schema tandem.

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
    }

    struct Row {
        let kind: Kind
        let mapping: TableMapping
        /// Nil for tables without a key: nothing to read it again by.
        let row: RowReference?
        /// Keeps the row's bytes.
        let batch: Batch
    }

    private(set) var rows: [Row] = []
    var count: Int { rows.count }

    mutating func note(_ kind: Kind, _ mapping: TableMapping, _ batch: Batch) {
        rows.append(Row(kind: kind, mapping: mapping, row: batch.rowOf(mapping), batch: batch))
    }
}

extension Applier {
    func repair(_ differences: inout Differences, at position: LSN) throws -> ApplyFailure? {
        struct Tally {
            var found = 0
            var repaired = 0
        }
        struct Key: Hashable {
            let table: QualifiedName
            let kind: Differences.Kind
        }
        var tallies: [Key: Tally] = [:]
        for difference in differences.rows {
            let key = Key(table: difference.mapping.table.name, kind: difference.kind)
            tallies[key, default: Tally()].found += 1
            guard let row = difference.row, difference.kind != .missingDelete else { continue }
            if let failure = try repair(row, difference.mapping) { return failure }
            tallies[key, default: Tally()].repaired += 1
        }
        for (key, tally) in tallies {
            try queueTally(key.table, key.kind, found: tally.found, repaired: tally.repaired, position)
            log.warning(
                "difference",
                [.relation: key.table, .reason: key.kind.rawValue, .count: tally.found, .lsn: position])
        }
        Failpoint.pass(.afterRepair)
        return nil
    }

    private func queueTally(
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
        let probe = RowGroup(mapping, .probe)
        probe.append(key)
        let (there, failure) = try writer.count(probe)
        if let failure { return failure }
        guard let current else {
            let removal = RowGroup(mapping, .delete)
            removal.append(key)
            if there > 0 { try writer.queue(removal) }
            return try writer.finishGroup(doing: "repairing a row")
        }
        let text = mapping.asText
        let group = RowGroup(text, there > 0 ? .update(without: []) : .insert)
        group.append(current.tuple)
        if there == 0 || text.plan.carried.count > text.keyColumns.count { try writer.queue(group, text: true) }
        return try writer.finishGroup(doing: "repairing a row")
    }
}
