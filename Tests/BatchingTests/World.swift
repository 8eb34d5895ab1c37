// Both sides, and batches between them.

import Testing

@testable import Assembly
@testable import Batching

struct World {
    var source: Source
    var target: Target

    init(_ tables: SourceTable...) {
        source = Source(tables)
        target = Target(tables)
    }

    init(all tables: [SourceTable]) {
        source = Source(tables)
        target = Target(tables)
    }

    /// One transaction, one batch.
    @discardableResult
    mutating func replicate() throws -> Batch {
        let batch = Batch()
        let target = target
        try batch.add(source.commit(), plans: target.plan)
        self.target.apply(batch)
        return batch
    }

    /// What is wrong on the new side.
    var differences: [String] {
        var found = target.mistakes
        for (place, table) in source.tables.enumerated() where !table.isSetAside {
            let wanted = Self.counted(source.rows[place]), there = Self.counted(target.rows[place])
            if wanted != there { found.append("table \(place): wanted \(wanted), there is \(there)") }
        }
        return found
    }

    private static func counted(_ rows: [Row]) -> [Row: Int] {
        rows.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
}

extension Batch {
    /// The kinds of the keyed effects, segment after segment.
    var kinds: [[KeyedEffects.Kind]] { segments.map { $0.tables.flatMap { $0.keyed.entries.map(\.kind) } } }
}
