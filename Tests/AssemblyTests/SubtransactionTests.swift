// Streamed transactions of which parts, or all, are taken back.

import Testing

@testable import Assembly

@Suite struct SubtransactionTests {
    @Test func whatIsRolledBackIsLeftOut() throws {
        let desk = try Desk()
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .insert("b", in: 2), .insert("c", in: 3),
            .insert("d", in: 4), .stop, .abort(1, 3), .abort(1, 2),
            .block(1), .insert("e", in: 5), .insert("f", in: 4), .stop, .commit(streamed: 1, 10))
        let ready = desk.assembler.takeReady()
        #expect(try ready.map(desk.rows) == [["a", "d", "e", "f"]])
    }

    @Test func anUnknownSubtransactionProducedNothing() throws {
        let desk = try Desk()
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .stop, .abort(1, 99), .commit(streamed: 1, 10))
        #expect(try desk.ready() == ["1@10: a"])
    }

    @Test func anUnknownTransactionIsNotOurs() throws {
        let desk = try Desk()
        try desk.take(.abort(7, 8), .abort(7), .begin(1), .table(), .insert("a"), .commit(10))
        #expect(try desk.ready() == ["1@10: a"])
    }

    @Test func theWholeTransaction() throws {
        let desk = try Desk(memory: 0)
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .stop,
            .block(2, first: true), .table(in: 2), .insert("b", in: 2), .stop)
        try desk.assembler.makeRoom()
        try desk.take(.block(1), .insert("c", in: 1), .stop)
        #expect(try desk.spillFiles == 2)
        try desk.take(.abort(1))
        #expect(try desk.spillFiles == 1)
        #expect(desk.assembler.openTransactions == 1 && desk.assembler.openMemory == 0)
        #expect(throws: AssemblyError.self) { try desk.take(.commit(streamed: 1, 10)) }
    }

    @Test func aFirstBlockStartsOver() throws {
        let desk = try Desk(memory: 0)
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .insert("b", in: 2), .stop, .abort(1, 2))
        try desk.assembler.makeRoom()
        try desk.take(.block(1), .insert("in memory", in: 1), .stop)
        try desk.take(.block(1, first: true), .table(in: 1), .insert("c", in: 1), .insert("d", in: 2), .stop)
        #expect(try desk.spillFiles == 0)
        try desk.take(.commit(streamed: 1, 10))
        #expect(try desk.ready() == ["1@10: c d"])
        #expect(desk.assembler.openMemory == 0)
    }
}
