// An assembler with its own spill directory, and what came out of it in words.

import Bytes
import Foundation
import Model
import PGOutput
import Spill
import Testing

@testable import Assembly

final class Desk {
    let path: String
    let book = ShapeBook()
    let directory: SpillDirectory
    var assembler: Assembler

    init(
        memory: Int = 1 << 30, small: Int = 1 << 20, applied: UInt64 = 0,
        isOwn: @escaping (String) -> Bool = { _ in false }
    ) throws {
        var template = Array((NSTemporaryDirectory() + "tandem-assembly-XXXXXX").utf8CString)
        path = String(cString: try #require(template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }))
        directory = try SpillDirectory(
            path: path + "/spill", limit: 1 << 40, owner: "tandem_test", systemIdentifier: 1, slot: "tandem_test")
        assembler = Assembler(
            book: book, limits: .init(memory: memory, small: small), directory: directory, applied: LSN(applied),
            isOwn: isOwn)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func take(_ messages: Sent...) throws { try take(messages) }

    func take(_ messages: [Sent]) throws { for message in messages { try take(message.bytes) } }

    func take(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try assembler.take($0) } }

    var spillFiles: Int { get throws { try FileManager.default.contentsOfDirectory(atPath: path + "/spill").count } }

    /// One line a transaction that is ready: number, end, then its rows.
    func ready() throws -> [String] {
        try assembler.takeReady().map { "\($0.xid)@\($0.commit.end.raw): " + (try rows($0)).joined(separator: " ") }
    }

    /// The values of a transaction's rows that are not rolled back, with their table where it is not `t`.
    func rows(_ transaction: Transaction) throws -> [String] {
        switch transaction.content {
        case .slice(let page, let from, let count):
            return try withExtendedLifetime(page) {
                try rows(UnsafeRawBufferPointer(start: page.base + from, count: count), without: [])
            }
        case .buffer(let buffer):
            let scratch = ByteBuffer()
            return try withExtendedLifetime((buffer, scratch)) {
                try (0..<buffer.pieces).flatMap {
                    try rows(try buffer.piece($0, scratch: scratch), without: buffer.rolledBack)
                }
            }
        }
    }

    private func rows(_ records: UnsafeRawBufferPointer, without rolledBack: Set<UInt32>) throws -> [String] {
        var cursor = ByteCursor(records)
        var pair = RowPair()
        var words: [String] = []
        while let record = try ChangeRecord.next(&cursor) {
            if rolledBack.contains(record.subtransaction) { continue }
            if record.kind == .truncate {
                words.append(try truncate(record))
                continue
            }
            try pair.read(record.rows)
            let value = pair.new.columns.map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: ",")
            let table = try name(record.shape)
            words.append(table == "t" ? value : table + "." + value)
        }
        return words
    }

    private func truncate(_ record: ChangeRecord) throws -> String {
        let message = try TruncateRecord(record.rows)
        let flags = (message.cascade ? "c" : "") + (message.restartIdentity ? "r" : "")
        return "truncate\(flags)[" + (try message.shapes.map(name)).joined(separator: ",") + "]"
    }

    private func name(_ shape: Int) throws -> String { try #require(book[shape]).name.name }
}
