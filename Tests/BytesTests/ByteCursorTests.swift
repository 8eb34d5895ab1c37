// Every read of a cursor at its bound and one past it: nothing is read past the end, and a failed read moves nothing.

import Bytes
import Testing

@Suite struct ByteCursorTests {
    private func withCursor(_ bytes: [UInt8], _ body: (inout ByteCursor) throws -> Void) throws {
        try bytes.withUnsafeBytes {
            var cursor = ByteCursor($0)
            try body(&cursor)
        }
    }

    /// One byte short for `I`: the read throws, and the cursor stands where it stood.
    private func refuses<I: FixedWidthInteger>(
        _ read: (inout ByteCursor) throws(OutOfBytes) -> I
    ) throws {
        let size = I.bitWidth / 8
        try withCursor([UInt8](repeating: 1, count: size - 1)) { (cursor: inout ByteCursor) throws -> Void in
            #expect(throws: OutOfBytes(wanted: size, left: size - 1)) { try read(&cursor) }
            #expect(cursor.left == size - 1)
        }
    }

    @Test func integersNeedAllTheirBytes() throws {
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(UInt8.self) }
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(Int16.self) }
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(UInt16.self) }
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(Int32.self) }
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(UInt32.self) }
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(Int64.self) }
        try refuses { (cursor) throws(OutOfBytes) in try cursor.integer(UInt64.self) }
    }

    @Test func integersAreBigEndianAndMayStandAnywhere() throws {
        try withCursor([9, 0x01, 0x02, 0xff, 0xff, 0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8]) {
            (cursor: inout ByteCursor) throws -> Void in
            #expect(try cursor.byte() == 9)
            #expect(try cursor.integer(UInt16.self) == 0x0102)
            #expect(try cursor.integer(Int32.self) == -2)
            #expect(try cursor.integer(UInt64.self) == 0x0102_0304_0506_0708)
            #expect(cursor.isAtEnd)
        }
    }

    @Test(arguments: [4, 1000, Int.max, -1, Int.min])
    func lengthsOutsideAreRefused(length: Int) throws {
        try withCursor([1, 2, 3]) { (cursor: inout ByteCursor) throws -> Void in
            #expect(throws: OutOfBytes(wanted: length, left: 3)) { try cursor.skip(length) }
            #expect(throws: OutOfBytes(wanted: length, left: 3)) { try cursor.take(length) }
            #expect(Array(cursor.rest) == [1, 2, 3])
        }
    }

    @Test func takesUpToTheEnd() throws {
        try withCursor([1, 2, 3]) { (cursor: inout ByteCursor) throws -> Void in
            #expect(try Array(cursor.take(0)) == [])
            #expect(try Array(cursor.take(2)) == [1, 2])
            try cursor.skip(1)
            #expect(cursor.isAtEnd)
            #expect(Array(cursor.rest) == [])
            try cursor.skip(0)
            #expect(throws: OutOfBytes(wanted: 1, left: 0)) { try cursor.byte() }
        }
    }

    @Test func textEndsAtItsNul() throws {
        try withCursor([0x61, 0, 0, 0x62, 0x63, 0]) { (cursor: inout ByteCursor) throws -> Void in
            #expect(try cursor.string() == "a")
            #expect(try cursor.string() == "")
            #expect(try Array(cursor.untilNul()) == [0x62, 0x63])
            #expect(cursor.isAtEnd)
        }
    }

    @Test func textWithoutNulIsRefused() throws {
        try withCursor([0x61, 0x62]) { (cursor: inout ByteCursor) throws -> Void in
            #expect(throws: OutOfBytes(wanted: 3, left: 2)) { try cursor.untilNul() }
            #expect(throws: OutOfBytes(wanted: 3, left: 2)) { try cursor.string() }
            #expect(cursor.left == 2)
        }
    }

    @Test func textThatIsNotUTF8IsRepairedNotTrapped() throws {
        try withCursor([0xff, 0xc3, 0]) { (cursor: inout ByteCursor) throws -> Void in
            #expect(try cursor.string().unicodeScalars.allSatisfy { $0 == "\u{fffd}" })
        }
    }

    @Test func nothingCanBeReadFromNothing() {
        var cursor = ByteCursor(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(cursor.isAtEnd)
        #expect(throws: OutOfBytes(wanted: 1, left: 0)) { try cursor.byte() }
        #expect(throws: OutOfBytes(wanted: 1, left: 0)) { try cursor.untilNul() }
    }

    @Test func everyPrefixOfAMessageEndsInAnErrorNotATrap() throws {
        let message: [UInt8] = [1, 0, 2, 0, 0, 0, 3, 0x61, 0x62, 0, 4, 5]
        func parse(_ cursor: inout ByteCursor) throws {
            _ = try cursor.byte()
            _ = try cursor.integer(UInt16.self)
            _ = try cursor.integer(Int32.self)
            _ = try cursor.string()
            _ = try cursor.take(2)
        }
        for length in 0..<message.count {
            try withCursor(Array(message[..<length])) { (cursor: inout ByteCursor) throws -> Void in
                #expect(throws: OutOfBytes.self) { try parse(&cursor) }
            }
        }
        try withCursor(message) { try parse(&$0) }
    }
}
