// A row put together from an update and what it left unchanged: not its bytes, but where each column's bytes lie. So a
// large value that stays while its row changes a thousand times is pointed at, not copied a thousand times. Lies in the
// batch's arena and begins with a column count that no row from outside has.

internal import Bytes
internal import PGOutput

struct WovenRow {
    private static let mark: Int16 = -1
    private static let head = 16

    let start: UnsafeRawPointer

    /// Nil when an ordinary row begins here.
    init?(at start: UnsafeRawPointer) {
        guard start.loadUnaligned(as: Int16.self) == Self.mark else { return nil }
        self.start = start
    }

    /// Unchanged values of `newer` are those of `older`; where both leave a value out it stays left out. An older row
    /// that only holds a key lends only its key `columns`: the rest of it are placeholders.
    init(_ newer: Tuple, over older: Tuple, lending columns: [Int]? = nil, in arena: Arena) {
        let count = newer.columns.count
        let alignment = MemoryLayout<Tuple.Column>.alignment
        let room = arena.allocate(Self.head + count * MemoryLayout<Tuple.Column>.stride + alignment)
        let start = room.alignedUp(toMultipleOf: alignment)
        start.storeBytes(of: Self.mark, as: Int16.self)
        start.storeBytes(of: Int32(count), toByteOffset: 4, as: Int32.self)
        let woven = (start + Self.head).bindMemory(to: Tuple.Column.self, capacity: count)
        for column in newer.columns.indices {
            let own = newer.columns[column]
            let lends = own.state == .unchanged && columns?.contains(column) ?? true
            (woven + column).initialize(to: lends ? older.columns[column] : own)
        }
        self.start = UnsafeRawPointer(start)
    }

    /// Takes over what `newer` says. Whoever points at this row sees it change.
    func weave(_ newer: Tuple) {
        let columns = UnsafeMutablePointer(mutating: columns.baseAddress)
        for (place, own) in newer.columns.enumerated() where own.state != .unchanged { columns?[place] = own }
    }

    var columns: UnsafeBufferPointer<Tuple.Column> {
        let count = start.load(fromByteOffset: 4, as: Int32.self)
        return UnsafeBufferPointer(
            start: (start + Self.head).assumingMemoryBound(to: Tuple.Column.self), count: Int(count))
    }
}
