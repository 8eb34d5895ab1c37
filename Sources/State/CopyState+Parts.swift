// What new records of a table that is copied in parts, in one snapshot after another: which parts are there, and the keys of
// rows that have changed meanwhile and are to be read again.

package import Model
package import Postgres

/// Pages of a table on the source that are on new.
package struct CopiedRange: Sendable, Equatable {
    package let first: Int
    /// Behind the last.
    package let end: Int

    package init(first: Int, end: Int) {
        self.first = first
        self.end = end
    }
}

/// Keys that are to be read again, up to one of them.
package struct TouchedKeys: Sendable {
    /// The last one's number.
    package let last: Int
    package let count: Int
    /// Nobody can say which rows have changed, or they are told apart otherwise than was expected.
    package let isUnknown: Bool
}

extension TargetSide {
    /// A stream that was bound before there were such tables.
    package func completeCopyTables() throws(PostgresError) {
        let there = try ask(
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute
                            WHERE attrelid = pg_catalog.to_regclass('tandem.copy') AND attname = 'streams_paused')
            """, to: "looking for the copy's state")
        if try hasCopyTables, !there.bool(0, 0) { try connection.script(Schema.copy, doing: "making the copy's state") }
    }

    // MARK: parts

    package func copiedRanges(_ oid: UInt32) throws(PostgresError) -> [CopiedRange] {
        let rows = try ask(
            """
            SELECT first_page, end_page FROM tandem.copied_range WHERE stream = $1 AND source_oid = $2 ORDER BY 1
            """, [stream.description, "\(oid)"], to: "reading which parts are copied")
        return (0..<rows.rows).map { CopiedRange(first: rows.int($0, 0) ?? 0, end: rows.int($0, 1) ?? 0) }
    }

    /// In the transaction that wrote its rows.
    package func nowCopied(_ range: CopiedRange, of oid: UInt32, rows: Int, bytes: Int) throws(PostgresError) {
        try ask(
            "INSERT INTO tandem.copied_range VALUES ($1, $2, $3, $4, $5, $6)",
            [stream.description, "\(oid)", "\(range.first)", "\(range.end)", "\(rows)", "\(bytes)"],
            to: "recording a part that is copied")
    }

    /// Goes on with a table in one more snapshot.
    package func nowCopyingOn(_ oid: UInt32, until: LSN) throws(PostgresError) {
        try change(oid, "snapshots = snapshots + 1, seen_lsn = $3", [until.description])
    }

    /// All parts are there.
    package func nowCopiedInParts(_ oid: UInt32) throws(PostgresError) {
        try change(
            oid,
            """
            state = 'copied', problem = NULL, hint = NULL, (rows, bytes) = (SELECT coalesce(sum(r.rows), 0), coalesce(sum(r.bytes), 0)
              FROM tandem.copied_range r WHERE r.stream = $1 AND r.source_oid = $2)
            """, [])
    }

    /// How much of a table's rows its parts make up so far.
    package func copiedParts(_ oid: UInt32) throws(PostgresError) -> (rows: Int, bytes: Int) {
        let row = try ask(
            """
            SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM tandem.copied_range
             WHERE stream = $1 AND source_oid = $2
            """, [stream.description, "\(oid)"], to: "reading which parts are copied")
        return (row.int(0, 0) ?? 0, row.int(0, 1) ?? 0)
    }

    func forgetParts(_ oid: UInt32) throws(PostgresError) {
        for table in ["copied_range", "touched"] {
            try ask(
                "DELETE FROM tandem.\(table) WHERE stream = $1 AND source_oid = $2", [stream.description, "\(oid)"],
                to: "clearing what was noted of a table")
        }
    }

    // MARK: keys to be read again

    package func tablesTouched() throws(PostgresError) -> Set<UInt32> {
        let rows = try ask(
            "SELECT DISTINCT source_oid FROM tandem.touched WHERE stream = $1", [stream.description],
            to: "reading which rows are to be read again")
        return Set((0..<rows.rows).compactMap { rows.int($0, 0).map { UInt32($0) } })
    }

    /// Nil when there are none.
    package func touched(_ oid: UInt32, by columns: [String]) throws(PostgresError) -> TouchedKeys? {
        let row = try ask(
            """
            SELECT max(id), count(*), coalesce(bool_or(columns IS DISTINCT FROM $3::text[]), false) FROM tandem.touched
             WHERE stream = $1 AND source_oid = $2
            """, [stream.description, "\(oid)", arrayText(columns)], to: "reading which rows are to be read again")
        guard let last = row.int(0, 0) else { return nil }
        return TouchedKeys(last: last, count: row.int(0, 1) ?? 0, isUnknown: row.bool(0, 2))
    }

    /// Removes the rows of these keys from `table`; `matches` compares a row `d` with the key's parts in `n.key`.
    package func remove(
        _ keys: TouchedKeys, of oid: UInt32, from table: String, where matches: String
    ) throws(PostgresError) {
        try ask(
            """
            DELETE FROM \(table) AS d USING (SELECT DISTINCT key FROM tandem.touched
                 WHERE stream = $1 AND source_oid = $2 AND id <= $3) AS n WHERE \(matches)
            """, [stream.description, "\(oid)", "\(keys.last)"], to: "removing rows that have changed since")
    }

    /// Each key once, so many at a time.
    package func eachKey(
        _ keys: TouchedKeys, of oid: UInt32, parts: Int, _ body: ([[String]]) throws -> Void
    ) throws {
        let doing = "reading which rows are to be read again"
        let columns = (1...parts).map { "key[\($0)]" }.joined(separator: ", ")
        try connection.script(
            """
            DECLARE keys NO SCROLL CURSOR FOR SELECT DISTINCT \(columns) FROM tandem.touched
              WHERE stream = \(literal(stream.description)) AND source_oid = \(oid) AND id <= \(keys.last)
            """, doing: doing)
        while true {
            let rows = try ask("FETCH 5000 FROM keys", to: doing)
            guard rows.rows > 0 else { break }
            try body((0..<parts).map { part in (0..<rows.rows).map { rows.string($0, part) } })
        }
        try connection.script("CLOSE keys", doing: doing)
    }

    package func forget(_ keys: TouchedKeys, of oid: UInt32) throws(PostgresError) {
        try ask(
            "DELETE FROM tandem.touched WHERE stream = $1 AND source_oid = $2 AND id <= $3",
            [stream.description, "\(oid)", "\(keys.last)"], to: "recording which rows were read again")
    }
}

/// An array of texts as PostgreSQL reads it. By scalars: a quotation mark with an accent on it is one of Swift's letters.
package func arrayText(_ values: [String]) -> String {
    var text = "{"
    for value in values {
        text += text.utf8.count > 1 ? ",\"" : "\""
        for scalar in value.unicodeScalars {
            if scalar == "\\" || scalar == "\"" { text.unicodeScalars.append("\\") }
            text.unicodeScalars.append(scalar)
        }
        text += "\""
    }
    return text + "}"
}
