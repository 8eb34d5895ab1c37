// The speed of something that grows, over the last while.

internal import Threading

struct Tachometer {
    private var samples: [(at: Monotonic, value: Int)] = []

    /// Units a second; nil before there is enough to tell.
    mutating func note(_ value: Int, at now: Monotonic = .now) -> Double? {
        if let last = samples.last, value < last.value { samples = [] }
        samples.append((now, value))
        if samples.count > 31 { samples.removeFirst() }
        guard let first = samples.first else { return nil }
        let seconds = now.seconds(since: first.at)
        return seconds < 0.9 ? nil : Double(value - first.value) / seconds
    }
}
