// One shape of the source laid over its table on the target: column by column, how values travel and how rows are
// found. Columns meet by name, never by place.

internal import Batching
package import Model

struct MappedColumn: Sendable {
    let target: TargetTable.Column
    /// The element and array type of the parameter its values travel in.
    let elementType: UInt32
    let arrayType: UInt32
    /// What writes an element as text, when it is neither text nor of the column's type.
    let output: String?
    /// Longer strings are made to fail: an assignment would cut off blanks at their end.
    let limit: Int?
    let isBinary: Bool

    static func text(_ target: TargetTable.Column, limit: Int?) -> MappedColumn {
        MappedColumn(
            target: target, elementType: WireTypes.text, arrayType: WireTypes.textArray, output: nil, limit: limit,
            isBinary: false)
    }

    var asText: MappedColumn { .text(target, limit: limit) }

    var sql: String { quoted(target.name) }

    /// The values are the column's own, to be stored as they are.
    var isVerbatim: Bool { isBinary && limit == nil && elementType == target.type }

    /// A value of the type below the column's domains.
    func expression(_ alias: String) -> String {
        var value = output.map { "pg_catalog.textin(\($0)(\(alias)))" } ?? alias
        if let limit {
            value = "(CASE WHEN pg_catalog.char_length(\(value)) > \(limit) THEN \(value) || '.' ELSE \(value) END)"
        }
        let isMade = output == nil && limit == nil && elementType == target.baseType
        guard !isMade, let input = target.input else { return value }
        return input.before + value + input.after
    }
}

final class TableMapping: Sendable {
    let shape: RelationShape
    let table: TargetTable
    let plan: TablePlan
    /// By index in the shape; nil for columns that the target generates itself.
    let columns: [MappedColumn?]
    /// The index that finds rows, when there is one; parts in the order of the plan's key.
    let keyParts: [TargetTable.Index.Part]?
    /// Duplicate keys would not be noticed, because the replica role leaves deferrable constraints unchecked.
    let keyIsUnchecked: Bool
    /// Every such key of the table that this shape fills, with its columns in the shape.
    let uncheckedKeys: [(index: TargetTable.Index, columns: [Int])]
    /// Updates may have to take rows out and put them back (columns GENERATED ALWAYS AS IDENTITY).
    let updatesRewrite: Bool
    let rekeysRewrite: Bool

    init(
        shape: RelationShape, table: TargetTable, plan: TablePlan, columns: [MappedColumn?],
        keyParts: [TargetTable.Index.Part]?,
        keyIsUnchecked: Bool
    ) {
        self.shape = shape
        self.table = table
        self.plan = plan
        self.columns = columns
        self.keyParts = keyParts
        self.keyIsUnchecked = keyIsUnchecked
        uncheckedKeys = table.uncheckedKeys.compactMap { index in
            let places = index.parts.compactMap { part in
                shape.columns.indices.first { sameName(shape.columns[$0].name, part.column) && columns[$0] != nil }
            }
            return places.count == index.parts.count ? (index, places) : nil
        }
        let identities = plan.carried.filter { columns[$0]?.target.isIdentityAlways == true }
        rekeysRewrite = !identities.isEmpty
        updatesRewrite = identities.contains { !plan.keyColumns.contains($0) }
    }

    func column(_ index: Int) -> MappedColumn {
        guard let column = columns[index] else { preconditionFailure("only carried columns are asked for") }
        return column
    }

    /// The same mapping for values that come as text.
    var asText: TableMapping {
        TableMapping(
            shape: shape, table: table, plan: plan, columns: columns.map { $0?.asText }, keyParts: keyParts,
            keyIsUnchecked: keyIsUnchecked)
    }

    /// Values travel as they are, not as text that is cast.
    var isCopyable: Bool {
        !keyIsUnchecked && !table.firesTriggers && !table.appliesRules && !plan.carried.isEmpty
            && plan.carried.allSatisfy { column($0).isVerbatim }
    }

    var isHeartbeat: Bool { table.name == QualifiedName(schema: "tandem", name: "heartbeat") }
}

/// Why a shape cannot be laid over the target: found before the first change of such a row is applied.
struct MappingProblem: Explained {
    let table: QualifiedName
    let description: String
    let hint: String?
    var exitCode: ExitCode { .blocked }
}

/// The stream was asked for in binary, and this table's values cannot travel so.
package struct NeedsTextStream: Error {
    package let table: QualifiedName
}
