// How many rows, and the sum of their hashes, in each of a number of buckets: what one read of a part of a table leaves.
// Sums are kept exactly, so that parts add up to the table however it was cut. Pure.

package struct Tally: Sendable, Equatable {
    package struct Bucket: Sendable, Equatable {
        var rows = 0
        var sum: Int128 = 0
    }

    private(set) var buckets: [Int: Bucket] = [:]

    package init() {}

    mutating func add(bucket: Int, rows: Int, sum: Int128) {
        buckets[bucket, default: Bucket()].rows += rows
        buckets[bucket, default: Bucket()].sum += sum
    }

    mutating func add(_ other: Tally) {
        for (bucket, part) in other.buckets { add(bucket: bucket, rows: part.rows, sum: part.sum) }
    }

    var total: TableDigest {
        TableDigest(
            buckets.values.reduce(into: Bucket()) {
                $0.rows += $1.rows; $0.sum += $1.sum
            })
    }

    /// Those that do not hold the same on both sides.
    func differing(from other: Tally) -> [Int] {
        Set(buckets.keys).union(other.buckets.keys).filter {
            (buckets[$0] ?? Bucket()) != (other.buckets[$0] ?? Bucket())
        }.sorted()
    }

    func rows(in wanted: [Int]) -> Int { wanted.reduce(0) { $0 + (buckets[$1]?.rows ?? 0) } }
}

/// What a table holds, as a text that can be compared with one taken at another time or on another version.
package struct TableDigest: Sendable, Equatable, CustomStringConvertible {
    package private(set) var rows: Int
    private(set) var sum: Int128

    package init() { self.init(Tally.Bucket()) }

    init(_ bucket: Tally.Bucket) {
        rows = bucket.rows
        sum = bucket.sum
    }

    package init?(_ text: String) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let rows = Int(parts[0]), let bits = UInt128(parts[1], radix: 16) else { return nil }
        self.rows = rows
        sum = Int128(truncatingIfNeeded: bits)
    }

    package static func += (left: inout TableDigest, right: TableDigest) {
        left.rows += right.rows
        left.sum += right.sum
    }

    package var description: String { "\(rows):" + String(UInt128(truncatingIfNeeded: sum), radix: 16) }
}
