// What the tests of this room share: a directory that goes away, bytes that can be told apart, ways to damage a file.

import Bytes
import Foundation
import Testing

@testable import Spill

/// A directory of one test, closed to others, removed with everything in it.
final class Scratch {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "tandem-spill-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }
        path = String(cString: try #require(made))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func directory(
        _ name: String = "spill", limit: Int = 1 << 40, owner: String = "tandem_m_p_forward"
    ) throws(SpillError) -> SpillDirectory {
        try SpillDirectory(path: path + "/" + name, limit: limit, owner: owner, systemIdentifier: 42, slot: "a slot")
    }

    func names(in name: String = "spill") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + name).sorted()
    }
}

/// Random numbers that come again with their seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

extension SpillFile {
    func append(_ bytes: [UInt8]) throws(SpillError) {
        // A typed throw does not pass through `withUnsafeBytes`, so the block is copied.
        let buffer = ByteBuffer(capacity: bytes.count)
        bytes.withUnsafeBytes { buffer.append($0) }
        try withExtendedLifetime(buffer) { () throws(SpillError) in try append(buffer.bytes) }
    }

    func all() throws -> [[UInt8]] {
        var result: [[UInt8]] = []
        try read { result.append(Array($0)) }
        return result
    }

    /// What stands on disk, past every check.
    var stored: [UInt8] {
        get throws { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
    }

    /// Writes over the file that is there, so that its open descriptor sees it.
    func damage(_ bytes: [UInt8]) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}

enum Reading: Equatable {
    case identical
    case refused
    case different
}

/// How reading a damaged file ends. `different` is the one answer it must never be.
func outcome(of file: SpillFile, expecting blocks: [[UInt8]]) -> Reading {
    var seen = 0
    do {
        try file.read { block in
            guard seen < blocks.count, block.elementsEqual(blocks[seen]) else { throw Mismatch() }
            seen += 1
        }
        return seen == blocks.count ? .identical : .different
    } catch let error as SpillError {
        return error.isCorrupt && error.description.contains(file.path) && error.hint != nil ? .refused : .different
    } catch {
        return .different
    }
}

struct Mismatch: Error {}

/// The same through random access: every block is the one written, or refused.
func outcomes(ofBlocksIn file: SpillFile, expecting blocks: [[UInt8]]) -> [Reading] {
    let buffer = ByteBuffer()
    return blocks.indices.map { index -> Reading in
        do throws(SpillError) {
            try file.block(index, into: buffer)
            return buffer.bytes.elementsEqual(blocks[index]) ? .identical : .different
        } catch {
            return error.isCorrupt && buffer.bytes.isEmpty ? .refused : .different
        }
    }
}
