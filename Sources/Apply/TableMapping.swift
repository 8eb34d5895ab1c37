// One shape of the source laid over its table on the target: column by column, how values travel and how rows are
// found. Columns meet by name, never by place.

internal import Batching
package import Model

struct MappedColumn: Sendable {
    let target: TargetTable.Column
    /// The element and array type of the parameter its values travel in.
    let elementType: UInt32
    let arrayType: UInt32
    /// What turns an element back into the column's type; nil when it has it already.
    let cast: String?
    let isBinary: Bool

    static func text(_ target: TargetTable.Column) -> MappedColumn {
        let cast = target.type == WireTypes.text ? nil : "::" + target.castType
        return MappedColumn(
            target: target, elementType: WireTypes.text, arrayType: WireTypes.textArray, cast: cast, isBinary: false)
    }

    var asText: MappedColumn { .text(target) }

    var sql: String { quoted(target.name) }

    func expression(_ alias: String) -> String { cast.map { alias + $0 } ?? alias }
}

final class TableMapping: Sendable {
    let shape: RelationShape
    let table: TargetTable
    let plan: TablePlan
    /// By index in the shape; nil for columns that the target generates itself.
    let columns: [MappedColumn?]
    /// The index that finds rows, when there is one; parts in the order of the plan's key.
    let keyOperators: [String]?
    /// Duplicate keys would not be noticed, because the replica role leaves deferrable constraints unchecked.
    let keyIsUnchecked: Bool
    /// Every such key of the table that this shape fills, with its columns in the shape.
    let uncheckedKeys: [(index: TargetTable.Index, columns: [Int])]

    init(
        shape: RelationShape, table: TargetTable, plan: TablePlan, columns: [MappedColumn?], keyOperators: [String]?,
        keyIsUnchecked: Bool
    ) {
        self.shape = shape
        self.table = table
        self.plan = plan
        self.columns = columns
        self.keyOperators = keyOperators
        self.keyIsUnchecked = keyIsUnchecked
        uncheckedKeys = table.uncheckedKeys.compactMap { index in
            let places = index.parts.compactMap { part in
                shape.columns.indices.first { sameName(shape.columns[$0].name, part.column) && columns[$0] != nil }
            }
            return places.count == index.parts.count ? (index, places) : nil
        }
    }

    func column(_ index: Int) -> MappedColumn {
        guard let column = columns[index] else { preconditionFailure("only carried columns are asked for") }
        return column
    }

    /// The same mapping for values that come as text.
    var asText: TableMapping {
        TableMapping(
            shape: shape, table: table, plan: plan, columns: columns.map { $0?.asText }, keyOperators: keyOperators,
            keyIsUnchecked: keyIsUnchecked)
    }

    /// Values travel as they are, not as text that is cast.
    var isCopyable: Bool {
        !keyIsUnchecked && !plan.carried.isEmpty
            && plan.carried.allSatisfy { column($0).isBinary && column($0).cast == nil }
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
