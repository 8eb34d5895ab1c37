// The SQL of every statement that changes data on the target. Rows come as arrays, one per column; `unnest` lays them
// side by side again. The search path is pinned empty, so unqualified functions and operators are pg_catalog's.
//
// Rows without a key are found by everything they hold: first by equal text, which can be hashed, then by equal bytes
// (`*=`, which needs no equality operator of the types); of several equal rows, as many as were meant.

internal import Batching
internal import Model

struct StatementText {
    let sql: String
    let parameterTypes: [UInt32]

    /// Fails (division by zero) unless it touches as many rows as one more parameter says. Not for what begins with WITH.
    var asserted: StatementText {
        StatementText(
            sql: "WITH touched AS (\(sql) RETURNING 1)"
                + " SELECT 1 / (count(*) = $\(parameterTypes.count + 1))::int4 FROM touched",
            parameterTypes: parameterTypes + [WireTypes.int8])
    }
}

enum Operation: Hashable {
    case insert
    /// Columns that this group of rows leaves alone, by index in the shape.
    case update(without: [Int])
    case rekey(without: [Int])
    case delete
    /// How many rows of these keys exist.
    case probe
    /// Found by the whole row; `narrowedBy` is a column with an index whose values are not null here.
    case deleteImage(narrowedBy: Int?)
    case updateImage(narrowedBy: Int?)
    /// How many of these values of an unchecked key (by its place in the mapping) several rows share.
    case shared(Int)
    /// Keys to be read again once a table's other rows are copied.
    case note
    /// The same, of a table that has to be copied from its beginning.
    case noteWhole
    /// Where applications write this side, too: the row is this one from now on, whatever was there.
    case place
    /// For rows that cannot be placed in one statement: where nothing has the key.
    case placeMissing
    /// Other rows that hold what this one must have alone, by the place of the index among the table's.
    case inTheWay(Int)
}

extension TableMapping {
    func statement(_ operation: Operation, of stream: StreamName) -> StatementText {
        switch operation {
        case .insert: insert(RowSource())
        case .update(let without): update(without: without, RowSource())
        case .rekey(let without): rekey(without: without)
        case .delete: delete(RowSource())
        case .probe: probe
        case .deleteImage(let narrow): deleteImage(narrow)
        case .updateImage(let narrow): updateImage(narrow)
        case .shared(let key): shared(key)
        case .note: note(stream)
        case .noteWhole: noteWhole(stream)
        case .place: place(RowSource())
        case .placeMissing: placeMissing
        case .inTheWay(let index): inTheWay(of: table.indexes[index])
        }
    }

    var keyColumns: [Int] { plan.keyColumns }

    /// Whether `single` has one: the operation's statement for a single row.
    func takesSingleRows(_ operation: Operation) -> Bool {
        switch operation {
        case .insert: !plan.carried.isEmpty
        case .update: !updatesRewrite
        case .delete, .place: true
        default: false
        }
    }

    /// The same for one row, whose values come as they are. The planner sees through the SELECT around them, and what is
    /// left is a look into the key's index.
    func single(_ operation: Operation) -> StatementText? {
        guard takesSingleRows(operation) else { return nil }
        switch operation {
        case .insert: return insert(RowSource(isSingle: true))
        case .update(let without): return update(without: without, RowSource(isSingle: true))
        case .delete: return delete(RowSource(isSingle: true))
        case .place: return place(RowSource(isSingle: true))
        default: return nil
        }
    }

    // MARK: parts

    /// Where a statement's rows come from: arrays side by side, or parameters that are one row.
    struct RowSource {
        var isSingle = false

        func sql(_ names: [String]) -> String {
            let values = names.indices.map { isSingle ? "$\($0 + 1)" : "unnest($\($0 + 1))" }
            return "(SELECT \(values.joined(separator: ", "))) AS v(\(names.joined(separator: ", ")))"
        }
    }

    func types(_ columns: [Int], _ source: RowSource) -> [UInt32] {
        source.isSingle ? columns.map { column($0).elementType } : types(columns)
    }

    func types(_ columns: [Int]) -> [UInt32] { columns.map { column($0).arrayType } }

    /// `(SELECT unnest($1), unnest($2)) AS v(a0, a3)`: row by row as it is read, where `ROWS FROM` would first lay every
    /// array out whole.
    func rows(_ columns: [Int], _ source: RowSource = RowSource()) -> String {
        source.sql(columns.map { "a\($0)" })
    }

    func value(_ index: Int, _ alias: String = "v.a") -> String {
        column(index).expression(alias + "\(index)")
    }

    /// The rows of `x` whose key is `prefix`'s.
    func keyMatches(_ table: String, _ prefix: String) -> String {
        let exactly = keyMatchesExactly(table, prefix)
        guard let parts = keyParts else { return exactly }
        let matches = zip(keyColumns, parts).map { index, part in
            "\(ofBaseType(index, table)) \(part.equals) \(column(index).expression(prefix + "\(index)"))"
        }
        return (matches + (parts.contains(where: \.isLoose) ? [exactly] : [])).joined(separator: " AND ")
    }

