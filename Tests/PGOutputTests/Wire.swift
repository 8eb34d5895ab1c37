// Messages written by hand, in the order the protocol documents them.

import Bytes

@testable import PGOutput

/// Bytes put one after another.
struct Wire: ExpressibleByStringLiteral {
    var bytes: [UInt8] = []

    init() {}
    init(stringLiteral text: String) { bytes = Array(text.utf8) }

    func byte(_ value: UInt8) -> Wire { adding([value]) }
    func int16(_ value: Int16) -> Wire { adding(value) }
    func int32(_ value: UInt32) -> Wire { adding(value) }
    func int64(_ value: UInt64) -> Wire { adding(value) }
    func name(_ text: String) -> Wire { adding(Array(text.utf8) + [0]) }
    func letter(_ text: String) -> Wire { adding(Array(text.utf8)) }
    func value(_ text: String) -> Wire { letter("t").int32(UInt32(text.utf8.count)).letter(text) }
    func binary(_ bytes: [UInt8]) -> Wire { letter("b").int32(UInt32(bytes.count)).adding(bytes) }

    func adding(_ more: [UInt8]) -> Wire {
        var result = self
        result.bytes += more
        return result
    }

    private func adding<I: FixedWidthInteger>(_ value: I) -> Wire {
        withUnsafeBytes(of: value.bigEndian) { adding(Array($0)) }
    }
}

extension Decoder {
    /// `body` because a change points into the bytes it came in.
    mutating func decode<R>(_ wire: Wire, _ body: (Message) throws -> R) throws -> R {
        try decode(wire.bytes, body)
    }

    mutating func decode<R>(_ bytes: [UInt8], _ body: (Message) throws -> R) throws -> R {
        try bytes.withUnsafeBytes { try body(try decode($0)) }
    }
}

extension Tuple {
    /// What a person would write down: NULL as `-`, an unchanged value as `=`.
    var words: [String] {
        columns.map { column in
            switch column.state {
            case .null: "-"
            case .unchanged: "="
            case .text:
                column.length > 40 ? "\(column.length) bytes" : String(decoding: column.value, as: UTF8.self)
            case .binary: column.value.map { String($0, radix: 16) }.joined(separator: " ")
            }
        }
    }
}

extension RowPair {
    var words: String {
        var result: [String] = []
        if oldStart != nil {
            result.append((oldKind == .key ? "K" : "O") + "(" + old.words.joined(separator: ",") + ")")
        }
        if newStart != nil { result.append("N(" + new.words.joined(separator: ",") + ")") }
        return result.joined()
    }
}
