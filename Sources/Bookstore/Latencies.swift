// How long things took: counted in steps of some nine per cent, so that any number of them takes the same room and those of
// several instances add up. Pure.

internal import Foundation

package struct Latencies: Sendable, Equatable, Codable {
    /// Eight steps for each doubling, from one microsecond on.
    private static let steps = 8.0

    /// By step.
    private var counts: [Int: Int] = [:]
    package private(set) var count = 0
    package private(set) var longest = 0.0

    package init() {}

    package mutating func add(_ seconds: Double) {
        counts[Self.step(seconds), default: 0] += 1
        count += 1
        longest = max(longest, seconds)
    }

    package mutating func add(_ other: Latencies) {
        counts.merge(other.counts, uniquingKeysWith: +)
        count += other.count
        longest = max(longest, other.longest)
    }

    /// Seconds within which this share of all were served; nil when there were none.
    package func percentile(_ share: Double) -> Double? {
        guard count > 0 else { return nil }
        var left = max(1, Int((Double(count) * share).rounded(.up)))
        for (step, number) in counts.sorted(by: { $0.key < $1.key }) {
            left -= number
            if left <= 0 { return min(longest, Self.upper(step)) }
        }
        return longest
    }

    private static func step(_ seconds: Double) -> Int {
        seconds <= 1e-6 ? 0 : Int((log2(seconds * 1e6) * steps).rounded(.down))
    }

    private static func upper(_ step: Int) -> Double { exp2(Double(step + 1) / steps) / 1e6 }
}
