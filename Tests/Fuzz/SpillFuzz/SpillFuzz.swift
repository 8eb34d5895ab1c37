// libFuzzer's way into the reader of spill files: `make fuzz NAME=spill`. A file that is not what was written gives an error, or
// exactly what was written; never a crash, a hang, or anything else.
//
//     input    how:1 where:2 bytes…
//     how      even: the bytes are laid over a real file at that place (XOR), which is then read
//              odd: the bytes are an LZ4 frame that is to give `where` bytes
//
// The checksums keep nearly all damage from what lies behind them, so the frame is also tried by itself.

import Bytes
import Foundation
import Model

@testable import Spill

private struct Written {
    let directory: SpillDirectory
    let file: SpillFile
    let blocks: [[UInt8]]
    let stored: [UInt8]

    init() throws {
        directory = try SpillDirectory(
            path: NSTemporaryDirectory() + "tandem-fuzz-spill-\(getpid())", limit: 1 << 24, owner: "fuzz",
            systemIdentifier: 1, slot: "fuzz")
        let file = try directory.makeFile(xid: 7)
        blocks = [
            Array("short".utf8), [UInt8](repeating: 7, count: 3000),
            (0..<900).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 2_654_435_761 >> 7) },
        ]
        for block in blocks {
            let buffer = ByteBuffer(capacity: block.count)
            block.withUnsafeBytes { buffer.append($0) }
            try withExtendedLifetime(buffer) { try file.append(buffer.bytes) }
        }
        self.file = file
        stored = Array(try Data(contentsOf: URL(fileURLWithPath: file.path)))
    }
}

// Made once, by the one thread that fuzzes.
private let written = made { try Written() }
nonisolated(unsafe) private let decompressor = made { try FrameDecompressor() }

private func made<Value>(_ make: () throws -> Value) -> Value {
    do { return try make() } catch { fatalError("cannot begin: \(error)") }
}

@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzSpill(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size > 3 else { return 0 }
    let place = Int(data[1]) << 8 | Int(data[2])
    let bytes = UnsafeRawBufferPointer(start: data + 3, count: size - 3)
    if data[0] & 1 == 0 { readDamaged(at: place, bytes) } else { decompress(bytes, into: place) }
    return 0
}

private func readDamaged(at place: Int, _ bytes: UnsafeRawBufferPointer) {
    let stored = written.stored
    let start = place % stored.count
    let count = min(bytes.count, stored.count - start)
    let damage = (0..<count).map { stored[start + $0] ^ bytes[$0] }
    put(damage, at: start)
    defer { put(Array(stored[start..<(start + count)]), at: start) }
    var seen = 0
    do throws(any Error) {
        try written.file.read { block in
            precondition(block.elementsEqual(written.blocks[seen]), "not what was written")
            seen += 1
        }
        precondition(seen == written.blocks.count, "not all that was written")
    } catch {
        guard let error = error as? SpillError, error.isCorrupt else { fatalError("another error: \(error)") }
        _ = error.description
    }
}

private func put(_ bytes: [UInt8], at place: Int) {
    let put = pwrite(written.file.descriptor, bytes, bytes.count, place)
    precondition(put == bytes.count)
}

private func decompress(_ frame: UnsafeRawBufferPointer, into count: Int) {
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 16)
    defer { output.deallocate() }
    do throws(FrameError) { try decompressor.decompress(frame, into: output) } catch { _ = error.reason }
}
