// Rows: what each column is, and which row is which.

import Bytes
import Testing

@testable import PGOutput

@Suite struct TupleTests {
    private func pair(_ wire: Wire) throws -> String { try withPair(wire) { $0.words } }

    private func withPair<R>(_ wire: Wire, _ body: (RowPair) throws -> R) throws -> R {
        var pair = RowPair()
        return try wire.bytes.withUnsafeBytes { bytes in
            try pair.read(bytes)
            return try body(pair)
        }
    }

    private static let row = Wire().int16(5).letter("n").letter("u").value("text").binary([0, 1]).value("")

    @Test func columnsOfEveryState() throws {
        #expect(try pair(Wire("N").adding(Self.row.bytes)) == "N(-,=,text,0 1,)")
        #expect(try pair(Wire("N").int16(0)) == "N()")
    }

    @Test func aValueLiesBehindItsLength() throws {
        try withPair(Wire("N").adding(Self.row.bytes)) { pair in
            let column = pair.new.columns[2]
            #expect(column.length == 4 && Array(column.value) == Array("text".utf8))
            #expect(column.start.loadUnaligned(as: UInt32.self).byteSwapped == 4)
            #expect(pair.new.columns.map(\.state) == [.null, .unchanged, .text, .binary, .text])
        }
    }

    @Test func keysFullRowsAndNewRows() throws {
        let row = Wire().int16(1).value("a").bytes
        let other = Wire().int16(1).value("b").bytes
        #expect(try pair(Wire("K").adding(row)) == "K(a)")
        #expect(try pair(Wire("O").adding(row)) == "O(a)")
        #expect(try pair(Wire("K").adding(row).letter("N").adding(other)) == "K(a)N(b)")
        #expect(try pair(Wire("O").adding(row).letter("N").adding(other)) == "O(a)N(b)")
    }

    @Test func aPairIsUsedAgainWithoutARest() throws {
        let row = Wire().int16(1).value("a").bytes
        let first = Wire("O").adding(row).letter("N").adding(row).bytes
        let second = Wire("N").adding(row).bytes
        var pair = RowPair()
        try first.withUnsafeBytes { try pair.read($0) }
        try second.withUnsafeBytes { bytes in
            try pair.read(bytes)
            #expect(pair.oldKind == .none && pair.oldStart == nil && pair.words == "N(a)")
        }
    }

    @Test func rowsKnowWhetherTheyFitTheirTable() throws {
        let wire = Wire("K").int16(1).value("a").letter("N").int16(2).value("a").value("b")
        try withPair(wire) { pair in
            #expect(!pair.counts(1) && !pair.counts(2))
        }
        try withPair(Wire("N").adding(Self.row.bytes)) { pair in
            #expect(pair.counts(5) && !pair.counts(4))
        }
    }

    @Test(arguments: [
        Wire("X").int16(0), Wire("N").int16(1).letter("x"), Wire("N").int16(-1), Wire("N").int16(0).byte(0),
        Wire("N").int16(0).letter("N").int16(0), Wire("K").int16(0).letter("O").int16(0),
        Wire("N").int16(0).letter("K").int16(0), Wire("N").int16(1).letter("t").int32(0xffff_ffff),
        Wire("N").int16(1).letter("t").int32(0x7fff_ffff).letter("short"), Wire("N").int16(32767).letter("n"),
    ])
    func damage(_ wire: Wire) {
        #expect(throws: DecodeError.self) { try withPair(wire) { _ in } }
    }
}
