// The twin ledger, for people and for machines.

internal import Model
internal import State

enum TwinLines {
    static func inWords(_ counts: TwinCounts) -> String {
        let parts = [
            (counts.matched, "matched"), (counts.late, "late"), (counts.failed, "failed"), (counts.orphan, "orphans"),
            (counts.foreign, "foreign"), (counts.repaired, "rows written again"),
        ]
        return parts.filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }.joined(separator: ", ")
    }

    /// Of whom more is to be said than that all was the same, one line each; nothing when nobody is known.
    static func byWriter(_ table: TwinTable) -> [String] {
        let known = table.writers.filter { writer, counts in
            var rest = counts
            rest.matched = 0
            return !writer.isEmpty && !rest.isEmpty
        }
        return known.sorted { $0.key < $1.key }.map { writer, counts in
            "written by \(withoutControls(writer)): \(inWords(counts))"
        }
    }
}

struct TwinLine: Encodable, Sendable {
    let table: String
    let matched: Int
    let late: Int
    let failed: Int
    let orphan: Int
    let foreign: Int
    let repaired: Int
    /// The same by who wrote the row last; without a name where that is not known.
    let instances: [Instance]

    struct Instance: Encodable, Sendable {
        let name: String
        let matched: Int
        let late: Int
        let failed: Int
        let orphan: Int
        let foreign: Int
        let repaired: Int
    }

    init(_ table: TwinTable) {
        instances = table.writers.sorted { $0.key < $1.key }.map { name, counts in
            Instance(
                name: name, matched: counts.matched, late: counts.late, failed: counts.failed, orphan: counts.orphan,
                foreign: counts.foreign, repaired: counts.repaired)
        }
        self.table = table.table.description
        (matched, late, failed) = (table.counts.matched, table.counts.late, table.counts.failed)
        (orphan, foreign, repaired) = (table.counts.orphan, table.counts.foreign, table.counts.repaired)
    }
}
