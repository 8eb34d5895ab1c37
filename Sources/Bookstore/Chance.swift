// Random numbers that can be had again: the same seed, the same shop.

struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { limit > 1 ? Int(next() % UInt64(limit)) : 0 }
    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// One of 1 to `count`; one in five times one of the first ten.
    mutating func popular(_ count: Int) -> Int { below(5) == 0 ? 1 + below(min(10, count)) : 1 + below(count) }

    /// So many letters that do not compress.
    mutating func text(_ length: Int) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + 12)
        while bytes.count < length {
            var bits = next()
            for _ in 0..<12 {
                bytes.append(UInt8(ascii: "a") + UInt8(bits % 26))
                bits /= 26
            }
        }
        return String(decoding: bytes.prefix(length), as: UTF8.self)
    }
}
