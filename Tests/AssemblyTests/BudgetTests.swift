// One budget for everything open: past it, the largest goes to disk, and comes back as it was.

import Bytes
import Foundation
import Spill
import Testing

@testable import Assembly

@Suite struct BudgetTests {
    private func text(_ word: String, _ count: Int) -> String { word + String(repeating: ".", count: count) }

    private func spilled(_ transactions: [Transaction]) -> [Int] {
        transactions.map { transaction in
            guard case .buffer(let buffer) = transaction.content else { return -1 }
            return buffer.spilled?.blocks ?? 0
        }
    }

    @Test func theLargestGoesFirst() throws {
        let desk = try Desk(memory: 5000)
        for (xid, size) in [(1 as UInt32, 1000), (2, 4000), (3, 2000)] {
            try desk.take(.block(xid, first: true), .table(in: xid), .insert(text("\(xid)", size), in: xid), .stop)
        }
        #expect(desk.assembler.isOverBudget)
        try desk.assembler.makeRoom()
        #expect(!desk.assembler.isOverBudget)
        #expect(try desk.spillFiles == 1)
        for xid in 1...3 as ClosedRange<UInt32> { try desk.take(.commit(streamed: xid, UInt64(xid))) }
        let ready = desk.assembler.takeReady()
        #expect(spilled(ready) == [0, 1, 0])
        #expect(try ready.map(desk.rows) == [[text("1", 1000)], [text("2", 4000)], [text("3", 2000)]])
        for case .buffer(let buffer) in ready.map(\.content) { buffer.discard() }
        #expect(try desk.spillFiles == 0)
    }

    @Test func anOrdinaryLargeTransactionSpillsToo() throws {
        let desk = try Desk(memory: 3000, small: 500)
        try desk.take(.begin(1), .table())
        for number in 0..<100 {
            try desk.take(.insert(text("\(number)", 100)))
            try desk.assembler.makeRoom()
            #expect(desk.assembler.openMemory <= 3000)
        }
        #expect(try desk.ready() == [])
        try desk.take(.commit(10))
        let ready = desk.assembler.takeReady()
        #expect(spilled(ready)[0] > 2)
        #expect(try desk.rows(ready[0]) == (0..<100).map { text("\($0)", 100) })
    }

    @Test func whatIsOnDiskCanBeRolledBack() throws {
        let desk = try Desk(memory: 0)
        try desk.take(.block(1, first: true), .table(in: 1), .insert("a", in: 1), .insert("b", in: 2), .stop)
        try desk.assembler.makeRoom()
        try desk.take(.block(1), .insert("c", in: 3), .insert("d", in: 1), .stop, .abort(1, 2))
        try desk.assembler.makeRoom()
        try desk.take(.block(1), .insert("e", in: 1), .stop, .abort(1, 3), .commit(streamed: 1, 10))
        #expect(try desk.ready() == ["1@10: a d e"])
    }

    @Test func aFileThatCannotBeMadeChangesNothing() throws {
        let desk = try Desk(memory: 10)
        try desk.take(.block(1, first: true), .table(in: 1), .insert("abc", in: 1), .stop)
        try FileManager.default.removeItem(atPath: desk.path + "/spill")
        let memory = desk.assembler.openMemory
        for _ in 0..<2 { #expect(throws: SpillError.self) { try desk.assembler.makeRoom() } }
        #expect(desk.assembler.openMemory == memory)
        try desk.take(.block(1), .insert("d", in: 1), .stop, .commit(streamed: 1, 10))
        #expect(try desk.ready() == ["1@10: abc d"])
    }

    /// In a process of its own: the limit is the whole process's. Of three chunks one fits; later all do.
    @Test func aFullDiskIsTriedAgain() async {
        await #expect(processExitsWith: .success) {
            let desk = try Desk(memory: 1000)
            var random = SplitMix(seed: 1)
            let values = (0..<600).map { _ in random.text(1000) }
            try desk.take([.block(1, first: true), .table(in: 1)])
            try desk.take(values.map { .insert($0, in: 1) })
            var limit = rlimit()
            getrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit)
            let before = limit.rlim_cur
            limit.rlim_cur = 300_000
            try #require(setrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let memory = desk.assembler.openMemory
            #expect(throws: SpillError.self) { try desk.assembler.makeRoom() }
            let left = desk.assembler.openMemory
            #expect(left < memory && left > 1000)
            #expect(throws: SpillError.self) { try desk.assembler.makeRoom() }
            #expect(desk.assembler.openMemory == left)
            try desk.take(.insert("then", in: 1))
            limit.rlim_cur = before
            try #require(setrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) == 0)
            try desk.assembler.makeRoom()
            #expect(desk.assembler.openMemory == 0)
            try desk.take([.insert("last", in: 1), .stop, .commit(streamed: 1, 10)])
            let ready = desk.assembler.takeReady()
            #expect(try desk.rows(ready[0]) == values + ["then", "last"])
        }
    }
}
