// Ranges of a table's key, cut at keys that were sampled on old, and grown or shrunk so that each takes about as long as
// wanted. Pure.

struct KeyRange: Sendable, Equatable {
    /// The first key it has; nil: from the beginning.
    let from: [String]?
    /// The first one it has not; nil: to the end.
    let to: [String]?
}

struct RangeWalk {
    /// Seconds that one range should take.
    private let wanted: Double
    private let bounds: [[String]]
    private var next = 0
    private var begun: [String]?
    private var isOver = false
    /// How many cuts make a range.
    private var step: Int

    init(bounds: [[String]], from start: [String]?, wanted: Double) {
        self.bounds = bounds
        self.wanted = wanted
        begun = start
        step = max(1, bounds.count / 64)
    }

    mutating func take() -> KeyRange? {
        guard !isOver else { return nil }
        let end = next + step - 1
        let to = bounds.indices.contains(end) ? bounds[end] : nil
        defer {
            begun = to
            next = end + 1
            isOver = to == nil
        }
        return KeyRange(from: begun, to: to)
    }

    /// What the last range took on the slower side; half-way there, so that one odd range does not throw it about.
    mutating func took(_ seconds: Double) {
        guard seconds > 0 else { return }
        let fitting = Double(step) * wanted / seconds
        step = max(1, min(bounds.count, Int((Double(step) + min(fitting, Double(step) * 8)) / 2 + 0.5)))
    }

    /// Of the table, about.
    var shareOfLast: Double { Double(min(step, bounds.count + 1)) / Double(bounds.count + 1) }

    var share: Double { bounds.isEmpty ? (isOver ? 1 : 0) : min(1, Double(next) / Double(bounds.count + 1)) }
}
