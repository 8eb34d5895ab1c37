// Which description of a table a row is read by.

import Model
import Testing

@testable import Assembly

@Suite struct ShapeTests {
    /// Shape numbers of the rows, transaction by transaction.
    private func shapes(_ desk: Desk) throws -> [[Int]] {
        try desk.assembler.takeReady().map { transaction in
            var numbers: [Int] = []
            try transaction.eachRecord { numbers.append($0.shape) }
            return numbers
        }
    }

    @Test func theSameDescriptionKeepsItsNumber() throws {
        let desk = try Desk()
        try desk.take(
            .begin(1), .table(), .insert("a"), .table(), .insert("b"), .table(columns: ["id", "v"]), .insert("c"),
            .table(1, "renamed"), .insert("d"), .table(2, "renamed"), .insert("e", into: 2), .commit(10))
        #expect(try shapes(desk) == [[0, 0, 1, 2, 3]])
        #expect(desk.book[0]?.columns.map(\.name) == ["id"] && desk.book[1]?.columns.map(\.name) == ["id", "v"])
        #expect(desk.book[2]?.name.name == "renamed" && desk.book[3]?.oid == 2 && desk.book[4] == nil)
    }

    @Test func insideAStreamedTransactionItCountsForThatOneUntilItCommits() throws {
        let desk = try Desk()
        try desk.take(
            .begin(1), .table(), .insert("a"), .commit(10),
            .block(2, first: true), .table(columns: ["id", "v"], in: 2), .insert("b", in: 2), .stop,
            .begin(3), .insert("c"), .commit(20), .commit(streamed: 2, 30), .begin(4), .insert("d"), .commit(40))
        #expect(try shapes(desk) == [[0], [0], [1], [1]])
    }

    @Test func withAnAbortItIsGone() throws {
        let desk = try Desk()
        try desk.take(.block(2, first: true), .table(in: 2), .insert("b", in: 2), .stop, .abort(2), .begin(3))
        #expect(throws: AssemblyError.self) { try desk.take(.insert("c")) }
    }

    /// A schema renamed while a streamed transaction is open: what others were told later must stay.
    @Test func ofTwoDescriptionsTheLaterHolds() throws {
        let desk = try Desk()
        try desk.take(
            .block(1, first: true), .table(1, "before", in: 1), .insert("a", in: 1), .stop,
            .begin(2), .table(1, "after"), .insert("b"), .commit(10), .commit(streamed: 1, 20),
            .begin(3), .insert("c"), .commit(30))
        #expect(try desk.ready() == ["2@10: after.b", "1@20: before.a", "3@30: after.c"])
    }

    @Test func openTransactionsThatSeeTheSameShareANumber() throws {
        let desk = try Desk()
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .stop,
            .block(2, first: true), .table(in: 2), .insert("b", in: 2), .stop,
            .begin(3), .table(), .insert("c"), .commit(10), .commit(streamed: 2, 20), .commit(streamed: 1, 30))
        #expect(try shapes(desk) == [[0], [0], [0]])
    }

    /// The server describes every table anew inside a streamed transaction, so nothing known outside is lent to it.
    @Test func aStreamedTransactionNeedsItsOwnDescription() throws {
        let desk = try Desk()
        try desk.take(.begin(1), .table(), .insert("a"), .commit(10), .block(2, first: true))
        #expect(throws: AssemblyError.self) { try desk.take(.insert("b", in: 2)) }
    }

    @Test func rowsKeepTheShapeTheyCameWith() throws {
        let desk = try Desk()
        try desk.take(
            .block(1, first: true), .table(in: 1), .insert("a", in: 1), .table(columns: ["id", "v"], in: 2),
            .insert("b", in: 2), .stop, .abort(1, 2), .block(1), .table(in: 1), .insert("c", in: 1), .stop,
            .commit(streamed: 1, 10))
        let ready = desk.assembler.takeReady()
        var columns: [Int] = []
        try ready[0].eachRecord { columns.append(desk.book[$0.shape]?.columns.count ?? 0) }
        #expect(columns == [1, 2, 1])
    }
}
