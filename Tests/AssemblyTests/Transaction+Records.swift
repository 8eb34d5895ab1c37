// Every record of a transaction, rolled back or not.

import Bytes

@testable import Assembly

extension Transaction {
    func eachRecord(_ body: (ChangeRecord) throws -> Void) throws {
        func each(_ records: UnsafeRawBufferPointer) throws {
            var cursor = ByteCursor(records)
            while let record = try ChangeRecord.next(&cursor) { try body(record) }
        }
        switch content {
        case .slice(let page, let from, let count):
            try withExtendedLifetime(page) { try each(UnsafeRawBufferPointer(start: page.base + from, count: count)) }
        case .buffer(let buffer):
            let scratch = ByteBuffer()
            try withExtendedLifetime((buffer, scratch)) {
                for index in 0..<buffer.pieces { try each(try buffer.piece(index, scratch: scratch)) }
            }
        }
    }
}
