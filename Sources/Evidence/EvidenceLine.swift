// A line of the log as it is read back: what it says of itself, and whether its seal is whole. The bytes are what counts;
// nothing is parsed and written again. Pure.

package import Digest
internal import Foundation

package struct EvidenceLine: Sendable {
    package let text: String
    package let number: Int
    package let previous: SHA256Digest
    package let hash: SHA256Digest

    private static let previousKey = ",\"previous\":\""
    private static let hashKey = "\",\"hash\":\""

    /// Nil when it is no such line.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        let tail = Self.previousKey.utf8.count + 64 + Self.hashKey.utf8.count + 64 + 2
        guard bytes.count > tail, bytes.starts(with: Array("{\"number\":".utf8)) else { return nil }
        let end = bytes[(bytes.count - tail)...]
        var at = end.startIndex
        func take(_ count: Int) -> String {
            defer { at += count }
            return String(decoding: end[at..<at + count], as: UTF8.self)
        }
        let (first, before, second) = (take(Self.previousKey.utf8.count), take(64), take(Self.hashKey.utf8.count))
        let (own, closing) = (take(64), take(2))
        guard first == Self.previousKey, second == Self.hashKey, closing == "\"}",
            let previous = SHA256Digest(hex: before), let hash = SHA256Digest(hex: own)
        else { return nil }
        let digits = bytes.dropFirst(10).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int(String(decoding: digits, as: UTF8.self)), number > 0 else { return nil }
        self.text = String(text)
        self.number = number
        self.previous = previous
        self.hash = hash
    }

    /// The line is what it was when it was sealed.
    package var isSealed: Bool {
        // `,"hash":"…"}` is what the hash cannot be over.
        SHA256Digest(of: text.utf8.dropLast(",\"hash\":\"\"}".utf8.count + 64)) == hash
    }

    /// What it says, for showing; nil when it is no JSON.
    package var fields: [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
    }
}
