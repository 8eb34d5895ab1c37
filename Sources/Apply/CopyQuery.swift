// What is read of one table by COPY, in one of two ways: every row in a message of its own, as COPY has it, or, where rows may
// be too wide for that, the narrow ones so and the wide ones in pieces. The statement that reads the narrow ones leaves the
// wide ones out and notes in the session that it has met any: only then are they asked for. Both need the same snapshot.

package struct CopyQuery: Sendable {
    private let rows: String
    private let from: String
    private let conditions: [String]
    private let ending: String
    /// Set when it is all of a table as it is.
    private let relation: String?
    package let isBinary: Bool
    private let wide: WideRows?

    init(
        rows: String, from: String, where condition: String?, ending: String = "", relation: String? = nil,
        isBinary: Bool, wide: WideRows?
    ) {
        (self.rows, self.from, self.ending, self.relation) = (rows, from, ending, relation)
        (self.isBinary, self.wide) = (isBinary, wide)
        conditions = condition.map { [$0] } ?? []
    }

    /// COPY … TO STDOUT of every row.
    package var whole: String {
        if let relation { return "COPY \(relation) (\(rows)) TO STDOUT (FORMAT \(format))" }
        return copy(conditions)
    }

    /// COPY … TO STDOUT of those that are not wider than so many bytes, and what returns the others piece by piece; nil when
    /// none can be.
    package func parted(at limit: Int, piece: Int) -> (narrow: String, wide: String)? {
        guard let wide else { return nil }
        let narrow =
            "CASE WHEN \(wide.measure) > \(limit) THEN pg_catalog.set_config('\(Self.note)', 'met', false) IS NULL ELSE true END"
        return (
            copy(conditions + [narrow]),
            wide.pieces(of: from + Self.condition(conditions + ["\(wide.measure) > \(limit)"]), piece)
        )
    }

    /// Whether wide rows were met since this was asked last. In what follows, processes beside the session's own would mix
    /// the pieces of several rows.
    package static let asking = """
        SELECT pg_catalog.current_setting('\(note)', true) = 'met', pg_catalog.set_config('\(note)', '', false),
               pg_catalog.set_config('max_parallel_workers_per_gather', '0', false)
        """

    private static let note = "tandem.wide"

    private var format: String { isBinary ? "binary" : "text" }

    private func copy(_ conditions: [String]) -> String {
        "COPY (SELECT \(rows) FROM \(from)\(Self.condition(conditions))\(ending)) TO STDOUT (FORMAT \(format))"
    }

    private static func condition(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : " WHERE " + conditions.map { "(\($0))" }.joined(separator: " AND ")
    }
}
