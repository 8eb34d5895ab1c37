// "Did you mean": the word most like a mistyped one. Pure.

/// The candidate that is a slip or two away from `word`, or that `word` is the beginning of; nil when none is near.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let letters = Array(word.lowercased().unicodeScalars)
    guard !letters.isEmpty, letters.count <= 64 else { return nil }
    var best: (distance: Int, word: String)?
    for candidate in candidates {
        let other = Array(candidate.lowercased().unicodeScalars)
        let begins = letters.count >= 3 && other.starts(with: letters)
        let slips = begins ? 1 : editDistance(letters, other)
        guard slips <= allowedSlips(letters.count, other.count) else { continue }
        if best.map({ (slips, candidate) < ($0.distance, $0.word) }) ?? true { best = (slips, candidate) }
    }
    return best?.word
}

private func allowedSlips(_ left: Int, _ right: Int) -> Int {
    min(left, right) < 2 ? 0 : max(1, min(left, right) / 3)
}

/// Insertions, deletions, replacements and swaps of neighbours, each counted once.
package func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
