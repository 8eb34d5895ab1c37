// What a batch counts, keeps and refuses.

import Bytes
import Model
import PGOutput
import Testing

@testable import Assembly
@testable import Batching

@Suite struct BatchTests {
    @Test func transactionsAndTheirEnd() throws {
        var source = Source([.keyed])
        let target = Target([.keyed])
        let batch = Batch()
        #expect(batch.isEmpty && batch.end == nil)
        source.insert(0, ["1", "a", nil])
        let first = source.commit()
        try source.update(0, "1", to: ["1", "b", nil])
        source.insert(0, ["2", "a", nil])
        let second = source.commit()
        for transaction in [first, second] { try batch.add(transaction, plans: target.plan) }
        #expect(!batch.isEmpty && batch.changes == 3 && batch.bytes == first.bytes + second.bytes)
        #expect(batch.transactions.map(\.xid) == [10, 20] && batch.end?.end == LSN(20))
        #expect(batch.kinds == [[.insert, .insert]])
    }

    @Test func tablesSetAsideAreCountedAndLeftOut() throws {
        var source = Source([.setAside, .keyed])
        let target = Target([.setAside, .keyed])
        source.insert(0, ["1", "a"])
        try source.update(0, "1", to: ["2", "a"])
        source.insert(1, ["1", "a", nil])
        source.delete(0, at: 0)
        let batch = Batch()
        try batch.add(source.commit(), plans: target.plan)
        #expect(batch.leftOut == 3 && batch.changes == 1)
        #expect(batch.segments.count == 1 && batch.segments[0].tables.map(\.target) == [0])
    }

    @Test func aPieceIsKeptAliveAndWithoutWhatWasRolledBack() throws {
        let batch = Batch()
        do {
            let page = ByteBuffer()
            for (sub, key) in [(1 as UInt32, "1"), (2, "2"), (3, "3")] {
                let row = Array("N".utf8) + RowWriter.tuple([.value(key), .value(nil), .value(nil)])
                RowWriter.append(.insert, shape: 0, rows: row, sub: sub, to: page)
            }
            try batch.add(piece: page, without: [2], plans: Target([.keyed]).plan)
            #expect(batch.bytes == page.count && batch.transactions.isEmpty)
        }
        var target = Target([.keyed])
        target.apply(batch)
        #expect(target.rows == [[["1", nil, nil], ["3", nil, nil]]])
    }

    // MARK: what cannot be taken in

    private static let row = RowWriter.tuple([.value("1"), .value(nil), .value(nil)])
    private static let keyUnchanged = RowWriter.tuple([.unchanged, .value(nil), .value(nil)])
    private static let short = RowWriter.tuple([.value("1")])
    private static let new = Array("N".utf8), old = Array("O".utf8), key = Array("K".utf8)

    private func expect(_ error: BatchError, _ kind: ChangeKind, _ shape: Int, _ rows: [UInt8]) {
        let page = ByteBuffer()
        RowWriter.append(kind, shape: shape, rows: rows, to: page)
        #expect(throws: error) { try Batch().add(piece: page, without: [], plans: Target(SourceTable.all).plan) }
    }

    @Test func changesThatDoNotSayWhichRow() {
        expect(.noIdentity(shape: 0), .update, 0, Self.new + Self.keyUnchanged)
        expect(.noIdentity(shape: 0), .update, 0, Self.key + Self.row)
        expect(.noIdentity(shape: 0), .delete, 0, Self.new + Self.row)
        expect(.noIdentity(shape: 0), .delete, 0, [])
        expect(.noIdentity(shape: 0), .insert, 0, Self.key + Self.row)
        expect(.noIdentity(shape: 2), .update, 2, Self.new + Self.row)
        expect(.noIdentity(shape: 2), .update, 2, Self.key + Self.row + Self.new + Self.row)
        expect(.noIdentity(shape: 2), .update, 2, Self.old + Self.row)
        expect(.noIdentity(shape: 2), .update, 2, Self.old + Self.keyUnchanged + Self.new + Self.row)
        expect(.noIdentity(shape: 2), .delete, 2, Self.key + Self.row)
        expect(.noIdentity(shape: 2), .insert, 2, Self.new + Self.keyUnchanged)
        let two = RowWriter.tuple([.value("1"), .value("a")])
        expect(.noIdentity(shape: 6), .update, 6, Self.new + two)
        expect(.noIdentity(shape: 6), .delete, 6, Self.old + two)
    }

    @Test func rowsThatDoNotFitTheirTable() {
        expect(.unreadable(shape: 0), .insert, 0, Self.new + Self.short)
        expect(.unreadable(shape: 0), .update, 0, Self.key + Self.short + Self.new + Self.row)
        expect(.unreadable(shape: 0), .insert, 0, Self.new + Self.row.dropLast(2))
        expect(.unreadable(shape: 0), .insert, 0, Self.new + [0xff, 0xff])
        expect(.noPlan(shape: 99), .insert, 99, Self.new + Self.row)
    }
}
