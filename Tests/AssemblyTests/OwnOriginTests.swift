// What tandem itself wrote on the source is left out by the name of its origin: it takes no memory, its end counts, and what
// others bring by an origin of theirs is carried.

import Model
import Testing

@testable import Assembly

@Suite struct OwnOriginTests {
    private static let stream = StreamName(migration: "m", pair: "p", direction: .forward)

    private func desk(memory: Int = 1 << 30, small: Int = 1 << 20) throws -> Desk {
        try Desk(memory: memory, small: small) { Self.stream.isOwn(origin: $0) }
    }

    @Test func ownTransactionsEndWithoutHavingBeen() throws {
        let desk = try desk()
        try desk.take(
            .begin(1), .origin("tandem_m_p_reverse"), .table(), .insert("a"), .insert("b"), .commit(10),
            .begin(2), .insert("c"), .commit(20),
            .begin(3), .origin("tandem_m_p_forward_b"), .truncate([1]), .commit(30),
            .begin(4), .origin("theirs"), .insert("d"), .commit(40))
        #expect(try desk.ready() == ["2@20: c", "4@40: d"])
        #expect(desk.assembler.delivered == LSN(40) && desk.assembler.skipped == 2)
    }

    /// The name comes once, with the first block.
    @Test func streamedOnesTakeNoMemory() throws {
        let desk = try desk(memory: 0, small: 10)
        let long = String(repeating: "x", count: 100)
        try desk.take(
            .block(1, first: true), .origin("tandem_m_p_reverse_2"), .table(in: 1), .insert(long, in: 1), .stop,
            .block(2, first: true), .origin("theirs"), .table(in: 2), .insert("kept", in: 2), .stop,
            .block(1), .insert(long, in: 1), .stop)
        #expect(desk.assembler.openTransactions == 2)
        try desk.assembler.makeRoom()
        #expect(try desk.spillFiles == 1)
        try desk.take(.commit(streamed: 1, 10), .commit(streamed: 2, 20))
        #expect(try desk.ready() == ["2@20: kept"])
        #expect(desk.assembler.openMemory == 0 && desk.assembler.skipped == 1)
        #expect(desk.assembler.delivered == LSN(20))
    }

    /// What such a transaction says of a table holds for those after it: the server does not say it again.
    @Test func descriptionsAreKept() throws {
        let desk = try desk()
        try desk.take(
            .block(1, first: true), .origin("tandem_m_p_reverse"), .table(in: 1), .insert("a", in: 1), .stop,
            .commit(streamed: 1, 10), .begin(2), .insert("b"), .commit(20))
        #expect(try desk.ready() == ["2@20: b"])
    }

    @Test func onlyThesePairsNamesAreOwn() {
        for own in ["", "_2", "_copy", "_b", "_repair"] {
            #expect(Self.stream.isOwn(origin: "tandem_m_p_forward" + own))
            #expect(Self.stream.isOwn(origin: "tandem_m_p_reverse" + own))
        }
        for other in [
            "tandem_m_p_forward_2_forward", "tandem_m_q_forward", "tandem_n_p_reverse", "tandem_m_p", "pg_16390",
        ] {
            #expect(!Self.stream.isOwn(origin: other))
        }
    }
}
