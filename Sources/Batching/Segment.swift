// A part of a batch in which order inside a table no longer matters: first whole tables are emptied, then rows go, move,
// change and come. A change that would need order starts the next segment.

internal import Bytes
internal import PGOutput

package struct Segment {
    package struct TableEffects {
        package let target: Int
        package fileprivate(set) var keyed = KeyedEffects()
        package fileprivate(set) var images = ImageEffects()
        /// Rows of tables that only ever get inserts.
        package fileprivate(set) var inserts: [RowReference] = []
    }

    package struct Truncation {
        package let targets: [Int]
        package let restartIdentity: Bool
    }

    package let truncation: Truncation?
    package private(set) var tables: [TableEffects] = []
    private var places: [Int: Int] = [:]

    init(truncation: Truncation? = nil) { self.truncation = truncation }

    package var isEmpty: Bool { truncation == nil && tables.isEmpty }

    private mutating func place(of target: Int) -> Int {
        if let place = places[target] { return place }
        tables.append(TableEffects(target: target))
        places[target] = tables.count - 1
        return tables.count - 1
    }

    /// False when the change has to wait for the next segment.
    mutating func add(
        _ kind: ChangeKind, shape: Int, _ plan: TablePlan, _ rows: borrowing RowPair, _ arena: Arena
    ) throws(BatchError) -> Bool {
        let place = place(of: plan.target)
        switch plan.locator {
        case .none:
            guard kind == .insert, let new = rows.newStart else { throw .noIdentity(shape: shape) }
            tables[place].inserts.append(RowReference(shape: shape, start: new))
            return true
        case .image:
            return try addImage(kind, place, shape, rows, arena)
        case .key(let columns):
            return try addKeyed(kind, place, shape, columns, rows, arena)
        }
    }

    private mutating func addKeyed(
        _ kind: ChangeKind, _ place: Int, _ shape: Int, _ columns: [Int], _ rows: borrowing RowPair, _ arena: Arena
    ) throws(BatchError) -> Bool {
        let hasOld = rows.oldKind != .none
        if kind == .delete {
            guard hasOld, let start = rows.oldStart, let key = arena.key(rows.old, columns) else {
                throw .noIdentity(shape: shape)
            }
            return tables[place].keyed.delete(key, RowReference(shape: shape, start: start))
        }
        guard let start = rows.newStart, let key = arena.key(rows.new, columns, fallback: hasOld ? rows.old : nil) else {
            throw .noIdentity(shape: shape)
        }
        let row = RowReference(shape: shape, start: start)
        if kind == .insert { return tables[place].keyed.insert(key, row) }
        guard hasOld, let oldStart = rows.oldStart else {
            return tables[place].keyed.update(key, row, rows.new, arena)
        }
        guard let before = arena.key(rows.old, columns) else { throw .noIdentity(shape: shape) }
        let old = RowReference(shape: shape, start: oldStart)
        guard rows.new.isPartial else {
            return keyed(place, from: before, to: key, old, row, rows.new, arena)
        }
        // Large values that did not change: a full old row has them all, a key only its own columns.
        let lent = rows.oldKind == .full ? nil : columns
        let whole = RowReference(shape: shape, start: arena.merged(rows.new, over: rows.old, columns: lent))
        var tuple = Tuple()
        whole.read(into: &tuple)
        return keyed(place, from: before, to: key, old, whole, tuple, arena)
    }

    private mutating func keyed(
        _ place: Int, from before: KeyedEffects.Key, to key: KeyedEffects.Key, _ old: RowReference,
        _ row: RowReference, _ tuple: Tuple, _ arena: Arena
    ) -> Bool {
        if UnsafeRawBufferPointer.sameBytes(before, key) {
            return tables[place].keyed.update(key, row, tuple, arena)
        }
        return tables[place].keyed.rekey(from: before, to: key, old: old, new: row)
    }

    private mutating func addImage(
        _ kind: ChangeKind, _ place: Int, _ shape: Int, _ rows: borrowing RowPair, _ arena: Arena
    ) throws(BatchError) -> Bool {
        let all = Array(rows.newStart != nil ? rows.new.columns.indices : rows.old.columns.indices)
        if kind == .insert, let start = rows.newStart, let image = arena.key(rows.new, all) {
            tables[place].images.insert(image, RowReference(shape: shape, start: start))
            return true
        }
        guard rows.oldKind == .full, let oldStart = rows.oldStart, let before = arena.key(rows.old, all) else {
            throw .noIdentity(shape: shape)
        }
        let old = RowReference(shape: shape, start: oldStart)
        if kind == .delete {
            tables[place].images.delete(before, old)
            return true
        }
        guard let start = rows.newStart, let after = arena.key(rows.new, all, fallback: rows.old) else {
            throw .noIdentity(shape: shape)
        }
        let whole = rows.new.isPartial ? arena.merged(rows.new, over: rows.old) : start
        tables[place].images.update(from: before, to: after, old: old, new: RowReference(shape: shape, start: whole))
        return true
    }
}

package enum BatchError: Error, Equatable {
    /// An update or delete that does not say which row it means.
    case noIdentity(shape: Int)
    /// A row that cannot be read.
    case unreadable(shape: Int)
    /// A change of a table for which no plan was made.
    case noPlan(shape: Int)
}
