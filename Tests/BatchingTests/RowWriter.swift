// Rows as a source sends them.

import Bytes
import PGOutput

@testable import Assembly

typealias Row = [String?]

enum RowWriter {
    static func tuple(_ columns: [Cell]) -> [UInt8] {
        number(Int16(columns.count)) + columns.flatMap(cell)
    }

    private static func cell(_ cell: Cell) -> [UInt8] {
        switch cell {
        case .unchanged: [ColumnState.unchanged.rawValue]
        case .value(nil): [ColumnState.null.rawValue]
        case .value(let text?): [ColumnState.text.rawValue] + number(UInt32(text.utf8.count)) + Array(text.utf8)
        }
    }

    private static func number<I: FixedWidthInteger>(_ value: I) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    static func append(_ kind: ChangeKind, shape: Int, rows: [UInt8], sub: UInt32 = 0, to page: ByteBuffer) {
        rows.withUnsafeBytes { ChangeRecord.append(to: page, kind, shape: shape, subtransaction: sub, rows: $0) }
    }
}

/// What a row says about a column.
enum Cell: Equatable {
    case value(String?)
    case unchanged
}
