// Ranges of keys as conditions in SQL: all rows are in exactly one of them, and an index over the key finds each. Pure.

internal import Model

struct KeyRanges {
    /// The columns that make the order, each with its type on the side that is asked.
    struct Order {
        let columns: [(name: String, type: String)]

        private var list: String { columns.map { quoted($0.name) }.joined(separator: ", ") }

        private func row(_ values: [String]) -> String {
            zip(values, columns).map { "\(literal($0))::\($1.type)" }.joined(separator: ", ")
        }

        private func compared(_ sign: String, _ values: [String]) -> String {
            columns.count == 1 ? "\(list) \(sign) \(row(values))" : "(\(list)) \(sign) (\(row(values)))"
        }

        func condition(_ range: Range) -> String? {
            var parts: [String] = []
            if range.isNull { return "\(list) IS NULL" }
            if let after = range.after { parts.append(compared(">", after)) }
            if let upTo = range.upTo { parts.append(compared("<=", upTo)) }
            return parts.isEmpty ? nil : parts.joined(separator: " AND ")
        }

        /// Whether these bounds come in this order here, too. Where another server orders text otherwise they may not.
        func isAscending(_ bounds: [[String]]) -> String {
            let rows = bounds.enumerated().map { number, values in "(\(number), \(row(values)))" }
            let names = columns.indices.map { "k\($0)" }
            let now = names.count == 1 ? names[0] : "(" + names.joined(separator: ", ") + ")"
            let before = names.map { "lag(\($0)) OVER w" }
            let then = before.count == 1 ? before[0] : "(" + before.joined(separator: ", ") + ")"
            return """
                SELECT coalesce(bool_and(ascends), true) FROM (SELECT \(then) < \(now) AS ascends
                  FROM (VALUES \(rows.joined(separator: ", "))) AS b(n, \(names.joined(separator: ", ")))
                  WINDOW w AS (ORDER BY n)) AS x
                """
        }

        /// Every so many rows one key, in order.
        func bounds(of relation: String, every step: Int) -> String {
            // Under names of our own: a table may have a column of any name.
            let own = columns.indices.map { "k\($0)" }.joined(separator: ", ")
            let named = columns.enumerated().map { "\(quoted($0.element.name)) AS k\($0.offset)" }
            let texts = columns.indices.map { "pg_catalog.format('%s', k\($0))" }.joined(separator: ", ")
            return """
                SELECT DISTINCT ON (\(own)) \(texts)
                  FROM (SELECT \(named.joined(separator: ", ")), row_number() OVER (ORDER BY \(list)) AS n FROM \(relation)
                         WHERE \(columns.map { "\(quoted($0.name)) IS NOT NULL" }.joined(separator: " AND "))) AS x
                 WHERE n % \(step) = 0 ORDER BY \(own)
                """
        }
    }

    struct Range {
        let after: [String]?
        let upTo: [String]?
        var isNull = false
    }

    let all: [Range]

    /// With `null`, rows whose timestamp is NULL are one more.
    init(bounds: [[String]], null: Bool) {
        let edges: [[String]?] = [nil] + bounds.map { $0 } + [nil]
        var ranges = zip(edges, edges.dropFirst()).map { Range(after: $0, upTo: $1) }
        if null { ranges.append(Range(after: nil, upTo: nil, isNull: true)) }
        all = ranges
    }
}
