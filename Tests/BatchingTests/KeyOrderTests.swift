// Keys in the order of their index, as far as their first bytes tell.

import Testing

@testable import Batching

@Suite struct KeyOrderTests {
    /// A key as it lies in a row.
    private func key(_ values: [[UInt8]?]) -> [UInt8] {
        values.flatMap { value -> [UInt8] in
            guard let value else { return [0x6e] }
            return [0x62] + withUnsafeBytes(of: UInt32(value.count).bigEndian) { Array($0) } + value
        }
    }

    private func order(_ values: [UInt8]?...) -> KeyOrder { key(values).withUnsafeBytes { KeyOrder($0) } }

    private func number(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    @Test func numbersCompareAsNumbers() {
        #expect(order(number(2)) < order(number(300)))
        #expect(order(number(70_000)) < order(number(80_000)))
        #expect(order(number(5)) == order(number(5)))
    }

    @Test func laterColumnsCountWhereEarlierOnesAreEqual() {
        #expect(order(number(1), number(2)) < order(number(1), number(3)))
        #expect(order(number(1), number(9)) < order(number(2), number(0)))
        #expect(order(nil, number(2)) < order(nil, number(3)))
        #expect(order(number(1), number(1), number(1), number(2)) < order(number(1), number(1), number(1), number(3)))
    }

    @Test func textComparesByBytesAndShorterComesFirst() {
        #expect(order(Array("ab".utf8)) < order(Array("abc".utf8)))
        #expect(order(Array("abc".utf8)) < order(Array("b".utf8)))
        #expect(order(Array("0123456789a".utf8)) < order(Array("0123456789b".utf8)))
        #expect(order([]) < order(Array("a".utf8)))
    }
}
