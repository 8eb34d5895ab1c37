// The index by key bytes: found again, whatever else is in it.

import Testing

@testable import Batching

@Suite struct KeyIndexTests {
    /// Keys that lie one after another in memory of their own, as rows do.
    private final class Keys {
        let memory: UnsafeMutableRawPointer
        private var ranges: [Range<Int>] = []

        init(_ texts: [String]) {
            let bytes = texts.map { Array($0.utf8) }
            memory = .allocate(byteCount: max(1, bytes.reduce(0) { $0 + $1.count }), alignment: 1)
            var offset = 0
            for key in bytes {
                key.withUnsafeBytes { source in
                    if let start = source.baseAddress {
                        (memory + offset).copyMemory(from: start, byteCount: key.count)
                    }
                }
                ranges.append(offset..<offset + key.count)
                offset += key.count
            }
        }

        deinit { memory.deallocate() }

        subscript(place: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: memory + ranges[place].lowerBound, count: ranges[place].count)
        }
        var indices: Range<Int> { ranges.indices }
    }

    /// Sets the first half, finds it, misses the second, points each at another entry.
    private func check(_ texts: [String], hash: (UnsafeRawBufferPointer) -> UInt64) {
        let keys = Keys(texts)
        var index = KeyIndex()
        let half = texts.count / 2
        for place in keys.indices { #expect(index.find(keys[place], hash(keys[place])) == nil) }
        for place in 0..<half { index.set(keys[place], hash(keys[place]), entry: place) }
        #expect(index.count == half)
        for place in 0..<half { #expect(index.find(keys[place], hash(keys[place])) == place) }
        for place in half..<texts.count { #expect(index.find(keys[place], hash(keys[place])) == nil) }
        for place in 0..<half { index.set(keys[place], hash(keys[place]), entry: place - 1) }
        #expect(index.count == half)
        for place in 0..<half { #expect(index.find(keys[place], hash(keys[place])) == place - 1) }
        withExtendedLifetime(keys) {}
    }

    @Test func itGrows() { check((0..<20_000).map { "key \($0)" }, hash: KeyIndex.hash) }

    @Test func keysThatAllCollide() {
        check((0..<400).map { "key \($0)" }) { _ in 7 }
        check((0..<2000).map { "key \($0)" }) { UInt64($0.count) }
        check((0..<400).map { "key \($0)" }) { _ in .max }
    }

    @Test func emptyKeysAndKeysThatBeginOthers() {
        check(["", "a", "aa", "aaa", "aaaaaaaa", "aaaaaaaaa"].flatMap { [$0, $0 + "b"] }, hash: KeyIndex.hash)
    }

    @Test func zeroesAtTheEndCount() {
        let texts = (0..<40).map { String(repeating: "\0", count: $0) }
        let keys = Keys(texts)
        #expect(Set(keys.indices.map { KeyIndex.hash(keys[$0]) }).count == texts.count)
        withExtendedLifetime(keys) {}
    }

    /// Whether keys collide must not be knowable without the process's secret. These two did, whatever it was.
    @Test func keysMadeToCollideDoNot() {
        var words: (UInt64, UInt64) = (1, 2)
        var twin = (words.0 ^ 1 << 63, words.1 ^ 1 << 63 ^ 1 << 34)
        let hashes = (
            withUnsafeBytes(of: &words) { KeyIndex.hash($0) }, withUnsafeBytes(of: &twin) { KeyIndex.hash($0) }
        )
        #expect(hashes.0 != hashes.1)
    }

    /// Consecutive numbers, as most keys are, must spread over the low bits that choose a slot.
    @Test func ordinaryKeysSpread() {
        let keys = Keys((0..<65_536).map { "t\0\0\0\u{8}" + String(10_000_000 + $0) })
        var slots = [Int](repeating: 0, count: 65_536)
        for place in keys.indices { slots[Int(KeyIndex.hash(keys[place]) & 0xffff)] += 1 }
        #expect(slots.max()! < 16)
        withExtendedLifetime(keys) {}
    }
}
