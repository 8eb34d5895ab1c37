// Keys and merged rows: the few rows that are not simply pointed at where they arrived.

internal import Bytes
internal import PGOutput

extension Arena {
    /// The bytes that tell a row apart: each key column's letter, length and value. One column lies ready in the row.
    /// An unchanged large value is looked up in `fallback` (the old row). Nil when the row does not tell its key.
    func key(_ tuple: Tuple, _ columns: [Int], fallback: Tuple? = nil) -> UnsafeRawBufferPointer? {
        if columns.count == 1, let bytes = part(tuple, columns[0], fallback) { return bytes }
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
        switch value.state {
        case .text, .binary: return UnsafeRawBufferPointer(start: value.start - 1, count: value.length + 5)
        case .null: return UnsafeRawBufferPointer(start: value.start - 1, count: 1)
        case .unchanged:
            guard let fallback else { return nil }
            return part(fallback, column, nil)
        }
    }

    /// A row whose unchanged values are taken from an earlier one; where both leave a value out it stays left out.
    /// An earlier row that only holds a key lends only its key `columns`: the rest of it are placeholders.
    func merged(_ newer: Tuple, over older: Tuple, columns: [Int]? = nil) -> UnsafeRawPointer {
        func value(_ column: Int) -> Tuple.Column {
            let own = newer.columns[column]
            guard own.state == .unchanged, columns?.contains(column) ?? true else { return own }
            return older.columns[column]
        }
        let total = newer.columns.indices.reduce(2) { $0 + size(value($1)) }
        let start = allocate(total)
        start.storeBytes(of: Int16(newer.columns.count).bigEndian, as: Int16.self)
        var offset = 2
        for column in newer.columns.indices {
            let value = value(column)
            let count = size(value)
            (start + offset).copyMemory(from: value.start - 1, byteCount: count)
            offset += count
        }
        return UnsafeRawPointer(start)
    }

    private func size(_ value: Tuple.Column) -> Int {
        value.state == .text || value.state == .binary ? value.length + 5 : 1
    }
}

extension Tuple {
    /// Some value was left out because this update did not touch it.
    var isPartial: Bool { columns.contains { $0.state == .unchanged } }
}
