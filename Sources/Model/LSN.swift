// A position in a server's write-ahead log, as PostgreSQL writes it: two hexadecimal halves.

package struct LSN: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: UInt64

    @inlinable package init(_ raw: UInt64) { self.raw = raw }

    package static let zero = LSN(0)

    package init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2,
            halves.allSatisfy({ (1...8).contains($0.utf8.count) && $0.utf8.allSatisfy(Self.isDigit) }),
            let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16)
        else { return nil }
        raw = UInt64(high) << 32 | UInt64(low)
    }

    /// `UInt32` itself would take a sign.
    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    @inlinable package static func < (left: LSN, right: LSN) -> Bool { left.raw < right.raw }

    /// How many bytes of log lie between `earlier` and this; zero when `earlier` is not earlier.
    package func bytes(since earlier: LSN) -> UInt64 { raw > earlier.raw ? raw - earlier.raw : 0 }

    package var description: String {
        String(raw >> 32, radix: 16, uppercase: true) + "/" + String(raw & 0xffff_ffff, radix: 16, uppercase: true)
    }
}
