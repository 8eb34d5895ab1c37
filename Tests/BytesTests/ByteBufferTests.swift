// A buffer against an array that is given the same bytes: growing, writing over, cutting and giving memory back.

import Bytes
import Testing

@Suite struct ByteBufferTests {
    @Test(arguments: [0, 1, 15, 16, 17, 1000])
    func growsAsAnArrayWould(capacity: Int) {
        let buffer = ByteBuffer(capacity: capacity)
        var expected: [UInt8] = []
        for length in 0..<200 {
            let part = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ length) }
            part.withUnsafeBytes { buffer.append($0) }
            expected += part
            #expect(buffer.count == expected.count)
            #expect(buffer.capacity >= buffer.count)
        }
        #expect(Array(buffer.bytes) == expected)
    }

    @Test func reservedRoomIsNotAllocatedAgain() {
        let buffer = ByteBuffer()
        buffer.append(text: "kept")
        buffer.reserve(10_000)
        let base = buffer.base
        for _ in 0..<10_000 { buffer.append(bigEndian: UInt8(1)) }
        #expect(buffer.base == base)
        #expect(Array(buffer.bytes.prefix(4)) == Array("kept".utf8))
    }

    @Test func integersAreBigEndian() {
        let buffer = ByteBuffer()
        buffer.append(bigEndian: UInt8(7))
        buffer.append(bigEndian: Int32(-2))
        buffer.append(bigEndian: UInt16(0x0102))
        #expect(Array(buffer.bytes) == [7, 0xff, 0xff, 0xff, 0xfe, 1, 2])
    }

    @Test func writesOverInPlace() {
        let buffer = ByteBuffer()
        buffer.append(bigEndian: UInt32(0))
        buffer.append(text: "é")
        buffer.overwrite(at: 0, bigEndian: 2)
        #expect(Array(buffer.bytes) == [0, 0, 0, 2, 0xc3, 0xa9])
    }

    @Test func writingOverPastTheEndIsOurBug() async {
        await #expect(processExitsWith: .failure) {
            let buffer = ByteBuffer(capacity: 100)
            buffer.append(text: "abc")
            buffer.overwrite(at: 0, bigEndian: 2)
        }
    }

    @Test func cutsAndGoesOnInTheSameMemory() {
        let buffer = ByteBuffer(capacity: 100)
        buffer.append(text: "abcdef")
        let base = buffer.base
        buffer.truncate(to: 2)
        buffer.append(text: "xy")
        #expect(Array(buffer.bytes) == Array("abxy".utf8))
        buffer.truncate()
        #expect(buffer.bytes.isEmpty)
        #expect(buffer.base == base)
        #expect(buffer.capacity == 100)
    }

    @Test func givesBackOnlyWhatIsNotNeeded() {
        let buffer = ByteBuffer(capacity: 10_000)
        buffer.append(text: "abc")
        buffer.shrink(keeping: 2)
        #expect(buffer.capacity == 10_000)
        buffer.shrink(keeping: 3)
        #expect(buffer.capacity == 3)
        buffer.append(text: "def")
        #expect(Array(buffer.bytes) == Array("abcdef".utf8))
    }

    @Test func emptyBytesAreNoBytes() {
        let buffer = ByteBuffer()
        buffer.append(UnsafeRawBufferPointer(start: nil, count: 0))
        buffer.append(text: "")
        #expect(buffer.count == 0)
        #expect(buffer.cursor().isAtEnd)
    }

    @Test func cursorsStartWhereTheyAreTold() throws {
        let buffer = ByteBuffer()
        buffer.append(bigEndian: UInt32(1))
        buffer.append(bigEndian: UInt32(2))
        var cursor = buffer.cursor(from: 4)
        #expect(try cursor.integer(UInt32.self) == 2)
        #expect(buffer.cursor(from: 8).isAtEnd)
    }
}
