// One row changed again and again: one effect, and memory for one row.

import Bytes
import PGOutput
import Testing

@testable import Assembly
@testable import Batching

@Suite struct HotRowTests {
    /// A page that one transaction of `changes` updates of one row filled.
    private func updates(_ changes: Int, _ table: SourceTable, _ row: (Int) -> Row) -> Transaction {
        var source = Source([table])
        source.insert(0, row(0))
        _ = source.commit()
        for number in 1...changes { source.update(0, at: 0, to: row(number)) }
        return source.commit()
    }

    @Test func aMillionUpdatesAreOneEffect() throws {
        let transaction = updates(1000, .keyed) { ["1", "\($0)", nil] }
        let target = Target([.keyed])
        let plan = target.plan(0)
        let batch = Batch()
        for _ in 0..<1000 { try batch.add(transaction) { _ in plan } }
        #expect(batch.changes == 1_000_000 && batch.kinds == [[.update]])
        var tuple = Tuple()
        withExtendedLifetime(batch) {
            batch.segments[0].tables[0].keyed.entries[0].new.read(into: &tuple)
            #expect(String(decoding: tuple.columns[1].value, as: UTF8.self) == "1000")
        }
    }

    /// What the changes of one transaction come to, and how much memory that took besides its own.
    private func segment(
        _ transaction: Transaction, _ table: SourceTable, _ body: (Segment, _ bytes: Int) throws -> Void
    ) throws {
        guard case .slice(let page, let from, let count) = transaction.content else { return }
        let arena = Arena()
        var segment = Segment()
        var rows = RowPair()
        try withExtendedLifetime((page, arena)) {
            var cursor = ByteCursor(page.base + from, count: count)
            while let record = try ChangeRecord.next(&cursor) {
                try rows.read(record.rows)
                let plan = table.plan(table.shapes[0])
                #expect(try segment.add(record.kind, shape: record.shape, plan, rows, arena))
            }
            try body(segment, arena.bytes)
        }
    }

    @Test func aLargeValueIsNotCopiedAgainAndAgain() throws {
        let big = String(repeating: "big", count: 100_000)
        var source = Source([.keyed])
        source.insert(0, ["1", nil, big])
        for number in 1...1000 { try source.update(0, "1", to: ["1", "\(number)", big]) }
        try segment(source.commit(), .keyed) { segment, bytes in
            #expect(bytes <= 64 * 1024)
            var tuple = Tuple()
            segment.tables[0].keyed.entries[0].new.read(into: &tuple)
            #expect(tuple.columns.map(\.length) == [1, 4, 300_000])
        }
    }

    @Test(arguments: [SourceTable.keyed, .keyless]) func anOrdinaryRowNeedsNoMemoryOfItsOwn(_ table: SourceTable) throws
    {
        try segment(updates(1000, table) { ["1", "\($0)", nil] }, table) { segment, bytes in
            #expect(bytes == 0)
            #expect(segment.tables[0].keyed.entries.count + segment.tables[0].images.pairs.count == 1)
        }
    }
}
