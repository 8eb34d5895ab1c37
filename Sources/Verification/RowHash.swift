// How a row becomes a number on its server, the same on every version and at every time: a text of the row, as the pinned
// session writes its values (exact to the byte: −0 and 0, 1.10 and 1.1, NULL and '' differ), hashed to 64 bits. The sum over rows
// does not depend on their order and counts each of two equal rows.

internal import Model
internal import Postgres

package enum RowHash: String, Sendable {
    /// PostgreSQL's own hash of text, by bytes: the same from 13 to 18. Less than half the cost of md5.
    case fields64
    /// For databases that are not both UTF-8: of the row's text as UTF-8, where it can be one.
    case md5

    /// What either side needs to be able to for the cheap one.
    static func probe(_ connection: Connection) throws -> (encoding: String, agrees: Bool) {
        let row = try connection.query(
            """
            SELECT pg_catalog.getdatabaseencoding(),
                   pg_catalog.hashtextextended('tandem, 0123456789 and more than twelve bytes' COLLATE "C", 0)
            """, doing: "looking how \(connection.label) hashes")
        return (row.string(0, 0), row.string(0, 1) == known)
    }

    /// On every little-endian server of 13 to 18.
    static let known = "5957009818397072615"

    func expression(_ columns: [(sql: String, form: RowText.Form)]) -> String {
        switch self {
        case .fields64:
            let row = RowText(columns).sql
            return "pg_catalog.hashtextextended(\(row) COLLATE pg_catalog.\"C\", 0)"
        case .md5:
            let row = RowText(columns.map { ($0.sql, .other) }).sql
            return
                "('x' || pg_catalog.substr(pg_catalog.md5(pg_catalog.textsend(\(row))), 1, 16))::pg_catalog.bit(64)::int8"
        }
    }
}
