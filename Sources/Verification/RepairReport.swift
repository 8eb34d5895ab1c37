// What a repair did.

package struct RepairReport: Sendable {
    /// Rows that are the same now, as a further comparison showed.
    package var repaired = 0
    /// Why others are not; without values.
    package var failures: [String] = []

    package init() {}
}

extension RowDifference {
    /// What a repair does about it, in words.
    package var remedy: String {
        switch kind {
        case .missing: "insert it on new"
        case .extra: "delete it on new"
        case .different: "overwrite it on new, in the columns that old has"
        case .count:
            old.count > new.count ? "insert \(old.count - new.count) on new" : "delete \(new.count - old.count) on new"
        }
    }

    /// By which it is read again: the key, or the hash that stands for one.
    var settlingKey: [String] { key.isEmpty ? ["\(old.first ?? new.first ?? 0)"] : key }
}
