// A few rows of what was just applied, by key, for whoever looks at them again on both sides. Filled by the applying thread
// from one batch whenever the last sample was taken away, so that it costs a busy stream next to nothing.

internal import Batching
package import Model
internal import PGOutput
internal import Synchronization
internal import Threading

package final class RecentChanges: Sendable {
    package struct Row: Sendable, Hashable {
        package let table: QualifiedName
        /// Column and value of the key, as text.
        package let key: [String: String]
    }

    private let isHungry = Atomic<Bool>(false)
    private let rows = Monitor<[Row]>([])
    /// Of one table in one sample.
    private static let most = 50

    package init() {}

    /// What was sampled since the last call; asks for the next sample.
    package func take() -> [Row] {
        let taken = rows.withLock { rows in
            defer { rows = [] }
            return rows
        }
        isHungry.store(true, ordering: .relaxed)
        return taken
    }

    func note(_ batch: Batch, _ mapping: (Int) -> TableMapping?) {
        guard isHungry.load(ordering: .relaxed) else { return }
        var found: Set<Row> = []
        for segment in batch.segments {
            for table in segment.tables {
                guard let mapping = mapping(table.target), mapping.shape.name.schema != "tandem" else { continue }
                let entries = table.keyed.entries
                for entry in entries.prefix(Self.most) {
                    // Of a row that went, and of one whose key changed, the old place too.
                    for row in [entry.old, entry.new] {
                        guard let key = Self.key(row, mapping) else { continue }
                        found.insert(Row(table: mapping.shape.name, key: key))
                    }
                }
            }
        }
        guard !found.isEmpty else { return }
        isHungry.store(false, ordering: .relaxed)
        rows.withLock { $0 += found }
    }

    private static func key(_ row: RowReference, _ mapping: TableMapping) -> [String: String]? {
        var tuple = Tuple()
        row.read(into: &tuple)
        var key: [String: String] = [:]
        for place in mapping.keyColumns {
            guard tuple.columns.indices.contains(place),
                let text = text(tuple.columns[place], mapping.shape.columns[place])
            else { return nil }
            key[mapping.shape.columns[place].name] = text
        }
        return key.isEmpty ? nil : key
    }

    /// Values that came in binary only where their text is plain.
    private static func text(_ column: Tuple.Column, _ shape: RelationShape.Column) -> String? {
        let value = column.value
        switch (column.state, shape.type, value.count) {
        case (.text, _, _), (.binary, 25, _), (.binary, 1043, _): return String(decoding: value, as: UTF8.self)
        case (.binary, 21, 2): return "\(Int16(bigEndian: value.loadUnaligned(as: Int16.self)))"
        case (.binary, 23, 4): return "\(Int32(bigEndian: value.loadUnaligned(as: Int32.self)))"
        case (.binary, 20, 8): return "\(Int64(bigEndian: value.loadUnaligned(as: Int64.self)))"
        default: return nil
        }
    }
}
