// Digests that add up however a table was cut, and ranges that leave nothing out.

import Testing

@testable import Verification

@Suite struct RangeTests {
    @Test func partsAddUp() {
        var (one, two, whole) = (Tally(), Tally(), Tally())
        one.add(bucket: 1, rows: 2, sum: Int128(Int64.max) * 2)
        two.add(bucket: 1, rows: 1, sum: -5)
        two.add(bucket: 7, rows: 3, sum: Int128(Int64.min))
        whole.add(bucket: 3, rows: 6, sum: Int128(Int64.max) * 2 - 5 + Int128(Int64.min))
        one.add(two)
        #expect(one.total == whole.total)
        #expect(one.differing(from: whole) == [1, 3, 7])
        #expect(TableDigest(one.total.description) == one.total)
        #expect(TableDigest(TableDigest().description) == TableDigest())
        var negative = Tally()
        negative.add(bucket: 0, rows: 1, sum: -1)
        #expect(TableDigest(negative.total.description) == negative.total)
    }

    /// A row more and a row less in one bucket do not cancel out.
    @Test func countsAreComparedToo() {
        var (left, right) = (Tally(), Tally())
        left.add(bucket: 1, rows: 2, sum: 0)
        right.add(bucket: 1, rows: 1, sum: 0)
        #expect(left.differing(from: right) == [1])
    }

    @Test(arguments: [0, 1, 2, 63, 64, 65, 4000])
    func rangesFollowOneAnother(_ cuts: Int) {
        let bounds = (0..<cuts).map { ["\($0)"] }
        var walk = RangeWalk(bounds: bounds, from: nil, wanted: 1)
        var ranges: [KeyRange] = []
        while let range = walk.take() {
            ranges.append(range)
            walk.took(ranges.count % 3 == 0 ? 0.01 : 4)
        }
        #expect(ranges.first?.from == nil && ranges.last?.to == nil)
        for (left, right) in zip(ranges, ranges.dropFirst()) {
            #expect(left.to != nil && left.to == right.from)
        }
        #expect(walk.share == 1)
    }

    @Test func slowRangesShrink() {
        var walk = RangeWalk(bounds: (0..<4000).map { ["\($0)"] }, from: ["-7"], wanted: 1)
        #expect(walk.take() == KeyRange(from: ["-7"], to: ["61"]))
        walk.took(100)
        let next = walk.take()
        #expect(next?.from == ["61"])
        #expect((next?.to?.first).flatMap { Int($0) } ?? 9999 < 61 + 62)
    }
}
