// Keys, images and joined rows: bytes of rows that are not simply pointed at where they arrived.

internal import Bytes
internal import PGOutput

extension Arena {
    /// The bytes that tell a row apart: each key column's letter, length and value. One column lies ready in the row.
    /// An unchanged large value is looked up in `fallback` (the old row). Nil when the row does not tell its key.
    func key(_ tuple: Tuple, _ columns: [Int], fallback: Tuple? = nil) -> UnsafeRawBufferPointer? {
        if columns.count == 1 { return part(tuple, columns[0], fallback) }
        var total = 0
        for column in columns {
            guard let bytes = part(tuple, column, fallback) else { return nil }
            total += bytes.count
        }
        let start = allocate(total)
        var offset = 0
        for column in columns {
            guard let bytes = part(tuple, column, fallback), let from = bytes.baseAddress else { return nil }
            (start + offset).copyMemory(from: from, byteCount: bytes.count)
            offset += bytes.count
        }
        return UnsafeRawBufferPointer(start: start, count: total)
    }

    private func part(_ tuple: Tuple, _ column: Int, _ fallback: Tuple?) -> UnsafeRawBufferPointer? {
        let value = tuple.columns[column]
        if value.state != .unchanged { return value.bytes }
        guard let other = fallback?.columns[column], other.state != .unchanged else { return nil }
        return other.bytes
    }

    /// A whole row in one piece, its unchanged values copied from an earlier row.
    func joined(_ newer: Tuple, over older: Tuple) -> UnsafeRawPointer {
        func bytes(_ column: Int) -> UnsafeRawBufferPointer {
            let own = newer.columns[column]
            return own.state == .unchanged ? older.columns[column].bytes : own.bytes
        }
        let total = newer.columns.indices.reduce(2) { $0 + bytes($1).count }
        let start = allocate(total)
        start.storeBytes(of: Int16(newer.columns.count).bigEndian, as: Int16.self)
        var offset = 2
        for column in newer.columns.indices {
            let bytes = bytes(column)
            (start + offset).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            offset += bytes.count
        }
        return UnsafeRawPointer(start)
    }
}

extension Tuple {
    /// Some value was left out because this update did not touch it.
    var isPartial: Bool { columns.contains { $0.state == .unchanged } }

    /// Everything the row holds, as it lies behind the column count at `start`, where this was read.
    func image(at start: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        let first = start + 2
        guard let last = columns.last else { return UnsafeRawBufferPointer(start: first, count: 0) }
        let bytes = last.bytes
        return UnsafeRawBufferPointer(start: first, count: bytes.baseAddress! + bytes.count - first)
    }
}

extension Tuple.Column {
    /// Its letter and, for a value, length and value.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start - 1, count: state == .text || state == .binary ? length + 5 : 1)
    }
}
