// Makes table mappings. Whatever the target lacks is named together with the statement that adds it.

internal import Assembly
internal import Batching
internal import Model
internal import Postgres

struct Mapper {
    /// The table on the target that rows of a shape go to.
    struct Destination {
        let name: QualifiedName
        /// How many partitions old has of it, when the shape is one that new does not have as such.
        var parts = 0
        var isWhole: Bool { parts > 0 }
    }

    let catalog: TargetCatalog
    let source: SourceRows
    let book: ShapeBook
    let isBinary: Bool

    /// The sides the rows come from and go to, for messages.
    var from: Side { source.stream.source }
    var to: Side { source.stream.target }

    /// The table of the same name; for a partition that new does not have, or has with other bounds, that of its root.
    func destination(_ shape: RelationShape) throws -> Destination {
        let own = Destination(name: shape.name)
        let found = try catalog.relation(shape.name)
        // Not a partition there: a table of its own, which takes every row.
        if let found, found.root == nil { return own }
        guard let root = try source.root(of: shape) else { return own }
        if let found, found.bounds == root.bounds { return own }
        if try catalog.relation(root.name) != nil, found?.root.map({ $0 == root.name }) ?? true {
            return Destination(name: root.name, parts: root.leaves)
        }
        guard let found, let other = found.root else { return own }
        // Some of its rows would be another partition's there, and nothing says which table has that one.
        throw MappingProblem(
            table: shape.name,
            description:
                "\(shape.name) on \(to) is a partition of \(other) with other bounds than on \(from), where it belongs to"
                + " \(root.name)",
            hint:
                "detach it on \(to), or rename it, or partition \(root.name) there as on \(from); then replication goes on by"
                + " itself")
    }

    /// `equal` are mappings of the same table that may serve rows of this shape as well.
    func map(
        _ shape: RelationShape, to destination: Destination, number: Int, equal: [TableMapping]
    ) throws -> TableMapping {
        if isBinary, shape.columns.contains(where: { !WireTypes.travelsInBinary($0.type) }) {
            throw NeedsTextStream(table: shape.name)
        }
        guard let table = try catalog.table(destination.name, number: number) else {
            throw MappingProblem(
                table: shape.name, description: "\(to) has no table \(shape.name)",
                hint:
                    "create it as on \(from): pg_dump --schema-only --table=\(shellQuoted(shape.name.sql))"
                    + " \(from.rawValue.uppercased()) | psql \(to.rawValue.uppercased())"
            )
        }
        guard ["r", "p"].contains(table.kind) else {
            throw MappingProblem(
                table: shape.name, description: "\(table.name) on \(to) is not a table", hint: "replace it by a table")
        }
        if let unlogged = table.unlogged {
            throw MappingProblem(
                table: shape.name,
                description:
                    "\(unlogged) on \(to) is unlogged: a crash of \(to) would empty it, and nobody would send it again",
                hint: "ALTER TABLE \(unlogged) SET LOGGED; then replication goes on by itself")
        }
        let columns = try self.columns(shape, table)
        let key = try locator(shape, table, columns)
        let carried = columns.indices.filter { columns[$0] != nil }
        let plan = TablePlan(
            target: table.number, columns: shape.columns.count, carried: carried, locator: key.locator,
            isPart: destination.isWhole, folds: !table.firesTriggers && !table.appliesRules,
            equal: equal.first { $0.plan.isPart && $0.shape.hasRowsLike(shape) }.map {
                $0.plan.equal ?? $0.shape.number
            })
        return TableMapping(
            shape: shape, table: table, plan: plan, columns: columns, keyParts: key.parts,
            keyIsUnchecked: key.isUnchecked)
    }

    // MARK: columns

    private func columns(_ shape: RelationShape, _ table: TargetTable) throws -> [MappedColumn?] {
        let own = try generated(shape, table)
        let missing = shape.columns.filter { table.column($0.name) == nil && !own.contains($0.name) }
        guard missing.isEmpty else { throw try lacks(missing, shape, table) }
        return try shape.columns.map { column in
            guard let target = table.column(column.name), !own.contains(column.name) else { return nil }
            guard target.input != nil else { throw cannotBeRead(target, shape) }
            return try mapped(column, target, limit: try limit(column, target, shape))
        }
    }

