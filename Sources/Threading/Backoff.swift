// Pauses between tries, each twice as long as the one before. A pure value.

/// One policy for every retry: quick at first, then slower, never slower than `longest`.
package struct Backoff {
    private var next: Double
    private let longest: Double

    package init(first: Double = 0.05, longest: Double = 5) {
        next = first
        self.longest = longest
    }

    package private(set) var rounds = 0

    package mutating func seconds() -> Double {
        rounds += 1
        defer { next = min(next * 2, longest) }
        return next
    }
}
