// What the value of an option must look like. Only its form is checked here, not whether it makes sense.

internal import Model

package enum ValueKind: Hashable, Sendable {
    case any
    /// `250ms`, `5s`, `2m`, `1h`, `7d`; `duration(_:)` reads it.
    case duration
    /// `512kB`, `256MB`, plain bytes; `byteSize(_:)` reads it.
    case size
    /// A position in the write-ahead log, `16/B374D848`.
    case lsn
    case wholeNumber
    case choice([String])

    func accepts(_ value: String) -> Bool {
        switch self {
        case .any: true
        case .duration: isDuration(value)
        case .size: byteSize(value) != nil
        case .lsn: LSN(value) != nil
        case .wholeNumber: value.utf8.allSatisfy { (48...57).contains($0) } && Int(value) != nil
        case .choice(let words): words.contains(value)
        }
    }

    /// Completes "must be …".
    var wanted: String {
        switch self {
        case .any: "a value"
        case .duration: "a duration like 250ms, 5s, 2m or 1h"
        case .size: "a size like 512kB, 256MB or 1GB"
        case .lsn: "a position like 16/B374D848"
        case .wholeNumber: "a whole number"
        case .choice(let words): ValueKind.alternatives(words)
        }
    }

    func suggestion(for value: String) -> String? {
        guard case .choice(let words) = self else { return nil }
        return nearest(to: value, among: words)
    }

    private static func alternatives(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// Outside of `ValueKind`, where `duration` is a case.
private func isDuration(_ text: String) -> Bool { duration(text) != nil }