    private func mapped(
        _ column: RelationShape.Column, _ target: TargetTable.Column, limit: Int?
    ) throws(PostgresError) -> MappedColumn {
        guard isBinary, let array = WireTypes.array(of: column.type) else { return .text(target, limit: limit) }
        let isOwn = column.type == target.baseType || column.type == WireTypes.text
        return MappedColumn(
            target: target, elementType: column.type, arrayType: array,
            output: isOwn ? nil : try catalog.outputFunction(column.type), limit: limit, isBinary: true)
    }

    private func cannotBeRead(_ column: TargetTable.Column, _ shape: RelationShape) -> MappingProblem {
        MappingProblem(
            table: shape.name,
            description:
                "column \(quoted(column.name)) of \(shape.name) on \(to) is \(column.castType), and a cast from text"
                + " to that type stands between a value's text and the type's input function",
            hint: "on \(to): DROP CAST (text AS \(column.castType)); then replication goes on by itself")
    }

    private func lacks(
        _ missing: [RelationShape.Column], _ shape: RelationShape, _ table: TargetTable
    ) throws(PostgresError) -> MappingProblem {
        let defaults = (try? source.defaults(of: shape)) ?? [:]
        var added: [AddedColumn] = []
        for column in missing {
            added.append(AddedColumn(name: column.name, type: try typeText(column), asOnOld: defaults[column.name]))
        }
        let names = missing.map { visiblyQuoted($0.name) }.joined(separator: ", ")
        return MappingProblem(
            table: shape.name,
            description: "table \(table.name) on \(to) lacks \(missing.count == 1 ? "column" : "columns") \(names)",
            hint: AddedColumn.remedy(table.name, added))
    }

    private func typeText(_ column: RelationShape.Column) throws(PostgresError) -> String {
        if let own = book.typeName(column.type), own.schema != "pg_catalog" { return own.pasteable }
        return try catalog.typeText(column.type, column.modifier)
    }

    // MARK: finding rows

    private func locator(
        _ shape: RelationShape, _ table: TargetTable, _ columns: [MappedColumn?]
    ) throws -> (locator: Locator, parts: [TargetTable.Index.Part]?, isUnchecked: Bool) {
        switch shape.identity {
        case .nothing: return (.none, nil, false)
        case .full: return full(shape, table, columns)
        case .primaryKey, .index:
            let keys = shape.keyColumns
            guard !keys.isEmpty else { return (.none, nil, false) }
            let names = Set(keys.map { Array(shape.columns[$0].name.utf8) })
            let candidates = table.indexes.filter { $0.isPlain && Set($0.parts.map { Array($0.column.utf8) }) == names }
            guard let index = candidates.first(where: \.isUnique) ?? candidates.first else {
                return (.key(keys), nil, false)
            }
            return by(index, shape)
        }
    }

    /// A full identity on a table that has a key on new: that key finds the row. Without one, the whole row does; also
    /// with a deferrable one, because rows may share it for the length of a transaction.
    private func full(_ shape: RelationShape, _ table: TargetTable, _ columns: [MappedColumn?]) -> (
        Locator, [TargetTable.Index.Part]?, Bool
    ) {
        let usable = table.indexes.first { index in
            index.isPlain && index.isUnique && index.isImmediate
                && index.parts.allSatisfy { part in
                    table.column(part.column)?.isNotNull == true
                        && shape.columns.indices.contains {
                            sameName(shape.columns[$0].name, part.column) && columns[$0] != nil
                        }
                }
        }
        return usable.map { by($0, shape) } ?? (.image, nil, false)
    }

    private func by(_ index: TargetTable.Index, _ shape: RelationShape) -> (Locator, [TargetTable.Index.Part]?, Bool) {
        let keys = index.parts.compactMap { part in
            shape.columns.firstIndex { sameName($0.name, part.column) }
        }
        return (.key(keys), index.parts, index.isUnique && !index.isImmediate)
    }
}
