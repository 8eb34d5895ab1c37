// Where transactions lie: small ones side by side in a page, large ones apart.

import Bytes
import Testing

@testable import Assembly

@Suite struct PageTests {
    private func slice(_ transaction: Transaction) -> (page: ByteBuffer, from: Int, count: Int)? {
        guard case .slice(let page, let from, let count) = transaction.content else { return nil }
        return (page, from, count)
    }

    @Test func smallOnesShareAPage() throws {
        let desk = try Desk()
        try desk.take(
            .begin(1), .table(), .insert("a"), .commit(10), .begin(2), .commit(15), .begin(3), .insert("bc"),
            .commit(20))
        let bytes = desk.assembler.readyBytes
        let ready = desk.assembler.takeReady()
        let first = try #require(slice(ready[0])), second = try #require(slice(ready[1]))
        #expect(first.page === second.page && first.from == 0 && second.from == first.count)
        #expect(second.count == first.count + 1 && bytes == first.count + second.count)
        #expect(ready.map(\.bytes) == [first.count, second.count] && ready.map(\.changes) == [1, 1])
        #expect(desk.assembler.readyBytes == 0)
    }

    @Test func takingMovesTheOpenOneToANewPage() throws {
        let desk = try Desk()
        try desk.take(.begin(1), .table(), .insert("a"), .commit(10), .begin(2), .origin("o"), .insert("b"))
        let first = desk.assembler.takeReady()
        #expect(!desk.assembler.isBetweenTransactions)
        try desk.take(.insert("c"), .commit(20), .begin(3), .insert("d"), .commit(30))
        let second = desk.assembler.takeReady()
        #expect(try first.map(desk.rows) == [["a"]])
        #expect(try second.map(desk.rows) == [["b", "c"], ["d"]])
        #expect(second[0].origin == "o" && second[0].changes == 2)
        #expect(try #require(slice(first[0])).page !== #require(slice(second[0])).page)
        #expect(try #require(slice(second[0])).from == 0)
    }

    @Test func aLargeOneLeavesThePage() throws {
        let desk = try Desk(small: 400)
        let rows = (10..<40).map(String.init)
        try desk.take(.begin(1), .table(), .insert("a"), .commit(10), .begin(2))
        try desk.take(rows.map { .insert($0) })
        #expect(desk.assembler.openMemory == 30 * (16 + 10))
        // Taking does not disturb it: it lies elsewhere.
        #expect(try desk.ready() == ["1@10: a"])
        try desk.take([.insert("last"), .commit(20), .begin(3), .insert("z"), .commit(30)])
        #expect(desk.assembler.openMemory == 0)
        let ready = desk.assembler.takeReady()
        guard case .buffer(let buffer) = ready[0].content else {
            Issue.record("a large transaction lies in the page")
            return
        }
        #expect(buffer.changes == 31 && ready[0].changes == 31 && ready[0].bytes == 30 * 26 + 28)
        #expect(try desk.rows(ready[0]) == rows + ["last"])
        #expect(try #require(slice(ready[1])).from == 0)
        #expect(try desk.rows(ready[1]) == ["z"])
    }

    @Test func aPageMayGrowUnderThoseWhoWait() throws {
        let desk = try Desk()
        try desk.take(.begin(0), .table(), .commit(1))
        let long = String(repeating: "x", count: 1000)
        for number in 1...200 {
            try desk.take(.begin(UInt32(number)), .insert("\(number)\(long)"), .commit(UInt64(number)))
        }
        let ready = desk.assembler.takeReady()
        #expect(try ready.map(desk.rows) == (1...200).map { ["\($0)\(long)"] })
    }
}
