// The SQL that reads one table on one side. Names are quoted, keys travel as parameters with the column's type, so that the
// type's own input function reads them and no cast that somebody made.

internal import Model

enum RowLock: String, Sendable {
    /// They are about to be written.
    case update = "UPDATE"
    /// They are only to stand still; rows that refer to them may come.
    case share = "SHARE"
}

struct ReadStatements: Sendable {
    let table: ComparedTable
    let side: Side

    private var of: SideTable { table.sides[side] }
    /// Rows of a partitioned table are in its partitions; those of one that others inherit from are its own.
    private var relation: String { (of.kind == "r" ? "ONLY " : "") + table.name(side).sql }

    private func column(_ name: String) -> SideTable.Column {
        guard let column = of.column(name) else { preconditionFailure("only columns of both sides are compared") }
        return column
    }

    /// As it is written for hashing: servers from 16 on write "char" otherwise than those before.
    private func written(_ name: String) -> String {
        switch column(name).type {
        case 18: "r.\(quoted(name))::pg_catalog.int4"
        case 1002: "r.\(quoted(name))::pg_catalog.int4[]"
        default: "r.\(quoted(name))"
        }
    }

    var rowHash: String { hash(of: table.columns) }

    private func hash(of columns: [String]) -> String {
        table.hash.expression(
            columns.map { name in
                (written(name), RowText.form(table.sides.old.column(name)?.type, table.sides.new.column(name)?.type))
            })
    }

    /// Which of `count` buckets a row is in; by its key, so that both versions of a row that differs are in one.
    private func bucket(_ count: Int) -> String {
        let spread =
            table.keyIsNumber
            ? "pg_catalog.hashint8extended(r.\(quoted(table.key[0]))::pg_catalog.int8, 0)"
            : hash(of: table.key)
        return "((\(spread)) & \(count - 1))::pg_catalog.int4"
    }

    // MARK: parts

    struct Statement: Sendable {
        let sql: String
        let parameters: [String?]

        /// The same rows, which nobody else may change until the transaction ends.
        func locking(_ strength: RowLock) -> Statement {
            Statement(sql: sql + " FOR \(strength.rawValue) OF r", parameters: parameters)
        }
    }

    private func within(_ range: KeyRange, _ first: Int) -> (sql: String, parameters: [String?]) {
        let columns = "(" + table.ordered.map { "r.\(quoted($0))" }.joined(separator: ", ") + ")"
        var (conditions, parameters): ([String], [String?]) = ([], [])
        for (operation, bound) in [(">=", range.from), ("<", range.to)] {
            guard let bound else { continue }
            let values = zip(table.ordered, bound).enumerated().map { place, pair in
                "$\(first + parameters.count + place)::\(column(pair.0).typeName)"
            }
            conditions.append("\(columns) \(operation) (\(values.joined(separator: ", ")))")
            parameters += bound
        }
        return (conditions.isEmpty ? "true" : conditions.joined(separator: " AND "), parameters)
    }

    private func tally(_ relation: String, _ condition: String, _ count: Int, _ parameters: [String?]) -> Statement {
        // Without a key the bucket is made of the hash, which is dear: once for each row.
        let inner = table.isKeyless ? "" : "\(bucket(count)) AS b, "
        let outer = table.isKeyless ? "(h & \(count - 1))::pg_catalog.int4 AS b" : "b"
        return Statement(
            sql: """
                SELECT \(outer), count(*), sum(h) FROM (
                    SELECT \(inner)\(rowHash) AS h FROM \(relation) r WHERE \(condition)) q GROUP BY 1
                """, parameters: parameters)
    }

    func tally(_ range: KeyRange, buckets: Int) -> Statement {
        let (condition, parameters) = within(range, 1)
        return tally(relation, condition, buckets, parameters)
    }

    func tally(_ part: PagePart, buckets: Int) -> Statement {
        tally(part.relation, part.condition, buckets, [])
    }

    /// Key and hash of each row in some of the buckets.
    func list(_ range: KeyRange, buckets: Int, _ wanted: [Int]) -> Statement {
        let (condition, parameters) = within(range, 2)
        return list(relation, condition, buckets, wanted, parameters)
    }

    func list(_ part: PagePart, buckets: Int, _ wanted: [Int]) -> Statement {
        list(part.relation, part.condition, buckets, wanted, [])
    }

    private func list(
        _ relation: String, _ condition: String, _ count: Int, _ wanted: [Int], _ parameters: [String?]
    ) -> Statement {
        let buckets = "{" + wanted.map(String.init).joined(separator: ",") + "}"
        let isWanted = "= ANY ($1::pg_catalog.int4[])"
        let sql =
            table.isKeyless
            ? """
            SELECT h FROM (SELECT \(rowHash) AS h FROM \(relation) r WHERE \(condition)) q
             WHERE (h & \(count - 1))::pg_catalog.int4 \(isWanted)
            """
            : """
            SELECT \(([rowHash] + keyTexts).joined(separator: ", ")) FROM \(relation) r
             WHERE \(condition) AND \(bucket(count)) \(isWanted)
            """
        return Statement(sql: sql, parameters: [buckets] + parameters)
    }

