// Columns that either side generates. Where new does, its own expression counts, and old's values are left out, if they come
// at all: before PostgreSQL 18, and of virtual columns, they do not. Where only old generates a column, its values must come.

internal import Model
internal import Postgres

extension Mapper {
    /// Names of the shape's columns whose values are left out: generated on old, and on new generated too or not there.
    func generated(_ shape: RelationShape, _ table: TargetTable) throws -> NameSet {
        let streamed = NameSet(shape.columns.map(\.name))
        let byNew = shape.columns.filter { table.column($0.name)?.isGenerated == true }
        let lacking = shape.columns.filter { table.column($0.name) == nil }
        let further = table.columns.filter { !$0.isGenerated && !streamed.contains($0.name) }
        // The usual table has none of these, and old need not be asked.
        guard !(byNew.isEmpty && lacking.isEmpty && further.isEmpty) else { return NameSet([]) }
        guard let byOld = try source.generatedColumns(of: shape) else { return NameSet(byNew.map(\.name)) }
        let names = NameSet(byOld.map(\.name))
        let ordinary = byNew.filter { !names.contains($0.name) }
        guard ordinary.isEmpty else { throw generates(ordinary, shape, table) }
        let empty = byOld.filter { old in further.contains { sameName($0.name, old.name) } }
        guard empty.isEmpty else { throw unpublished(empty, shape, table) }
        let keys = shape.identity == .full ? [] : shape.keyColumns.map { shape.columns[$0] }
        let found = keys.filter { key in byNew.contains { sameName($0.name, key.name) } }
        guard found.isEmpty else { throw identifies(found, shape, table) }
        return NameSet((byNew + lacking.filter { names.contains($0.name) }).map(\.name))
    }

    private func list(_ names: [String]) -> String {
        (names.count == 1 ? "column " : "columns ") + names.map(visiblyQuoted).joined(separator: ", ")
    }

    private func drops(_ names: [String]) -> String {
        names.map { "ALTER COLUMN \(visiblyQuoted($0)) DROP EXPRESSION" }.joined(separator: ", ")
    }

    /// What comes are values that new would not keep.
    private func generates(
        _ columns: [RelationShape.Column], _ shape: RelationShape, _ table: TargetTable
    ) -> MappingProblem {
        let names = columns.map(\.name)
        return MappingProblem(
            table: shape.name, description: "\(to) generates \(list(names)) of \(table.name), which \(from) does not",
            hint: "ALTER TABLE \(table.name.pasteable) \(drops(names)); then replication goes on by itself")
    }

    private func identifies(
        _ columns: [RelationShape.Column], _ shape: RelationShape, _ table: TargetTable
    ) -> MappingProblem {
        let names = columns.map(\.name)
        return MappingProblem(
            table: shape.name,
            description: "\(to) generates \(list(names)) of \(table.name), by which \(from)'s rows are found",
            hint: "ALTER TABLE \(table.name.pasteable) \(drops(names)); then replication goes on by itself")
    }

    /// Nothing of them comes, and new would keep NULL or a default in their place.
    private func unpublished(
        _ columns: [GeneratedColumn], _ shape: RelationShape, _ table: TargetTable
    ) -> MappingProblem {
        let parts = columns.map { column in
            let name = visiblyQuoted(column.name)
            return "DROP COLUMN \(name), ADD COLUMN \(name) \(column.type)"
                + " GENERATED ALWAYS AS (\(column.expression)) STORED"
        }
        return MappingProblem(
            table: shape.name,
            description:
                "\(from) generates \(list(columns.map(\.name))) of \(table.name) and does not publish the values; \(to) does"
                + " not generate \(columns.count == 1 ? "it" : "them")",
            hint:
                "on \(to): ALTER TABLE \(table.name.pasteable) \(parts.joined(separator: ", ")); then replication goes on by"
                + " itself")
    }
}

/// A column that old generates, as its catalog has it now.
struct GeneratedColumn: Sendable {
    let name: String
    let type: String
    let expression: String
}

/// Names compared by their bytes, as PostgreSQL does.
struct NameSet {
    private let names: Set<[UInt8]>

    init(_ names: [String]) { self.names = Set(names.map { Array($0.utf8) }) }

    func contains(_ name: String) -> Bool { names.contains(Array(name.utf8)) }
}
