// What a repair did.

package import Model

package struct RepairReport: Sendable {
    /// Rows that are the same now, as a further comparison showed.
    package var repaired = 0
    /// Why others are not; without values.
    package var failures: [String] = []

    package init() {}
}

extension RowDifference {
    /// What a repair does about it, in words.
    package func remedy(_ direction: Direction) -> String {
        let (source, target) = (direction.source, direction.target)
        return switch kind {
        case .missing: "insert it on \(target)"
        case .extra: "delete it on \(target)"
        case .different: "overwrite it on \(target), in the columns that \(source) has"
        case .count:
            old.count > new.count
                ? "insert \(old.count - new.count) on \(target)" : "delete \(new.count - old.count) on \(target)"
        }
    }

    /// By which it is read again: the key, or the hash that stands for one.
    var settlingKey: [String] { key.isEmpty ? ["\(old.first ?? new.first ?? 0)"] : key }
}
