// Damage as networks, disks and enemies do it, repeatable by its seed.

struct Mutation: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(max(1, sides))) }

    /// Mostly near the beginning, where counts, lengths and letters are.
    mutating func damage(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(roll(256))) }
        let place = roll(roll(2) == 0 ? min(bytes.count, 24) : bytes.count)
        switch roll(9) {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes[place] ^= 1 << UInt8(roll(8))
        case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff, 0x4e, 0x4f, 0x4b, 0x6e, 0x75, 0x74, 0x62][roll(12)]
        case 3: bytes.insert(UInt8(roll(256)), at: place)
        case 4: bytes.remove(at: place)
        case 5: number(&bytes, place, [0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffe, 0x1000_0000][roll(6)])
        case 6: number(&bytes, place, UInt32(truncatingIfNeeded: next()))
        case 7: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + roll(40))], at: roll(bytes.count))
        default: bytes.removeSubrange(place..<min(bytes.count, place + roll(16)))
        }
    }

    private func number(_ bytes: inout [UInt8], _ place: Int, _ value: UInt32) {
        for (offset, shift) in [24, 16, 8, 0].enumerated() where place + offset < bytes.count {
            bytes[place + offset] = UInt8(truncatingIfNeeded: value >> UInt32(shift))
        }
    }

    /// A stream with some messages damaged, left out, repeated, exchanged, or another stream's.
    mutating func stream(from all: [[[UInt8]]]) -> [[UInt8]] {
        var messages = all[roll(all.count)]
        for _ in 0...roll(6) where !messages.isEmpty {
            let place = roll(messages.count)
            switch roll(8) {
            case 0: messages.remove(at: place)
            case 1: messages.insert(messages[place], at: roll(messages.count))
            case 2: messages.swapAt(place, roll(messages.count))
            case 3:
                let other = all[roll(all.count)]
                messages.insert(other[roll(other.count)], at: place)
            default: for _ in 0...roll(3) { damage(&messages[place]) }
            }
        }
        return messages
    }
}
