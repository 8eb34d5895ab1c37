// Finds a batch's entries by key bytes: open addressing over a power of two, hashes kept so that growing never looks at
// a key again. The hash multiplies with secrets drawn per process, so that nobody can choose keys that collide. An
// index that holds nothing costs nothing: a batch may have many segments with a change or two each.

internal import Glibc

struct KeyIndex {
    private struct Slot {
        var hash: UInt64
        var entry: Int32
        var length: Int32
        var key: UnsafeRawPointer
    }

    private var slots: [Slot?] = []
    private(set) var count = 0

    private static let secret = (start: UInt64.random(in: .min ... .max), factor: UInt64.random(in: .min ... .max) | 1)

    static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
        let secret = secret
        var hash = folded(secret.start, UInt64(key.count) ^ secret.factor)
        var offset = 0
        while offset &+ 8 <= key.count {
            hash = folded(hash ^ key.loadUnaligned(fromByteOffset: offset, as: UInt64.self), secret.factor)
            offset &+= 8
        }
        var tail: UInt64 = 0
        while offset < key.count {
            tail = tail << 8 | UInt64(key[offset])
            offset &+= 1
        }
        return folded(hash ^ tail, secret.factor)
    }

    /// All 128 bits of the product take part, so no bit of a key stays where one could predict it.
    private static func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// The entry of this key, if it has one.
    func find(_ key: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
        guard count > 0 else { return nil }
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while let slot = slots[place] {
            if slot.hash == hash && Self.equal(slot, key) { return Int(slot.entry) }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Whether some key is in both.
    func meets(_ other: KeyIndex) -> Bool {
        guard count <= other.count else { return other.meets(self) }
        for case let slot? in slots where other.find(Self.bytes(slot), slot.hash) != nil { return true }
        return false
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
        UnsafeRawBufferPointer.sameBytes(bytes(slot), key)
    }

    private static func bytes(_ slot: Slot) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: slot.key, count: Int(slot.length))
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: nil, count: max(8, old.count * 2))
        let mask = slots.count - 1
        for case let slot? in old {
            var place = Int(truncatingIfNeeded: slot.hash) & mask
            while slots[place] != nil { place = (place + 1) & mask }
            slots[place] = slot
        }
    }
}

extension UnsafeRawBufferPointer {
    static func sameBytes(_ left: Self, _ right: Self) -> Bool {
        guard left.count == right.count else { return false }
        return left.count == 0 || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
    }
}
