// Makes the shop in a database, and takes it away again.

package import Ledger
package import Postgres

package struct ShopLoader {
    private let connection: Connection

    /// A connection for control; the loader uses it on the thread that made it.
    package init(_ connection: Connection) { self.connection = connection }

    /// Which of the shop's schemas are there.
    package func existing() throws -> [String] {
        let found = try connection.query(
            "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[]) ORDER BY nspname",
            [array(ShopTables.schemas)], doing: "looking for a bookstore in \(connection.label)")
        return (0..<found.rows).map { found.string($0, 0) }
    }

    /// All of it, or nothing.
    package func load(_ opening: Opening, text length: Int) throws {
        let doing = "making the bookstore in \(connection.label)"
        try connection.script("BEGIN", doing: doing)
        let keyless = opening.hasKeyless ? ShopTables.keyless : []
        for statement in ShopTables.statements + keyless + ShopTables.rows(opening, text: length) {
            try connection.script(statement, doing: doing)
        }
        try connection.script("COMMIT", doing: doing)
        try connection.script(
            "ANALYZE bookstore.books, bookstore.stock, bookstore.accounts", doing: "gathering statistics")
    }

    package func drop() throws {
        for schema in try existing().reversed() {
            try connection.script(
                "DROP SCHEMA \(schema) CASCADE", doing: "dropping the bookstore in \(connection.label)")
        }
    }
}

/// A list for `ANY ($1)` and `unnest($1)`, of what needs no quotes.
func array(_ items: [some CustomStringConvertible]) -> String {
    "{" + items.map(\.description).joined(separator: ",") + "}"
}
