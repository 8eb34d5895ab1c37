// Rows in pieces put together again: the same wherever they were cut.

import Bytes
import Testing

@testable import InitialCopy

@Suite struct RowTranscriberTests {
    private static func integer(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// As `record_send` writes a row: each column with the number of its type.
    private static func record(_ columns: [String?]) -> [UInt8] {
        columns.reduce(integer(Int32(columns.count))) { row, column in
            let value = column.map { Array($0.utf8) }
            return row + integer(25) + integer(value.map { Int32($0.count) } ?? -1) + (value ?? [])
        }
    }

    private static let rows: [[String?]] = [
        ["1", nil, "", "tab\tline\nreturn\rback\\slash\\"], ["\\N", "\n\n\\\\\t", nil, "é€"], [nil, nil, nil, nil],
        ["", "", "", ""],
    ]
    private static let input = rows.flatMap { record($0) }

    private func transcribe(_ pieces: [ArraySlice<UInt8>], isBinary: Bool) throws -> (bytes: [UInt8], rows: Int) {
        var transcriber = RowTranscriber(isBinary: isBinary)
        let out = ByteBuffer()
        transcriber.begin(into: out)
        for piece in pieces { try piece.withUnsafeBytes { try transcriber.take($0, into: out) } }
        try transcriber.end(into: out)
        return (Array(out.bytes), transcriber.rows)
    }

    private static let binary: [UInt8] =
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + [UInt8](repeating: 0, count: 8)
        + rows.flatMap { row in
            row.reduce([0, UInt8(row.count)]) {
                $0 + integer($1.map { Int32($0.utf8.count) } ?? -1) + Array(($1 ?? "").utf8)
            }
        } + [0xFF, 0xFF]
    private static let text = Array(
        """
        1\t\\N\t\ttab\\tline\\nreturn\\rback\\\\slash\\\\
        \\\\N\t\\n\\n\\\\\\\\\\t\t\\N\té€
        \\N\t\\N\t\\N\t\\N
        \t\t\t

        """.utf8)

    @Test(arguments: [true, false])
    func theSameWhereverItWasCut(isBinary: Bool) throws {
        let wanted = isBinary ? Self.binary : Self.text
        let input = Self.input[...]
        for cut in 0...input.count {
            let both = try transcribe([input[..<cut], input[cut...]], isBinary: isBinary)
            #expect(both.bytes == wanted && both.rows == 4, "cut at \(cut)")
        }
        for size in 1...9 {
            let pieces = stride(from: 0, to: input.count, by: size).map { input[$0..<min($0 + size, input.count)] }
            #expect(try transcribe(pieces, isBinary: isBinary).bytes == wanted)
        }
    }

    @Test func whatIsNoRowIsAnError() {
        for bad in [Self.integer(-1), Self.integer(1665), Self.integer(1) + Self.integer(25) + Self.integer(-2)] {
            #expect(throws: (any Error).self) { try transcribe([bad[...]], isBinary: true) }
        }
        for cut in [3, Self.input.count - 1] {
            #expect(throws: (any Error).self) { try transcribe([Self.input[..<cut]], isBinary: false) }
        }
    }
}
