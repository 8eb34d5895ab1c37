// What real servers of four versions sent, recorded by `Corpus/record.sh`: whole streams, one for each protocol, one
// message a line.

import Foundation

struct Corpus {
    static let versions = ["13", "15", "17", "18"]

    let streams: [[[UInt8]]]

    init() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Corpus")
        streams = try Self.versions.flatMap { version in
            try String(contentsOf: folder.appendingPathComponent(version + ".hex"), encoding: .utf8)
                .split(separator: "-\n").map { $0.split(separator: "\n").map(Self.bytes) }
        }
    }

    private static func bytes(_ hex: Substring) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { Self.digit(digits[$0]) << 4 | Self.digit(digits[$0 + 1]) }
    }

    private static func digit(_ letter: UInt8) -> UInt8 { letter < 0x3a ? letter - 0x30 : letter - 0x57 }
}
