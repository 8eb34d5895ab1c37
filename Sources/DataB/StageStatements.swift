// The statements that lay rows over a table of Data B: they wait in a temporary table of the writing session, and from
// there only those that differ touch the table. What differs is decided byte for byte (`*<>`), because for `=` 1.1 and 1.10
// are the same.

internal import Model

struct StageStatements {
    private let table: String
    private let target: String
    let names: [String]
    let key: [String]
    private let settable: [String]
    /// A column that nearly always tells a row that has changed.
    private let telling: String?

    static let place = "pg_temp.tandem_b_stage"

    init(table: String, target: String, names: [String], key: [String], settable: [String], telling: String?) {
        (self.table, self.target, self.names, self.key) = (table, target, names, key)
        self.settable = settable
        self.telling = telling
    }

    private var list: String { names.map { quoted($0) }.joined(separator: ", ") }

    private func row(_ alias: String) -> String {
        // As one value: rows side by side would be compared column by column.
        "ROW(" + names.map { "\(alias).\(quoted($0))" }.joined(separator: ", ") + ")::pg_catalog.record"
    }

    private func meets(_ one: String, _ other: String) -> String {
        key.map { "\(one).\(quoted($0)) = \(other).\(quoted($0))" }.joined(separator: " AND ")
    }

    var create: String {
        "CREATE TEMP TABLE tandem_b_stage ON COMMIT DROP AS SELECT \(list) FROM \(target) WITH NO DATA"
    }

    /// Straight into the table, which must be empty.
    var isEmpty: String { "SELECT NOT EXISTS (SELECT FROM \(target))" }

    // MARK: by key

    /// Rows that are not there are inserted, those that differ overwritten, all others left alone.
    var upsert: String {
        let set =
            settable.isEmpty
            ? "NOTHING"
            : "UPDATE SET " + settable.map { "\(quoted($0)) = excluded.\(quoted($0))" }.joined(separator: ", ")
                + " WHERE \(differs)"
        return insert("AS t", "SELECT \(list) FROM \(Self.place)")
            + " ON CONFLICT (\(key.map { quoted($0) }.joined(separator: ", "))) DO \(set)"
    }

    /// Whole rows are laid beside each other, which costs, only where the column that tells most says nothing.
    private var differs: String {
        let whole = "\(row("t")) OPERATOR(pg_catalog.*<>) \(row("excluded"))"
        return telling.map { "t.\(quoted($0)) IS DISTINCT FROM excluded.\(quoted($0)) OR \(whole)" } ?? whole
    }

    /// Everything that is not among the waiting rows, exactly as they are.
    var removeUnlike: String {
        """
        DELETE FROM \(target) AS t WHERE NOT EXISTS (SELECT FROM \(Self.place) AS s
          WHERE \(meets("s", "t")) AND \(row("s")) OPERATOR(pg_catalog.*=) \(row("t")))
        """
    }

    /// Of the waiting rows those that are there otherwise. Taken out and put back, because two may have swapped what another
    /// unique key looks at.
    var removeChanged: String {
        """
        DELETE FROM \(target) AS t USING \(Self.place) AS s
          WHERE \(meets("s", "t")) AND \(row("t")) OPERATOR(pg_catalog.*<>) \(row("s"))
        """
    }

    var insertMissing: String {
        insert(
            "",
            "SELECT \(list) FROM \(Self.place) AS s WHERE NOT EXISTS (SELECT FROM \(target) AS t WHERE \(meets("s", "t")))"
        )
    }

    // MARK: without a key

    func remove(where condition: String?) -> String {
        "DELETE FROM \(target)" + (condition.map { " WHERE \($0)" } ?? "")
    }

    var insertAll: String { insert("", "SELECT \(list) FROM \(Self.place)") }

    private func insert(_ alias: String, _ rows: String) -> String {
        "INSERT INTO \(table) \(alias) (\(list)) OVERRIDING SYSTEM VALUE \(rows)"
    }

    // MARK: comparing

    /// A row as a hash of its text, the same on both sides whatever their versions: the `C` collation makes it one of bytes.
    static func hash(_ names: [String], of alias: String) -> String {
        let row = "ROW(" + names.map { "\(alias).\(quoted($0))" }.joined(separator: ", ") + ")"
        return "pg_catalog.hashtextextended(CAST(\(row) AS pg_catalog.text) COLLATE \"C\", 0)"
    }

    /// How many rows, and a sum of their hashes that their order does not change, and doubled ones do.
    static func fingerprint(_ names: [String], of relation: String, where condition: String?) -> String {
        """
        SELECT count(*), coalesce(sum(\(hash(names, of: "t"))), 0)
          FROM \(relation) AS t\(condition.map { " WHERE \($0)" } ?? "")
        """
    }
}
