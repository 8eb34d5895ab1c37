// Reads a database at rest for the check: one snapshot, every row that counts its versions, the journal, and rows that do not
// agree with themselves.

package import Ledger
package import Postgres

package struct FinalStateReader {
    private let connection: Connection
    private let opening: Opening

    package init(_ connection: Connection, _ opening: Opening) {
        (self.connection, self.opening) = (connection, opening)
    }

    package func read() throws -> FinalState {
        var state = FinalState(label: connection.label)
        try connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: doing)
        let found = try connection.query(rows, doing: doing)
        for row in 0..<found.rows {
            state.add(
                found.string(row, 0),
                FinalRow(version: found.int(row, 1) ?? -1, token: found.text(row, 2), amount: found.int(row, 3) ?? 0))
        }
        let journal = try connection.query(
            "SELECT token, pg_catalog.count(*) FROM bookstore.journal GROUP BY token", doing: doing)
        for row in 0..<journal.rows { state.journal[journal.string(row, 0)] = journal.int(row, 1) }
        for (query, text) in Self.damages {
            let found = try connection.query(query, doing: doing)
            for row in 0..<min(20, found.rows) {
                state.damages.append((found.string(row, 0), "\(found.string(row, 0)) \(text)"))
            }
        }
        try connection.script("COMMIT", doing: doing)
        return state
    }

    private var doing: String { "reading the bookstore in \(connection.label)" }

    private var rows: String {
        let versioned = [
            ("book", "id", "0", "books"), ("stock", "book_id", "quantity", "stock"),
            ("account", "id", "balance", "accounts"), ("counter", "name", "value", "counters"),
            ("order", "id", "total", "orders"), ("review", "id", "0", "reviews"), ("document", "id", "0", "documents"),
        ]
        let counted = [("import", "imported")] + (opening.hasKeyless ? [("visit", "visits")] : [])
        let parts =
            versioned.map { "SELECT '\($0.0):' || \($0.1), version, token, \($0.2)::int8 FROM bookstore.\($0.3)" }
            + counted.map {
                "SELECT '\($0.0):' || token, 1, token, pg_catalog.count(*) FROM bookstore.\($0.1) GROUP BY token"
            }
        return parts.joined(separator: " UNION ALL ")
    }

    private static let damages = [
        (
            "SELECT 'book:' || id FROM bookstore.books WHERE pg_catalog.md5(description) <> description_digest",
            "has a description that is not the one that was written"
        ),
        (
            "SELECT 'document:' || id FROM bookstore.documents WHERE pg_catalog.md5(content) <> content_digest",
            "has content that is not what was written"
        ),
        (
            """
            SELECT 'order:' || o.id FROM bookstore.orders o LEFT JOIN bookstore.order_lines l ON l.order_id = o.id
             GROUP BY o.id, o.total
            HAVING o.total <> COALESCE(pg_catalog.sum(l.quantity * l.price), 0)
                OR pg_catalog.max(l.line) <> pg_catalog.count(l.line)
            """, "has lines that do not come to its total"
        ),
        (
            """
            SELECT DISTINCT 'order:' || l.order_id FROM bookstore.order_lines l
             WHERE NOT EXISTS (SELECT FROM bookstore.orders o WHERE o.id = l.order_id)
            """, "has lines, and is not there"
        ),
    ]
}