    /// By the output function, whatever casts there are.
    private var keyTexts: [String] { table.key.map { "pg_catalog.format('%s', r.\(quoted($0)))" } }

    // MARK: single rows

    static let version = "r.tableoid || ':' || r.ctid || ':' || r.xmin"

    /// Hash, version and key of the rows with these keys; for each the server calls equal, so it may be more.
    func rows(_ keys: [[String]]) -> Statement {
        table.isKeyless
            ? hashed(keys, "h, v", "\(Self.version) AS v") : keyed(keys, [rowHash, Self.version])
    }

    /// The row's text and its key, or for tables without one its hash.
    func values(_ keys: [[String]]) -> Statement {
        let text = "CAST(ROW(\(table.columns.map { "r.\(quoted($0))" }.joined(separator: ", "))) AS pg_catalog.text)"
        return table.isKeyless ? hashed(keys, "t, h", "\(text) AS t") : keyed(keys, [text])
    }

    /// Hash, version, key and every compared column as it is, for writing it elsewhere.
    func wholeRows(_ keys: [[String]]) -> Statement {
        let columns = table.columns.map { "r.\(quoted($0))" }
        guard table.isKeyless else { return keyed(keys, [rowHash, Self.version], columns) }
        let named = zip(columns, table.columns.indices).map { "\($0) AS c\($1)" }
        let wanted = ["h", "v"] + table.columns.indices.map { "c\($0)" }
        return hashed(
            keys, wanted.joined(separator: ", "), (["\(Self.version) AS v"] + named).joined(separator: ", "))
    }

    private func keyed(_ keys: [[String]], _ wanted: [String], _ further: [String] = []) -> Statement {
        let arrays = table.key.map { column($0).arrayName ?? "pg_catalog._text" }
        // Not in FROM, which would spread a composite value over columns.
        let given = arrays.enumerated().map { "unnest($\($0.offset + 1)::\($0.element)) AS k\($0.offset)" }
            .joined(separator: ", ")
        let operators = equalities
        let conditions = table.key.enumerated().map { place, name in
            let cast = column(name).arrayName == nil ? "::\(column(name).typeName)" : ""
            return "r.\(quoted(name)) \(operators[place]) w.k\(place)\(cast)"
        }
        return Statement(
            sql: """
                SELECT \((wanted + keyTexts + further).joined(separator: ", "))
                  FROM (SELECT \(given)) AS w JOIN \(relation) r ON \(conditions.joined(separator: " AND "))
                """,
            parameters: table.key.indices.map { place in arrayLiteral(keys.map { $0[place] }) })
    }

    /// There is nothing to find them by but the hash of every row.
    private func hashed(_ hashes: [[String]], _ wanted: String, _ also: String) -> Statement {
        Statement(
            sql: """
                SELECT \(wanted) FROM (SELECT \(rowHash) AS h, \(also) FROM \(relation) r) q
                 WHERE h = ANY ($1::pg_catalog.int8[])
                """, parameters: [arrayLiteral(hashes.map { $0[0] })])
    }

    /// By which the key's columns are found.
    var equalities: [String] {
        let index = of.indexes.first { Array($0.columns.prefix(table.key.count)) == table.key }
        return index?.operators ?? table.key.map { _ in "OPERATOR(pg_catalog.=)" }
    }

    // MARK: where to cut

    /// Keys at about equal distances, from some of the pages.
    func sample(percent: Double, cuts: Int, from start: [String]?) -> Statement {
        let columns = table.ordered.map { "r.\(quoted($0))" }
        let (condition, parameters) = within(KeyRange(from: start, to: nil), 1)
        // Under names of our own: a table may have a column of any name.
        let named = columns.enumerated().map { "\($0.element) AS k\($0.offset)" }.joined(separator: ", ")
        let texts = columns.indices.map { "pg_catalog.format('%s', k\($0))" }.joined(separator: ", ")
        let order = columns.joined(separator: ", ")
        return Statement(
            sql: """
                SELECT \(texts) FROM (
                    SELECT \(named), row_number() OVER (ORDER BY \(order)) AS place, count(*) OVER () AS total
                      FROM \(relation) r TABLESAMPLE SYSTEM (\(percent)) WHERE \(condition)) q
                 WHERE place % greatest(total / \(cuts), 1) = 0 ORDER BY place
                """, parameters: parameters)
    }
}

/// `{"a","b"}`
func arrayLiteral(_ values: [String]) -> String {
    "{"
        + values.map { "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
        .joined(separator: ",") + "}"
}

/// Some pages of one of the relations that hold a table's rows.
struct PagePart: Sendable {
    let relation: String
    let condition: String
    let pages: Int
}
