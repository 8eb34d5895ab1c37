// libFuzzer's way into decoder and assembler: `make fuzz NAME=decoder`. Whatever a server sends is an error that can be shown,
// never a crash, a hang, or memory for what was only announced (`-rss_limit_mb`, `-malloc_limit_mb`, `-timeout`).
//
//     input    options:1 then messages, each length:2 (big-endian) and so many bytes; the last may be cut short

import Bytes
import Foundation
import Model
import PGOutput
import Spill

@testable import Assembly

// Made once, by the one thread that fuzzes.
private let directory = makeDirectory()

private func makeDirectory() -> SpillDirectory {
    do {
        return try SpillDirectory(
            path: NSTemporaryDirectory() + "tandem-fuzz-decoder-\(getpid())", limit: 1 << 24, owner: "fuzz",
            systemIdentifier: 1, slot: "fuzz")
    } catch {
        fatalError("no directory for spill files: \(error)")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzDecoder(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let data, size > 0 else { return 0 }
    let options = data[0]
    let assembler = Assembler(
        book: ShapeBook(),
        limits: .init(memory: options & 1 == 0 ? 512 : 1 << 20, small: options & 2 == 0 ? 256 : 1 << 16),
        directory: directory, applied: LSN(0))
    do {
        try feed(UnsafeRawBufferPointer(start: data + 1, count: size - 1), to: assembler)
    } catch let error as any Explained {
        _ = error.description.utf8.count + (error.hint?.utf8.count ?? 0)
    } catch {
        fatalError("an error that cannot be shown: \(type(of: error))")
    }
    return 0
}

private func feed(_ input: UnsafeRawBufferPointer, to assembler: Assembler) throws {
    var place = 0
    while place + 2 <= input.count {
        let length = Int(input[place]) << 8 | Int(input[place + 1])
        place += 2
        let end = min(input.count, place + length)
        try assembler.take(UnsafeRawBufferPointer(rebasing: input[place..<end]))
        place = end
        if assembler.isOverBudget { try assembler.makeRoom() }
        for transaction in assembler.takeReady() { try read(transaction) }
    }
}

/// Every row of it, as the applier would.
private func read(_ transaction: Transaction) throws {
    switch transaction.content {
    case .slice(let page, let from, let count):
        try withExtendedLifetime(page) { try read(UnsafeRawBufferPointer(start: page.base + from, count: count)) }
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
