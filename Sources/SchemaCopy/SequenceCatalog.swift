// Reads all sequences of one side and sets some of them. The values stand in the sequences themselves, one relation each:
// they are read many at a time, in one statement, and set in one, too.

internal import Model
internal import Postgres

struct SequenceCatalog {
    let connection: Connection
    /// Sequences in one statement.
    private static let portion = 500

    func states() throws(PostgresError) -> [SequenceState] {
        let doing = "reading sequences on \(connection.label)"
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
                   s.seqmax, s.seqcycle, pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
                        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
                   pg_catalog.has_sequence_privilege(c.oid, 'UPDATE')
                        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
              FROM pg_catalog.pg_sequence s
              JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relpersistence <> 't' AND n.nspname <> 'tandem'
             ORDER BY 1, 2
            """, doing: doing)
        func number(_ row: Int, _ column: Int) -> Int64 { Int64(rows.int(row, column) ?? 0) }
        var states: [SequenceState] = []
        var readable: [Int] = []
        for row in 0..<rows.rows {
            if rows.bool(row, 8) { readable.append(row) }
            states.append(
                SequenceState(
                    name: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                    type: rows.string(row, 2), start: number(row, 3), increment: number(row, 4),
                    minimum: number(row, 5), maximum: number(row, 6), cycles: rows.bool(row, 7), position: nil,
                    mayWrite: rows.bool(row, 9)))
        }
        for part in Self.portions(readable) { try readPositions(of: part, in: &states, doing) }
        return states
    }

    private func readPositions(of part: ArraySlice<Int>, in states: inout [SequenceState], _ doing: String)
        throws(PostgresError)
    {
        let questions = part.map { "SELECT \($0), last_value, is_called FROM \(states[$0].name.sql)" }
        let rows = try connection.query(questions.joined(separator: " UNION ALL "), doing: doing)
        for row in 0..<rows.rows {
            guard let index = rows.int(row, 0), let value = rows.int(row, 1) else { continue }
            states[index].position = SequenceState.Position(value: Int64(value), isCalled: rows.bool(row, 2))
        }
    }

    func set(_ moves: [(name: QualifiedName, to: SequenceState.Position)]) throws(PostgresError) {
        for part in Self.portions(moves) {
            let calls = part.map { name, position in
                "pg_catalog.setval(\(literal(name.sql)), \(position.value), \(position.isCalled))"
            }
            try connection.query(
                "SELECT " + calls.joined(separator: ", "), doing: "setting sequences on \(connection.label)")
        }
    }

    private static func portions<Element>(_ all: [Element]) -> [ArraySlice<Element>] {
        stride(from: 0, to: all.count, by: portion).map { all[$0..<min($0 + portion, all.count)] }
    }
}
