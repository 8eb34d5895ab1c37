// A part of a batch in which order inside a table no longer matters: first whole tables are emptied, then rows go, move,
// change and come. A change that would need order starts the next segment. So does a row of another shape: by its bytes
// it cannot be compared with those before, and a table's key may be another one now.

internal import Bytes
internal import PGOutput

package struct Segment {
    package struct TableEffects {
        package let target: Int
        /// All its rows are of this shape.
        package let shape: Int
        package fileprivate(set) var keyed: KeyedEffects
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
    private var last: (target: Int, place: Int)?
    private var scratch = Tuple()

    init(truncation: Truncation? = nil) { self.truncation = truncation }

    package var isEmpty: Bool { truncation == nil && tables.isEmpty }

    func effects(on target: Int) -> TableEffects? { places[target].map { tables[$0] } }

    private mutating func place(of plan: TablePlan, _ shape: Int) -> Int {
        let target = plan.target
        if let last, last.target == target { return last.place }
        let place = places[target] ?? tables.count
        if place == tables.count {
            tables.append(TableEffects(target: target, shape: shape, keyed: KeyedEffects(folds: plan.folds)))
            places[target] = place
        }
        last = (target, place)
        return place
    }

    /// False when the change has to wait for the next segment.
    mutating func add(
        _ kind: ChangeKind, shape: Int, _ plan: TablePlan, _ rows: borrowing RowPair, _ arena: Arena
    ) throws(BatchError) -> Bool {
        let place = place(of: plan, shape)
        guard tables[place].shape == shape else { return false }
        switch plan.locator {
        case .none:
            guard kind == .insert, let new = rows.newStart else { throw .noIdentity(shape: shape) }
            tables[place].inserts.append(RowReference(shape: shape, start: new))
            return true
        case .image:
            let last = tables[place].images.pairs.last
            guard plan.folds || last == nil || (kind == .insert && last?.old == nil) else { return false }
            try addImage(kind, place, shape, rows, arena)
            return true
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
        guard let start = rows.newStart, let key = arena.key(rows.new, columns, fallback: hasOld ? rows.old : nil)
        else {
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
        let whole = RowReference(
            shape: shape, start: WovenRow(rows.new, over: rows.old, lending: lent, in: arena).start)
        whole.read(into: &scratch)
        return keyed(place, from: before, to: key, old, whole, scratch, arena)
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
    ) throws(BatchError) {
        if kind == .insert {
            guard let start = rows.newStart, !rows.new.isPartial else { throw .noIdentity(shape: shape) }
            tables[place].images.insert(rows.new.image(at: start), RowReference(shape: shape, start: start))
            return
        }
        guard rows.oldKind == .full, let oldStart = rows.oldStart, !rows.old.isPartial else {
            throw .noIdentity(shape: shape)
        }
        let before = rows.old.image(at: oldStart)
        let old = RowReference(shape: shape, start: oldStart)
        if kind == .delete { return tables[place].images.delete(before, old) }
        guard var start = rows.newStart else { throw .noIdentity(shape: shape) }
        var after = rows.new.image(at: start)
        if rows.new.isPartial {
            start = arena.joined(rows.new, over: rows.old)
            RowReference(shape: shape, start: start).read(into: &scratch)
            after = scratch.image(at: start)
        }
        tables[place].images.update(from: before, to: after, old: old, new: RowReference(shape: shape, start: start))
    }
}

package enum BatchError: Error, Equatable {
    /// An update or delete that does not say which row it means.
    case noIdentity(shape: Int)
    /// A row that cannot be read.
    case unreadable(shape: Int)
    /// A change of a table for which no plan was made.
    case noPlan(shape: Int)
    /// A part is emptied of a table that is one on the target.
    case truncatesPart(shape: Int)
}
