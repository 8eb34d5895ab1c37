// A stream that a real server sent, recorded by `Captures/record.sh`: one message a line.

import Foundation

struct Capture {
    let name: String
    let messages: [[UInt8]]

    static let all = ["rows-text", "rows-binary", "streamed"]

    init(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Captures")
        let text = try String(contentsOf: folder.appendingPathComponent(name + ".hex"), encoding: .utf8)
        self.name = name
        messages = text.split(separator: "\n").map(Self.bytes)
    }

    private static func bytes(_ hex: Substring) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { Self.digit(digits[$0]) << 4 | Self.digit(digits[$0 + 1]) }
    }

    private static func digit(_ letter: UInt8) -> UInt8 { letter < 0x3a ? letter - 0x30 : letter - 0x57 }
}
