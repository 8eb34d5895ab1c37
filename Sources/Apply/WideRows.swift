// Rows of any size: how wide one may be, told without reading its large values, and the row as one value that the server cuts
// into pieces. The row is made once, by `record_send`, and lies in the server's memory until its last piece has gone; COPY
// takes as much there. In text, each column is made text first, by its type's own output function.

internal import Model

struct WideRows: Sendable {
    struct Column {
        let name: String
        /// How it is read.
        let value: String
        /// Its type, or that of its domain, when its values may be of any size.
        let type: UInt32?
    }

    /// Not less than the bytes of the row on its way, by an expression of SQL; for types of unusual forms a guess.
    let measure: String
    private let record: String

    /// Nil when no column may be large.
    init?(_ columns: [Column], isBinary: Bool, tellsCompression: Bool) {
        let measures = columns.compactMap { column in
            column.type.map { Self.measure(quoted(column.name), $0, tellsCompression) }
        }
        guard !measures.isEmpty else { return nil }
        measure = "(" + measures.joined(separator: " + ") + ")"
        let values = columns.map { isBinary ? $0.value : Self.text($0) }
        record = "pg_catalog.record_send(ROW(\(values.joined(separator: ", "))))"
    }

    /// A query whose rows are the pieces, one row of the table after the other.
    func pieces(of rest: String, _ size: Int) -> String {
        """
        SELECT pg_catalog.substr(r.w, 1 + s.i * \(size), \(size)) FROM (SELECT \(record) AS w FROM \(rest) OFFSET 0) AS r
         CROSS JOIN LATERAL pg_catalog.generate_series(0, (pg_catalog.octet_length(r.w) - 1) / \(size)) AS s(i)
        """
    }

    private static func text(_ column: Column) -> String {
        "CASE WHEN pg_catalog.num_nulls(\(quoted(column.name))) = 0 THEN pg_catalog.format('%s', \(column.value)) END"
    }

    /// Of text and bytea the server knows the length of what is stored compressed, too; hexadecimal digits, escapes and another
    /// encoding at most double it. Of anything else it tells what is stored, which is multiplied by what compression and
    /// another form make of it at most.
    private static func measure(_ column: String, _ type: UInt32, _ tellsCompression: Bool) -> String {
        if let plain = lengths[type] {
            return "coalesce(pg_catalog.octet_length(\(column)::pg_catalog.\(plain))::int8 * 2, 0)"
        }
        let method = "pg_catalog.pg_column_compression(\(column))"
        let compressed =
            tellsCompression
            ? "CASE WHEN \(method) IS NULL THEN 8 WHEN \(method) = 'pglz' THEN \(8 * 90) ELSE \(8 * 256) END"
            : "\(8 * 90)"
        return "coalesce(pg_catalog.pg_column_size(\(column))::int8 * \(compressed), 0)"
    }

    /// Casts that do not touch the value.
    private static let lengths: [UInt32: String] = [17: "bytea", 25: "text", 1042: "bpchar", 1043: "text"]
}
