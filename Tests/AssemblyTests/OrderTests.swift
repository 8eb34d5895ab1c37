// What comes out, whole and in commit order, and what is left out.

import Model
import Testing

@testable import Assembly

@Suite struct OrderTests {
    @Test func ordinaryTransactionsAsTheyCome() throws {
        let desk = try Desk()
        try desk.take(
            .begin(1), .table(), .insert("a"), .insert("b"), .commit(10),
            .begin(2), .table(2, "other"), .insert("c", into: 2), .logicalMessage, .insert("d"), .commit(20))
        #expect(desk.assembler.isBetweenTransactions)
        #expect(try desk.ready() == ["1@10: a b", "2@20: other.c d"])
        #expect(try desk.ready() == [])
        #expect(desk.assembler.delivered == LSN(20))
    }

    @Test func streamedOnesByTheirCommitNotTheirBegin() throws {
        let desk = try Desk()
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .stop,
            .block(2, first: true), .table(in: 2), .insert("b", in: 2), .stop,
            .begin(3), .table(), .insert("c"), .commit(10),
            .block(1), .insert("d", in: 1), .stop)
        #expect(desk.assembler.openTransactions == 2)
        try desk.take(.block(2), .insert("e", in: 2), .stop, .commit(streamed: 2, 20))
        try desk.take(.block(1), .insert("f", in: 11), .stop, .commit(streamed: 1, 30))
        #expect(try desk.ready() == ["3@10: c", "2@20: b e", "1@30: a d f"])
        #expect(desk.assembler.openTransactions == 0 && desk.assembler.openMemory == 0)
    }

    @Test func whatIsAppliedIsSkipped() throws {
        let desk = try Desk(memory: 0, small: 100, applied: 30)
        let long = String(repeating: "x", count: 200)
        try desk.take(.begin(1), .table(), .insert("a"), .commit(10))
        try desk.take(.block(2, first: true), .table(in: 2), .insert("b", in: 2), .stop)
        try desk.assembler.makeRoom()
        #expect(try desk.spillFiles == 1)
        try desk.take(.commit(streamed: 2, 20), .begin(3), .insert(long), .commit(30))
        #expect(try desk.spillFiles == 0)
        #expect(desk.assembler.delivered == LSN(30) && desk.assembler.readyBytes == 0)
        try desk.take(.begin(4), .insert("d"), .commit(31))
        #expect(try desk.ready() == ["4@31: d"])
    }

    @Test func emptyTransactionsOnlyMoveThePosition() throws {
        let desk = try Desk(applied: 5)
        #expect(desk.assembler.delivered == LSN(5))
        try desk.take(
            .begin(1), .commit(10), .begin(2), .table(), .type(9, "mood"), .logicalMessage, .commit(20),
            .block(3, first: true), .stop, .commit(streamed: 3, 30))
        #expect(try desk.ready() == [])
        #expect(desk.assembler.delivered == LSN(30))
        #expect(desk.book.typeName(9) == QualifiedName(schema: "public", name: "mood"))
    }

    @Test func originsStayWithTheirTransaction() throws {
        let desk = try Desk(small: 100)
        let long = String(repeating: "x", count: 200)
        try desk.take(
            .begin(1), .origin("elsewhere"), .table(), .insert("a"), .commit(10),
            .begin(2), .insert("b"), .commit(20),
            .begin(3), .origin("far"), .insert(long), .insert("c"), .commit(25),
            .block(4, first: true), .origin("away"), .table(in: 4), .insert("d", in: 4), .stop,
            .begin(5), .insert("e"), .commit(30), .commit(streamed: 4, 40))
        #expect(desk.assembler.takeReady().map(\.origin) == ["elsewhere", nil, "far", nil, "away"])
    }

    @Test func truncationsNameTheirTables() throws {
        let desk = try Desk()
        try desk.take(
            .begin(1), .table(), .table(2, "u"), .truncate([1, 2], flags: 3), .insert("a"), .truncate([2]), .commit(10),
            .block(2, first: true), .table(in: 2), .truncate([1], flags: 1, in: 22), .stop, .commit(streamed: 2, 20))
        #expect(try desk.ready() == ["1@10: truncatecr[t,u] a truncate[u]", "2@20: truncatec[t]"])
    }

    /// `Captures/record.sh` of the decoder's tests says what was done.
    @Test func aRecordedStream() throws {
        let desk = try Desk()
        for message in try Recording.messages("streamed") { try desk.take(message) }
        let told = desk.assembler.takeReady()
        #expect(
            try told.map(desk.rows) == [
                ["pairs.8,small,ok"], ["pairs.9,second,ok"],
                ["tt.1,1,first", "tt.4,4,kept,4", "truncate[bare]"],
            ])
        #expect(desk.assembler.openTransactions == 0 && desk.assembler.openMemory == 0)
    }
}
