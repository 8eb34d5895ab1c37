// Which transactions a snapshot shows, by hand and against a naive reading with whole numbers.

import Model
import Testing

@Suite struct TransactionSnapshotTests {
    @Test func readsWhatTheServerWrites() throws {
        let plain = try #require(TransactionSnapshot("10:20:10,14,15"))
        #expect(plain.description == "10:20:10,14,15")
        #expect(TransactionSnapshot("7:7:")?.description == "7:7:")
        // As a slot's may be: 17 and 18 were rolled back, and 19 is open.
        #expect(TransactionSnapshot("19:17:")?.description == "19:19:")
        for wrong in ["", "10:20", "20:10:15", "20:10:20", "10:20:x", "10:20:9", "10:20:20", "a:b:", "10:20:11:"] {
            #expect(TransactionSnapshot(wrong) == nil, "\(wrong)")
        }
    }

    @Test func showsWhatWasOver() throws {
        let snapshot = try #require(TransactionSnapshot("10:20:10,14"))
        #expect((1...25).filter { snapshot.sees(UInt32($0)) } == Array(1...9) + [11, 12, 13] + Array(15...19))
    }

    @Test(arguments: [0, 1, 3] as [UInt64])
    func comparesAcrossTheEndOfThe32Bits(epoch: UInt64) {
        let base = (epoch + 1) << 32
        let snapshot = TransactionSnapshot(xmin: base - 3, xmax: base + 3, open: [base - 3, base + 1])
        for distance in -1_000_000...1_000_000 where abs(distance) < 6 || distance % 99_991 == 0 {
            let whole = UInt64(Int64(base) + Int64(distance))
            let seen = whole < base - 3 || (whole < base + 3 && whole != base - 3 && whole != base + 1)
            #expect(snapshot.sees(UInt32(truncatingIfNeeded: whole)) == seen, "\(distance)")
        }
    }

    @Test func coversAnotherWhenItShowsAllOfIt() {
        let earlier = TransactionSnapshot(xmin: 10, xmax: 20, open: [10, 14])
        func covered(_ text: String) -> Bool { TransactionSnapshot(text)?.covers(earlier) ?? false }
        #expect(covered("10:20:10,14"))
        #expect(covered("14:25:14,22"))
        #expect(covered("25:25:"))
        // 15 was over before and is open here: a commit that was written, and not to be seen yet.
        #expect(!covered("10:20:10,14,15"))
        #expect(!covered("10:19:10,14"))
    }
}
