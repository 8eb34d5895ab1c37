// One row as pgoutput wrote it: a column count, then for each column a letter and, for values, a length and bytes.
// `Tuple` remembers where each column lies; one `Tuple` is reused for row after row and owns nothing it points at.

package import Bytes

package enum ColumnState: UInt8, Sendable {
    case null = 0x6e  // 'n'
    case unchanged = 0x75  // 'u': a large value that this update did not touch
    case text = 0x74  // 't'
    case binary = 0x62  // 'b'
}

package struct Tuple {
    package struct Column {
        package var state: ColumnState
        /// Points at the four length bytes; the value follows. That is also how an array element is written.
        package var start: UnsafeRawPointer
        package var length: Int

        @inlinable package init(state: ColumnState, start: UnsafeRawPointer, length: Int) {
            self.state = state
            self.start = start
            self.length = length
        }

        @inlinable package var isValue: Bool { state == .text || state == .binary }

        @inlinable package var value: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start + 4, count: length) }
    }

    package var columns: [Column] = []

    package init() {}

    package mutating func read(_ cursor: inout ByteCursor) throws(DecodeError) {
        columns.removeAll(keepingCapacity: true)
        do {
            let count: Int16 = try cursor.integer()
            guard count >= 0 else { throw DecodeError(message: 0x4e, problem: "a row announces \(count) columns") }
            for _ in 0..<count {
                let letter = try cursor.byte()
                guard let state = ColumnState(rawValue: letter) else {
                    throw DecodeError(message: letter, problem: "a column is neither null, unchanged, text nor binary")
                }
                guard state == .text || state == .binary else {
                    columns.append(Column(state: state, start: cursor.pointer, length: 0))
                    continue
                }
                let start = cursor.pointer
                let length: Int32 = try cursor.integer()
                try cursor.skip(Int(length))
                columns.append(Column(state: state, start: start, length: Int(length)))
            }
        } catch let error as DecodeError {
            throw error
        } catch {
            throw DecodeError(message: 0x4e, problem: "a row ends too early")
        }
    }
}

/// The one or two rows of a change: what the row was (its key, or all of it) and what it is.
package struct RowPair {
    package enum Old: Sendable { case none, key, full }

    package var oldKind = Old.none
    package var old = Tuple()
    package var new = Tuple()

    package init() {}

    /// Where the rows' column counts lie, for who wants to read them again.
    package private(set) var oldStart: UnsafeRawPointer?
    package private(set) var newStart: UnsafeRawPointer?

    package mutating func read(_ rows: UnsafeRawBufferPointer) throws(DecodeError) {
        var cursor = ByteCursor(rows)
        oldKind = .none
        oldStart = nil
        newStart = nil
        while !cursor.isAtEnd {
            let marker = (try? cursor.byte()) ?? 0
            switch UnicodeScalar(marker) {
            case "K", "O":
                guard oldStart == nil, newStart == nil else { throw Self.misplaced(marker) }
                oldKind = marker == 0x4b ? .key : .full
                oldStart = cursor.pointer
                try old.read(&cursor)
            case "N":
                guard newStart == nil else { throw Self.misplaced(marker) }
                newStart = cursor.pointer
                try new.read(&cursor)
            default:
                throw DecodeError(message: marker, problem: "a row is neither old nor new")
            }
        }
    }

    private static func misplaced(_ marker: UInt8) -> DecodeError {
        DecodeError(message: marker, problem: "one change has an old row after a row, or two new ones")
    }

    /// Whether both rows have as many columns as their table was described with.
    package func counts(_ columns: Int) -> Bool {
        (oldStart == nil || old.columns.count == columns) && (newStart == nil || new.columns.count == columns)
    }
}
