// The statements of a stream that applies where applications write, too. What the stream brings is what the row has to be:
// inserted or overwritten, whatever is there. A row that is the same already is left alone, and not even locked: its twin was
// written by an application that may be at that row again just now, or wait with it for the fence; and nothing is logged.

internal import Batching
internal import Model

extension TableMapping {
    /// Whether one statement can do it: the key is one that the server looks at while it inserts, and every column may be set.
    var canBePlaced: Bool {
        guard let parts = keyParts, !parts.isEmpty, !keyIsUnchecked, !updatesRewrite, !table.appliesRules else {
            return false
        }
        return table.indexes.contains { index in
            index.isUnique && index.isImmediate && index.isPlain
                && Set(index.parts.map { Array($0.column.utf8) }) == Set(parts.map { Array($0.column.utf8) })
        }
    }

    func place(_ source: RowSource) -> StatementText {
        let changed = plan.carried.filter { !keyColumns.contains($0) || isInexact($0) }
        let key = keyColumns.map { column($0).sql }.joined(separator: ", ")
        let action =
            changed.isEmpty
            ? "NOTHING"
            : "UPDATE SET " + changed.map { "\(column($0).sql) = excluded.\(column($0).sql)" }.joined(separator: ", ")
                + " WHERE \(image("t", changed)) *<> \(image("excluded", changed))"
        return StatementText(
            sql: insertion(source, as: " AS t") + whereNothingIsSame(changed) + " ON CONFLICT (\(key)) DO \(action)",
            parameterTypes: types(plan.carried, source))
    }

    /// Two values of it may be equal and not the same (`1` and `1.0`, text under some collations): the row that is there has to get this
    /// one. Of an identity, which is a number, UPDATE could not set it.
    private func isInexact(_ place: Int) -> Bool {
        let target = column(place).target
        return !target.isIdentityAlways && !equalIsSame(target.baseType)
    }

    /// As the statement's snapshot shows it. What somebody has written since and not committed is that somebody's twin.
    private func whereNothingIsSame(_ changed: [Int]) -> String {
        let own = changed.map { "x.\(column($0).sql)::\(column($0).target.castType)" }.joined(separator: ", ")
        let given = changed.map { "(\(value($0)))::\(column($0).target.castType)" }.joined(separator: ", ")
        let image = changed.isEmpty ? "" : " AND ROW(\(own))::record *= ROW(\(given))::record"
        return " WHERE NOT EXISTS (SELECT FROM \(table.sql) AS x WHERE \(keyMatches("x", "v.a"))\(image))"
    }

    private func image(_ row: String, _ columns: [Int]) -> String {
        "ROW(" + columns.map { "\(row).\(column($0).sql)" }.joined(separator: ", ") + ")::record"
    }

    var placeMissing: StatementText {
        StatementText(sql: insertion(RowSource()) + whereNothingHasTheKey, parameterTypes: types(plan.carried))
    }

    /// Rows of other keys that hold the same values in an index that lets nobody else have them. They come as text.
    func inTheWay(of index: TargetTable.Index) -> StatementText {
        let same = places(of: index).map { index, part in
            "\(ofBaseType(index, "t")) \(part.equals) \(value(index))"
        }
        let found = plan.carried.map { "t.\(column($0).sql)" }.joined(separator: ", ")
        return StatementText(
            sql: "SELECT \(found) FROM \(table.sql) AS t, \(rows(plan.carried))"
                + " WHERE \(same.joined(separator: " AND ")) AND NOT (\(keyMatches("t", "v.a")))",
            parameterTypes: types(plan.carried))
    }

    /// Those of the table's indexes, by place, that another row may be in the way in. Over expressions nobody can say what for.
    var exclusiveIndexes: [Int] {
        let key = Set(keyColumns.map { Array(column($0).target.name.utf8) })
        return table.indexes.indices.filter { place in
            let index = table.indexes[place]
            return index.isUnique && index.isPlain && Set(index.parts.map { Array($0.column.utf8) }) != key
                && places(of: index).count == index.parts.count
        }
    }

    private func places(of index: TargetTable.Index) -> [(Int, TargetTable.Index.Part)] {
        index.parts.compactMap { part in
            plan.carried.first { sameName(column($0).target.name, part.column) }.map { ($0, part) }
        }
    }
}
