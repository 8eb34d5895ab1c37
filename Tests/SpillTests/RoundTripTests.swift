// What is written comes back, in order and as often as asked.

import Bytes
import Foundation
import Testing

@testable import Spill

@Suite struct RoundTripTests {
    static let contents: [[[UInt8]]] = {
        var random = SeededRandom(seed: 1)
        return [
            [],
            [[]],
            [[7]],
            [[], [1], [], [2, 3], []],
            [random.bytes(1 << 20)],
            [[UInt8](repeating: 0, count: 1 << 20)],
            [random.bytes(5 << 20), [UInt8](repeating: 9, count: 3 << 20)],
            [255, 256, 257, 65_535, 65_536, 262_143, 262_144, 262_145].map { random.bytes($0) },
            (0..<1_000).map { _ in random.bytes(200) + [UInt8](repeating: 1, count: 200) },
        ]
    }()

    @Test(arguments: contents.indices)
    func everyBlockComesBack(_ index: Int) throws {
        let scratch = try Scratch()
        let directory = try scratch.directory()
        let file = try directory.makeFile(xid: 7)
        let blocks = Self.contents[index]
        for block in blocks { try file.append(block) }
        #expect(file.blocks == blocks.count)
        #expect(file.bytes == blocks.map(\.count).reduce(0, +))
        #expect(try file.all() == blocks)
        #expect(try file.all() == blocks)
        #expect(outcomes(ofBlocksIn: file, expecting: blocks).allSatisfy { $0 == .identical })
        #expect(try file.stored.count == file.bytesOnDisk)
        #expect(directory.bytesOnDisk == file.bytesOnDisk)
    }

    @Test func repetitionTakesLittleDisk() throws {
        let scratch = try Scratch()
        let file = try scratch.directory().makeFile(xid: 7)
        try file.append([UInt8](repeating: 0, count: 1 << 20))
        #expect(file.bytesOnDisk < 10_000)
    }

    @Test func readingAndAppendingTakeTurns() throws {
        let scratch = try Scratch()
        let file = try scratch.directory().makeFile(xid: 7)
        var random = SeededRandom(seed: 2)
        var blocks: [[UInt8]] = []
        for length in [10, 100_000, 0, 3] {
            blocks.append(random.bytes(length))
            try file.append(blocks[blocks.count - 1])
            #expect(try file.all() == blocks)
        }
        let buffer = ByteBuffer()
        buffer.append(text: "left from before")
        for index in [1, 3, 0, 2] {
            try file.block(index, into: buffer)
            #expect(Array(buffer.bytes) == blocks[index])
        }
    }

    @Test func aReaderMayStop() throws {
        let scratch = try Scratch()
        let file = try scratch.directory().makeFile(xid: 7)
        for number in 0..<3 { try file.append([UInt8(number)]) }
        var seen = 0
        #expect(throws: Mismatch.self) {
            try file.read { _ in
                seen += 1
                if seen == 2 { throw Mismatch() }
            }
        }
        #expect(seen == 2)
        #expect(try file.all() == [[0], [1], [2]])
    }

    @Test func aRemovedFileIsGoneForGood() throws {
        let scratch = try Scratch()
        let directory = try scratch.directory()
        let file = try directory.makeFile(xid: 7)
        try file.append([1, 2, 3])
        file.remove()
        file.remove()
        #expect(directory.bytesOnDisk == 0)
        #expect(try scratch.names() == [])
        #expect(throws: SpillError.self) { try file.all() }
        #expect(throws: SpillError.self) { try file.append([4]) }
        #expect(directory.bytesOnDisk == 0)
    }

    @Test func aDroppedFileIsRemoved() throws {
        let scratch = try Scratch()
        let directory = try scratch.directory()
        do {
            let file = try directory.makeFile(xid: 7)
            try file.append([1, 2, 3])
            #expect(try scratch.names().count == 1)
        }
        #expect(try scratch.names() == [])
        #expect(directory.bytesOnDisk == 0)
    }
}