    private func keyMatchesExactly(_ table: String, _ prefix: String) -> String {
        let own = keyColumns.map { "\(table).\(column($0).sql)::\(column($0).target.castType)" }
        let given = keyColumns.map { column($0).expression("\(prefix)\($0)") }
        return "ROW(\(own.joined(separator: ", ")))::record *= ROW(\(given.joined(separator: ", ")))::record"
    }

    /// Some operators (of enums, say) do not take a domain for what it is made of. An index is used all the same.
    func ofBaseType(_ index: Int, _ table: String) -> String {
        let column = column(index)
        return "\(table).\(column.sql)" + (column.target.isDomain ? "::" + column.target.castType : "")
    }

    private func assignments(_ columns: [Int], _ alias: String) -> String {
        columns.map { "\(column($0).sql) = \(value($0, alias))" }.joined(separator: ", ")
    }

    // MARK: rows with a key

    private func insert(_ source: RowSource) -> StatementText {
        guard !plan.carried.isEmpty else { return insertNothing }
        let guarded = keyIsUnchecked ? whereNothingHasTheKey : ""
        return StatementText(
            sql: insertion(source) + guarded, parameterTypes: types(plan.carried, source))
    }

    var whereNothingHasTheKey: String {
        " WHERE NOT EXISTS (SELECT FROM \(table.sql) AS x WHERE \(keyMatches("x", "v.a")))"
    }

    func insertion(_ source: RowSource, as alias: String = "") -> String {
        let names = plan.carried.map { column($0).sql }.joined(separator: ", ")
        let values = plan.carried.map { value($0) }.joined(separator: ", ")
        return "INSERT INTO \(table.name.sql)\(alias) (\(names)) OVERRIDING SYSTEM VALUE"
            + " SELECT \(values) FROM \(rows(plan.carried, source))"
    }

    /// A table without columns: only how many rows counts.
    private var insertNothing: StatementText {
        StatementText(
            sql: "INSERT INTO \(table.name.sql) SELECT FROM unnest($1)", parameterTypes: [WireTypes.textArray])
    }

    private func update(without: [Int], _ source: RowSource) -> StatementText {
        let present = plan.carried.filter { !without.contains($0) }
        let changed = present.filter { !keyColumns.contains($0) }
        if changed.contains(where: { column($0).target.isIdentityAlways }) {
            return rewrite(present, key: "a", keyParameters: [])
        }
        return StatementText(
            sql: "UPDATE \(table.sql) AS t SET \(assignments(changed, "v.a")) FROM \(rows(present, source))"
                + " WHERE \(keyMatches("t", "v.a"))",
            parameterTypes: types(present, source))
    }

    /// Old keys first (`k`), then the new values (`a`).
    private func rekey(without: [Int]) -> StatementText {
        let present = plan.carried.filter { !without.contains($0) }
        if present.contains(where: { column($0).target.isIdentityAlways }) {
            return rewrite(present, key: "k", keyParameters: keyColumns)
        }
        return StatementText(
            sql: "UPDATE \(table.sql) AS t SET \(assignments(present, "v.a"))"
                + " FROM \(keyedRows(keyColumns, present)) WHERE \(keyMatches("t", "v.k"))",
            parameterTypes: types(keyColumns) + types(present))
    }

    private func keyedRows(_ keys: [Int], _ columns: [Int]) -> String {
        RowSource().sql(keys.map { "k\($0)" } + columns.map { "a\($0)" })
    }

    /// A column GENERATED ALWAYS AS IDENTITY cannot be set by UPDATE, only by INSERT: the row is taken out and put
    /// back with its new values, keeping what new has on its own.
    private func rewrite(_ present: [Int], key: String, keyParameters: [Int]) -> StatementText {
        let (kept, putBack) = rewriting(present, of: "t", "gone.a")
        let sql =
            "WITH gone AS (DELETE FROM \(table.sql) AS t USING \(keyedRows(keyParameters, present))"
            + " WHERE \(keyMatches("t", "v." + key)) RETURNING v.*, \(kept)) \(putBack)"
        return StatementText(sql: sql, parameterTypes: types(keyParameters) + types(present))
    }

    /// What a DELETE returns of the row that goes, and the INSERT that puts it back from `gone` with the values that came.
    private func rewriting(_ present: [Int], of row: String, _ given: String) -> (kept: String, putBack: String) {
        let all = table.columns.filter { !$0.isGenerated }
        let names = all.map { quoted($0.name) }.joined(separator: ", ")
        let values = all.indices.map { own in
            present.first { sameName(column($0).target.name, all[own].name) }.map { value($0, given) } ?? "gone.o\(own)"
        }.joined(separator: ", ")
        let kept = all.indices.map { "\(row).\(quoted(all[$0].name)) AS o\($0)" }.joined(separator: ", ")
        return (
            kept, "INSERT INTO \(table.name.sql) (\(names)) OVERRIDING SYSTEM VALUE SELECT \(values) FROM gone"
        )
    }

