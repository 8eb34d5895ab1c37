// What old sends, made before anything is counted: transactions of twenty changes of one wide table (bigint key, text, jsonb,
// numeric, timestamptz, uuid).

import Bytes
import Model

@testable import Assembly
@testable import PGOutput

enum Kind: String, CaseIterable {
    case insert, update, delete
}

struct Stream {
    static let types: [UInt32] = [20, 25, 3802, 1700, 1184, 2950]
    static let relation: UInt32 = 16_400

    private(set) var messages: [[UInt8]] = []

    init(_ kind: Kind, rows: Int) {
        messages.append(Self.description)
        var end: UInt64 = 1000
        for row in 0..<rows {
            if row % 20 == 0 { messages.append(Self.begin(end)) }
            messages.append(Self.change(kind, row))
            if row % 20 == 19 {
                end += 1000
                messages.append(Self.commit(end))
            }
        }
    }

    /// The transactions they make up.
    func feed(_ assembler: Assembler) throws -> [Transaction] {
        for message in messages { try message.withUnsafeBytes { try assembler.take($0) } }
        return assembler.takeReady()
    }

    private static func bytes(_ fill: (ByteBuffer) -> Void) -> [UInt8] {
        let buffer = ByteBuffer(capacity: 512)
        fill(buffer)
        return withExtendedLifetime(buffer) { Array(buffer.bytes) }
    }

    private static var description: [UInt8] {
        bytes { buffer in
            buffer.append(text: "R")
            buffer.append(bigEndian: relation)
            buffer.append(text: "public\0wide\0d")
            buffer.append(bigEndian: Int16(types.count))
            for (place, type) in types.enumerated() {
                buffer.append(bigEndian: UInt8(place == 0 ? 1 : 0))
                buffer.append(text: "column\(place)\0")
                buffer.append(bigEndian: type)
                buffer.append(bigEndian: Int32(-1))
            }
        }
    }

    private static func begin(_ end: UInt64) -> [UInt8] {
        bytes { buffer in
            buffer.append(text: "B")
            buffer.append(bigEndian: end + 900)
            buffer.append(bigEndian: Int64(0))
            buffer.append(bigEndian: UInt32(truncatingIfNeeded: end))
        }
    }

    private static func commit(_ end: UInt64) -> [UInt8] {
        bytes { buffer in
            buffer.append(text: "C")
            buffer.append(bigEndian: UInt8(0))
            buffer.append(bigEndian: end - 100)
            buffer.append(bigEndian: end)
            buffer.append(bigEndian: Int64(0))
        }
    }

    private static func change(_ kind: Kind, _ row: Int) -> [UInt8] {
        bytes { buffer in
            buffer.append(text: kind == .insert ? "I" : kind == .update ? "U" : "D")
            buffer.append(bigEndian: relation)
            buffer.append(text: kind == .delete ? "K" : "N")
            buffer.append(bigEndian: Int16(types.count))
            for place in types.indices {
                if kind == .delete && place > 0 {
                    buffer.append(text: "n")
                    continue
                }
                buffer.append(text: "b")
                let width = place == 0 || place == 4 ? 8 : place == 5 ? 16 : place == 2 ? 120 : 30
                buffer.append(bigEndian: Int32(width))
                buffer.append(bigEndian: UInt64(truncatingIfNeeded: row))
                for filler in 8..<width { buffer.append(bigEndian: UInt8(truncatingIfNeeded: row &+ filler)) }
            }
        }
    }
}
