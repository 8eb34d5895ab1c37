// Streams and spill files that are not what was sent or written: an error, never a crash, a hang, or memory for what was
// only announced; and from a spill file never anything but what was written to it.
//
// Damage as it happens, round after round, for a moment in every run of the tests (TANDEM_FUZZ_SECONDS for longer); what libFuzzer
// finds by itself is `make fuzz`. A crash ends the process behind the line that names its seed.

import Bytes
import Foundation
import Model
import PGOutput
import Testing

@testable import Assembly
@testable import Spill

@Suite(.serialized) struct FuzzTests {
    private func withDirectory<Result>(_ body: (SpillDirectory) throws -> Result) throws -> Result {
        var template = Array((NSTemporaryDirectory() + "tandem-fuzz-XXXXXX").utf8CString)
        let path = String(cString: try #require(template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(
            try SpillDirectory(
                path: path + "/spill", limit: 1 << 30, owner: "fuzz", systemIdentifier: 1, slot: "fuzz"))
    }

    @Test func decoder() throws {
        let corpus = try Corpus().streams
        try withDirectory { directory in
            try Trial("decoder").run { mutation in
                let memory = mutation.roll(3) == 0 ? 512 : 1 << 20
                let assembler = Assembler(
                    book: ShapeBook(), limits: .init(memory: memory, small: mutation.roll(2) == 0 ? 256 : 1 << 16),
                    directory: directory, applied: LSN(0))
                do {
                    for message in mutation.stream(from: corpus) {
                        try message.withUnsafeBytes { try assembler.take($0) }
                        if assembler.isOverBudget { try assembler.makeRoom() }
                        for transaction in assembler.takeReady() { try read(transaction) }
                    }
                } catch let error as any Explained {
                    // Whatever it is, it must be fit to be shown.
                    _ = error.description
                }
            }
        }
    }

    /// Every row of it, as the applier would.
    private func read(_ transaction: Transaction) throws {
        switch transaction.content {
        case .slice(let page, let from, let count):
            try withExtendedLifetime(page) {
                try read(UnsafeRawBufferPointer(start: page.base + from, count: count))
            }
        case .buffer(let buffer):
            let scratch = ByteBuffer()
            try withExtendedLifetime((buffer, scratch)) {
                for piece in 0..<buffer.pieces { try read(try buffer.piece(piece, scratch: scratch)) }
            }
        }
    }

    private func read(_ records: UnsafeRawBufferPointer) throws {
        var cursor = ByteCursor(records)
        var pair = RowPair()
        while let record = try ChangeRecord.next(&cursor) {
            if record.kind == .truncate { _ = try TruncateRecord(record.rows) } else { try pair.read(record.rows) }
        }
    }

    @Test func spill() throws {
        try withDirectory { directory in
            try Trial("spill").run { mutation in
                let file = try directory.makeFile(xid: 7)
                defer { file.remove() }
                let blocks = (0...mutation.roll(5)).map { _ in block(&mutation) }
                for block in blocks {
                    let buffer = ByteBuffer(capacity: block.count)
                    block.withUnsafeBytes { buffer.append($0) }
                    try withExtendedLifetime(buffer) { try file.append(buffer.bytes) }
                }
                var stored = Array(try Data(contentsOf: URL(fileURLWithPath: file.path)))
                for _ in 0...mutation.roll(4) { mutation.damage(&stored) }
                let handle = try #require(FileHandle(forWritingAtPath: file.path))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data(stored))
                try handle.close()
                var seen = 0
                do {
                    try file.read { block in
                        #expect(seen < blocks.count && block.elementsEqual(blocks[seen]))
                        seen += 1
                    }
                    #expect(seen == blocks.count)
                } catch let error as SpillError {
                    #expect(error.isCorrupt)
                }
            }
        }
    }

    private func block(_ mutation: inout Mutation) -> [UInt8] {
        let length = mutation.roll(mutation.roll(20) == 0 ? 70_000 : 300)
        return mutation.roll(2) == 0
            ? [UInt8](repeating: 7, count: length) : (0..<length).map { _ in UInt8(mutation.roll(256)) }
    }
}
