// Random histories of several tables, cut into transactions and batches at random: the new side must end up like the
// old one, and no statement may miss a row or meet one.

import Bytes
import Testing

@testable import Assembly
@testable import Batching

@Suite struct BatchPropertyTests {
    private struct Fate {
        var random: SplitMix
        let values: Row = [nil, "", "1", "2"]
        let large: Row = [nil, "a large value", "another large value"]
        let keys = ["1", "2", "3", "4", "5"]

        mutating func chance(_ outOf: Int) -> Bool { Int.random(in: 0..<outOf, using: &random) == 0 }
        mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

        private mutating func value(_ table: SourceTable, _ place: Int) -> String? {
            if table.unique.contains(where: { $0.contains(place) }) { return keys[below(keys.count)] }
            return table.large.contains(place) ? large[below(large.count)] : values[below(values.count)]
        }

        mutating func row(_ table: SourceTable) -> Row { (0..<table.width).map { value(table, $0) } }

        mutating func changed(_ row: Row, _ table: SourceTable) -> Row {
            row.indices.map { chance(3) ? value(table, $0) : row[$0] }
        }

        mutating func step(_ source: inout Source) {
            let place = below(source.tables.count)
            let table = source.tables[place]
            let there = source.rows[place].count
            switch below(20) {
            case 0: source.alter(place)
            case 1 where chance(3):
                source.truncate(Array(Set((0...below(3)).map { _ in below(source.tables.count) })).sorted())
            case 2...7: source.insert(place, row(table))
            case 8, 9: source.insertInVain(place, row(table), sub: 99)
            case 10...16 where there > 0 && table.identity != .nothing:
                let row = below(there)
                source.update(place, at: row, to: changed(source.rows[place][row], table))
            case 17...19 where there > 0 && table.identity != .nothing: source.delete(place, at: below(there))
            default: break
            }
        }
    }

    /// As the applier would: a small transaction whole, or a large one piece by piece.
    private func add(_ transaction: Transaction, to batch: Batch, _ target: Target) throws {
        guard case .slice(let page, _, _) = transaction.content else { return }
        try batch.add(piece: page, without: [99], plans: target.plan)
    }

    @Test func theNewSideEndsLikeTheOld() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("BatchPropertyTests: seed \(seed)")
        var seeds = SplitMix(seed: seed)
        let start = ContinuousClock.now
        var histories = 0
        while histories < 400 && ContinuousClock.now - start < .seconds(2) {
            histories += 1
            let own = seeds.next()
            var fate = Fate(random: SplitMix(seed: own))
            var world = World(
                all: fate.chance(4) ? [SourceTable.all.randomElement(using: &fate.random)!] : SourceTable.all)
            for _ in 0..<4 {
                let batch = Batch()
                for _ in 0...fate.below(3) {
                    for _ in 0..<fate.below(60) { fate.step(&world.source) }
                    try add(world.source.commit(), to: batch, world.target)
                }
                world.target.apply(batch)
                let differences = world.differences
                try #require(differences == [], "seed \(seed), history \(own)")
            }
        }
    }
}

/// Random choices that repeat themselves with their seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
