// Finds a batch's entries by key bytes: open addressing over a power of two, hashes kept so that growing never looks at
// a key again. The hash is seeded per process, so that nobody can choose keys that collide.

internal import Glibc

struct KeyIndex {
    private struct Slot {
        var hash: UInt64
        var entry: Int32
        var length: Int32
        var key: UnsafeRawPointer
    }

    private var slots: [Slot?] = Array(repeating: nil, count: 32)
    private(set) var count = 0

    private static let seed = UInt64.random(in: 0...UInt64.max)

    static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed ^ UInt64(key.count)
        var offset = 0
        while offset &+ 8 <= key.count {
            hash = (hash ^ key.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            offset &+= 8
        }
        while offset < key.count {
            hash = (hash ^ UInt64(key[offset])) &* 0xBF58_476D_1CE4_E5B9
            offset &+= 1
        }
        return hash ^ (hash >> 32)
    }

    /// The entry of this key, if it has one.
    func find(_ key: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while let slot = slots[place] {
            if slot.hash == hash && Self.equal(slot, key) { return Int(slot.entry) }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Points the key at an entry, whether or not it had one.
    mutating func set(_ key: UnsafeRawBufferPointer, _ hash: UInt64, entry: Int) {
        if count * 3 >= slots.count * 2 { grow() }
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while let slot = slots[place] {
            if slot.hash == hash && Self.equal(slot, key) {
                slots[place]?.entry = Int32(entry)
                return
            }
            place = (place + 1) & mask
        }
        slots[place] = Slot(
            hash: hash, entry: Int32(entry), length: Int32(key.count), key: key.baseAddress ?? Self.nowhere)
        count += 1
    }

    private static var nowhere: UnsafeRawPointer { UnsafeRawPointer(bitPattern: 1)! }

    private static func equal(_ slot: Slot, _ key: UnsafeRawBufferPointer) -> Bool {
        guard Int(slot.length) == key.count else { return false }
        return key.count == 0 || memcmp(slot.key, key.baseAddress!, key.count) == 0
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: nil, count: old.count * 2)
        let mask = slots.count - 1
        for case let slot? in old {
            var place = Int(truncatingIfNeeded: slot.hash) & mask
            while slots[place] != nil { place = (place + 1) & mask }
            slots[place] = slot
        }
    }
}