    private func delete(_ source: RowSource) -> StatementText {
        StatementText(
            sql: "DELETE FROM \(table.sql) AS t USING \(rows(keyColumns, source)) WHERE \(keyMatches("t", "v.a"))",
            parameterTypes: types(keyColumns, source))
    }

    private var probe: StatementText {
        StatementText(
            sql: "SELECT count(*) FROM \(rows(keyColumns))"
                + " WHERE EXISTS (SELECT FROM \(table.sql) AS t WHERE \(keyMatches("t", "v.a")))",
            parameterTypes: types(keyColumns))
    }

    /// The row of a key as text, read on the source, where the table has the shape's own name and columns.
    var reread: String {
        let values = plan.carried.map { "t.\(quoted(shape.columns[$0].name))" }.joined(separator: ", ")
        // A part's row is looked for in the whole: it may be another part's by now.
        let from = plan.isPart ? table.name.sql : "ONLY " + shape.name.sql
        return "SELECT \(values) FROM \(from) AS t, \(rows(keyColumns)) WHERE \(keyMatches("t", "v.a"))"
    }

    // MARK: rows without a key

    private func image(_ value: (Int) -> String) -> String {
        "ROW(" + plan.carried.map(value).joined(separator: ", ") + ")::record"
    }

    /// `v`: the distinct images wanted, numbered by `g`. `hit`: the target's rows that hold them, counted by `r`.
    private func imageHits(_ narrow: Int?, extra: String) -> String {
        let given = image { value($0, "f.a") }
        let own = image { "x.\(column($0).sql)::\(column($0).target.castType)" }
        let calls = (0...plan.carried.count).map { "unnest($\($0 + 1))" }.joined(separator: ", ")
        let names = (["n"] + plan.carried.map { "a\($0)" } + ["g"]).joined(separator: ", ")
        let narrowed = narrow.map { " AND \(ofBaseType($0, "x")) = \(value($0))" } ?? ""
        return """
            WITH v AS MATERIALIZED (SELECT f.*, \(given) AS image
              FROM ROWS FROM (\(calls)) WITH ORDINALITY AS f(\(names))),
            hit AS (SELECT x.tableoid AS t, x.ctid AS c, v.n, v.g,
                row_number() OVER (PARTITION BY v.g ORDER BY x.tableoid, x.ctid) AS r
              FROM v JOIN \(table.sql) AS x ON \(own)::text = v.image::text AND \(own) *= v.image\(narrowed))\(extra)
            """
    }

    /// How many of each image, then the images.
    private func deleteImage(_ narrow: Int?) -> StatementText {
        StatementText(
            sql: imageHits(narrow, extra: "")
                + " DELETE FROM \(table.sql) AS d USING hit WHERE d.tableoid = hit.t AND d.ctid = hit.c AND hit.r <= hit.n",
            parameterTypes: [1007] + types(plan.carried))
    }

    /// As for deletes; then for each pair the image's number, which of the equal rows, and the new values.
    private func updateImage(_ narrow: Int?) -> StatementText {
        let first = plan.carried.count + 2
        let calls = (0..<(plan.carried.count + 2)).map { "unnest($\(first + $0))" }.joined(separator: ", ")
        let names = (["g", "r"] + plan.carried.map { "b\($0)" }).joined(separator: ", ")
        // A full join inside a WITH of its own can only be done by hashing: the planner takes every array to be short,
        // and would compare each hit with each pair. Hits beyond those meant come out of it without a pair.
        let pairs = """
            , given AS MATERIALIZED (SELECT * FROM ROWS FROM (\(calls)) AS f(\(names))),
            p AS MATERIALIZED (SELECT hit.t, hit.c, given.* FROM hit FULL JOIN given ON given.g = hit.g AND given.r = hit.r)
            """
        return StatementText(
            sql: imageHits(
                narrow, extra: pairs + change(from: "p.g IS NOT NULL AND d.tableoid = p.t AND d.ctid = p.c")),
            parameterTypes: [1007] + types(plan.carried) + [1007, 1007] + types(plan.carried))
    }

    /// Of the rows `p` found, as `d`.
    private func change(from found: String) -> String {
        guard plan.carried.contains(where: { column($0).target.isIdentityAlways }) else {
            let sets = plan.carried.map { "\(column($0).sql) = \(value($0, "p.b"))" }.joined(separator: ", ")
            return " UPDATE \(table.sql) AS d SET \(sets) FROM p WHERE \(found)"
        }
        let (kept, putBack) = rewriting(plan.carried, of: "d", "gone.b")
        return ", gone AS (DELETE FROM \(table.sql) AS d USING p WHERE \(found) RETURNING p.*, \(kept)) \(putBack)"
    }
}
