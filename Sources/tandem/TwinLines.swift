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
}

struct TwinLine: Encodable, Sendable {
    let table: String
    let matched: Int
    let late: Int
    let failed: Int
    let orphan: Int
    let foreign: Int
    let repaired: Int

    init(_ table: TwinTable) {
        self.table = table.table.description
        (matched, late, failed) = (table.counts.matched, table.counts.late, table.counts.failed)
        (orphan, foreign, repaired) = (table.counts.orphan, table.counts.foreign, table.counts.repaired)
    }
}
