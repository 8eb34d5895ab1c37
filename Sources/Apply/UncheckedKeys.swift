// Deferrable unique keys, which the replica role leaves unchecked: a row that only new has, holding the value of one that
// comes, would stay beside it for ever. Inside a transaction rows may share such a value, so what counts is how things
// stand at its end: asked there, before COMMIT, for the values that were written; after a large transaction or one that
// went change by change, for the whole table.

internal import Batching
internal import Model
internal import PGOutput
internal import Postgres

extension TableMapping {
    func shared(_ key: Int) -> StatementText {
        let (index, columns) = uncheckedKeys[key]
        let calls = columns.indices.map { "unnest($\($0 + 1))" }.joined(separator: ", ")
        let names = columns.map { "a\($0)" }.joined(separator: ", ")
        let matches = zip(columns, index.parts).map { place, part in
            "\(ofBaseType(place, "x")) \(part.equals) \(column(place).expression("v.a\(place)"))"
        }.joined(separator: " AND ")
        return StatementText(
            sql: "SELECT count(*) FROM ROWS FROM (\(calls)) AS v(\(names))"
                + " WHERE (SELECT count(*) FROM \(table.sql) AS x WHERE \(matches)) > 1",
            parameterTypes: columns.map { column($0).arrayType })
    }

    /// Rows of the whole table that share a value of the key. Each row is compared with others by the index's order.
    func sharedAnywhere(_ index: TargetTable.Index) -> String {
        let matches = index.parts.map { part in
            let column = table.column(part.column)
            let name = quoted(part.column) + (column?.isDomain == true ? "::" + (column?.castType ?? "") : "")
            return "x.\(name) \(part.equals) y.\(name)"
        }
        return "SELECT count(*) FROM \(table.sql) AS x WHERE EXISTS (SELECT FROM \(table.sql) AS y"
            + " WHERE \(matches.joined(separator: " AND ")) AND (y.tableoid, y.ctid) <> (x.tableoid, x.ctid))"
    }
}

extension SegmentStatements {
    /// The values that rows of these segments end with, one group a table and unchecked key.
    func checks(_ segments: [Segment]) -> [RowGroup] {
        var groups = Groups()
        var tuple = Tuple()
        func add(_ row: RowReference) {
            let keys = mapping(row.shape).uncheckedKeys
            guard !keys.isEmpty else { return }
            row.read(into: &tuple)
            for key in keys.indices { groups.group(row.shape, .shared(key), mapping).append(tuple) }
        }
        for table in segments.flatMap(\.tables) where !byTarget(table.target).uncheckedKeys.isEmpty {
            for entry in table.keyed.entries {
                switch entry.kind {
                case .insert, .update, .replace, .rekey: add(entry.new)
                case .delete, .nothing: continue
                }
            }
            for pair in table.images.pairs { if let new = pair.new { add(new) } }
            table.inserts.forEach(add)
        }
        return groups.order
    }
}

extension BatchWriter {
    func queueChecks(_ batch: Batch) throws(PostgresError) {
        for group in SegmentStatements(mappings, hasTwins: hasTwins).checks(batch.segments) { try queue(group) }
    }

    /// For tables of which too much was written to name it.
    func queueChecks(ofShapes shapes: Set<Int>) throws(PostgresError) {
        for shape in shapes.sorted() {
            guard let mapping = mappings.mapping(ofShape: shape) else { continue }
            for key in mapping.uncheckedKeys { try queue(check: key.index, of: mapping) }
        }
    }
}
