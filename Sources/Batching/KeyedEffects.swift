// The net effect of many changes on one table whose rows have a key: at most one effect a key. What cannot be folded
// into the effect already there (a key moved onto one that was touched, say) is refused, and the batch goes on in a new
// segment, which runs after this one.

internal import Bytes
internal import PGOutput

package struct KeyedEffects {
    package enum Kind: UInt8, Sendable {
        case insert, update, delete
        /// Deleted, then inserted again: all columns count, the target's own ones start afresh.
        case replace
        /// The key itself changed.
        case rekey
        /// Came and went inside the batch.
        case nothing
    }

    package struct Entry {
        package fileprivate(set) var kind: Kind
        /// The row as it was before the batch, or the key it had; also the row to find for updates.
        package fileprivate(set) var old: RowReference
        /// The row as it shall be; the same as `old` for deletes.
        package fileprivate(set) var new: RowReference
        /// Where the key stands among keys, as far as its first bytes tell.
        fileprivate var order = KeyOrder.none
    }

    package private(set) var entries: [Entry] = []
    /// Whether a second change of a row becomes one with the first.
    private let folds: Bool
    private var index = KeyIndex()
    private var earlier = Tuple()

    typealias Key = UnsafeRawBufferPointer

    init(folds: Bool) { self.folds = folds }

    mutating func insert(_ key: Key, _ row: RowReference) -> Bool {
        let hash = KeyIndex.hash(key)
        guard let place = index.find(key, hash) else {
            add(key, hash, Entry(kind: .insert, old: row, new: row))
            return true
        }
        guard folds else { return false }
        switch entries[place].kind {
        case .delete:
            entries[place].kind = .replace
            entries[place].new = row
        case .nothing: replace(place, Entry(kind: .insert, old: row, new: row))
        case .insert, .update, .replace, .rekey: return false
        }
        return true
    }

    mutating func update(_ key: Key, _ row: RowReference, _ tuple: Tuple, _ arena: Arena) -> Bool {
        let hash = KeyIndex.hash(key)
        guard let place = index.find(key, hash) else {
            add(key, hash, Entry(kind: .update, old: row, new: row))
            return true
        }
        guard folds else { return false }
        switch entries[place].kind {
        case .insert, .update, .replace:
            entries[place].new = merge(row, tuple, over: entries[place].new, arena)
            return true
        case .delete, .nothing, .rekey: return false
        }
    }

    mutating func delete(_ key: Key, _ row: RowReference) -> Bool {
        let hash = KeyIndex.hash(key)
        guard let place = index.find(key, hash) else {
            add(key, hash, Entry(kind: .delete, old: row, new: row))
            return true
        }
        guard folds else { return false }
        switch entries[place].kind {
        case .insert: entries[place].kind = .nothing
        case .update: replace(place, Entry(kind: .delete, old: row, new: row))
        case .replace: replace(place, Entry(kind: .delete, old: entries[place].old, new: entries[place].old))
        case .delete, .nothing, .rekey: return false
        }
        return true
    }

    mutating func rekey(from: Key, to: Key, old: RowReference, new: RowReference) -> Bool {
        let (fromHash, toHash) = (KeyIndex.hash(from), KeyIndex.hash(to))
        guard index.find(from, fromHash) == nil, index.find(to, toHash) == nil else { return false }
        add(from, fromHash, Entry(kind: .rekey, old: old, new: new))
        index.set(to, toHash, entry: entries.count - 1)
        return true
    }

    /// Neighbours in the key's index one after another, so that the target touches each of its pages once. Only a
    /// matter of speed: no entry depends on another.
    package var inKeyOrder: [Entry] {
        var isOrdered = true
        for place in entries.indices.dropFirst() where entries[place].order < entries[place - 1].order {
            isOrdered = false
            break
        }
        return isOrdered ? entries : entries.sorted { $0.order < $1.order }
    }

    func meets(_ other: KeyedEffects) -> Bool { index.meets(other.index) }

    private mutating func add(_ key: Key, _ hash: UInt64, _ entry: Entry) {
        entries.append(entry)
        entries[entries.count - 1].order = KeyOrder(key)
        index.set(key, hash, entry: entries.count - 1)
    }

    /// Another effect on the same key.
    private mutating func replace(_ place: Int, _ entry: Entry) {
        let order = entries[place].order
        entries[place] = entry
        entries[place].order = order
    }

    /// Later values over earlier ones.
    private mutating func merge(
        _ row: RowReference, _ tuple: Tuple, over before: RowReference, _ arena: Arena
    ) -> RowReference {
        guard tuple.isPartial else { return row }
        if let woven = WovenRow(at: before.start) {
            // It belongs to this entry alone.
            woven.weave(tuple)
            return before
        }
        before.read(into: &earlier)
        return RowReference(shape: row.shape, start: WovenRow(tuple, over: earlier, in: arena).start)
    }
}
