// SHA-256 by libcrypto, which libpq brings along: the only place that touches it.

internal import CCrypto

package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    package static let length = 32

    private let bytes: [UInt8]

    package init(of data: some Collection<UInt8>) {
        let input = Array(data)
        var output = [UInt8](repeating: 0, count: Self.length)
        var length: UInt32 = 0
        let done = EVP_Digest(input, input.count, &output, &length, EVP_sha256(), nil)
        // It fails only when it cannot have a few hundred bytes of memory.
        precondition(done == 1 && Int(length) == Self.length, "libcrypto has no SHA-256")
        bytes = output
    }

    package init(of text: String) { self.init(of: text.utf8) }

    /// 64 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        let digits = Array(hex.utf8)
        guard digits.count == 2 * Self.length else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[place]), let low = Self.value(digits[place + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// What stands where there is nothing before.
    package static let zero = SHA256Digest(bytes: [UInt8](repeating: 0, count: length))

    private init(bytes: [UInt8]) { self.bytes = bytes }

    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
