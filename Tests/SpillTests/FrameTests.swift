// LZ4 frames by themselves: content of exactly the expected size, or an error; never a byte past the output.

import Testing

@testable import Spill

@Suite struct FrameTests {
    private func compressed(_ head: [UInt8], _ payload: [UInt8], _ compressor: FrameCompressor) throws -> [UInt8] {
        var output = [UInt8](repeating: 0, count: compressor.bound(head: head.count, payload: payload.count))
        let length = try output.withUnsafeMutableBytes { output in
            try head.withUnsafeBytes { head in
                try payload.withUnsafeBytes { try compressor.compress(head: head, payload: $0, into: output) }
            }
        }
        return Array(output[..<length])
    }

    private func decompressed(_ frame: [UInt8], _ size: Int, _ decompressor: FrameDecompressor) throws -> [UInt8] {
        // Guarded on both sides: what is written outside is found out.
        var memory = [UInt8](repeating: 0xee, count: size + 64)
        try frame.withUnsafeBytes { frame in
            try memory.withUnsafeMutableBytes {
                try decompressor.decompress(frame, into: UnsafeMutableRawBufferPointer(rebasing: $0[32..<(32 + size)]))
            }
        }
        #expect(memory.prefix(32).allSatisfy { $0 == 0xee } && memory.suffix(32).allSatisfy { $0 == 0xee })
        return Array(memory[32..<(32 + size)])
    }

    @Test func theContextsServeManyFramesAndSurviveBadOnes() throws {
        let (compressor, decompressor) = (try FrameCompressor(), try FrameDecompressor())
        var random = SeededRandom(seed: 4)
        for length in [0, 1, 100, 300_000, 5] {
            let payload = random.bytes(length)
            let frame = try compressed([1, 2, 3], payload, compressor)
            #expect(throws: FrameError.self) { try decompressed(Array(frame.dropLast()), length + 3, decompressor) }
            #expect(throws: FrameError.self) { try decompressed(frame + [0], length + 3, decompressor) }
            #expect(throws: FrameError.self) { try decompressed(frame, length + 2, decompressor) }
            #expect(throws: FrameError.self) { try decompressed(frame, length + 4, decompressor) }
            #expect(try decompressed(frame, length + 3, decompressor) == [1, 2, 3] + payload)
        }
    }

    @Test(arguments: [
        [], [0], [0x04, 0x22, 0x4d, 0x18], [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4],
        [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73, 0xff, 0xff, 0xff, 0x7f], [UInt8](repeating: 0xff, count: 100),
    ])
    func whatIsNoFrameOfOursIsRefused(frame: [UInt8]) throws {
        let decompressor = try FrameDecompressor()
        #expect(throws: FrameError.self) { try decompressed(frame, 100, decompressor) }
    }

    @Test func aFullOutputIsAnErrorNotAnOverrun() throws {
        let compressor = try FrameCompressor()
        var output = [UInt8](repeating: 0, count: 50)
        let payload = [UInt8](repeating: 1, count: 1_000)
        #expect(throws: FrameError.self) {
            try output.withUnsafeMutableBytes { output in
                try payload.withUnsafeBytes { try compressor.compress(head: $0, payload: $0, into: output) }
            }
        }
    }
}
