// Parts of the source that are one table on the target; and targets that look at each change.

import Bytes
import PGOutput
import Testing

@testable import Assembly
@testable import Batching

@Suite struct PartTests {
    /// Shapes 1 to 3 are the parts of target 0, shape 9 is all of it.
    private func truncation(of shapes: [Int]) throws -> [[Int]?] {
        let page = ByteBuffer()
        let record = TruncateRecord.rows(shapes, cascade: false, restartIdentity: false)
        withExtendedLifetime(record) {
            ChangeRecord.append(to: page, .truncate, shape: 0, subtransaction: 0, rows: record.bytes)
        }
        let batch = Batch()
        try batch.add(piece: page, without: []) { shape in
            var plan = TablePlan(target: 0, columns: 1, carried: [0], locator: .key([0]), isPart: shape != 9)
            plan.parts = 3
            return plan
        }
        return batch.segments.map { $0.truncation?.targets }
    }

    @Test func allPartsAreTheWhole() throws {
        #expect(try truncation(of: [3, 1, 2]) == [[0]])
        #expect(try truncation(of: [9, 1]) == [[0]] && truncation(of: [1, 9]) == [[0]])
        #expect(throws: BatchError.truncatesPart(shape: 2)) { try truncation(of: [2]) }
        #expect(throws: BatchError.truncatesPart(shape: 1)) { try truncation(of: [1, 3]) }
    }

    private func changes(_ table: SourceTable) -> Transaction {
        var source = Source([table])
        for number in 0..<3 { source.insert(0, ["\(number)", "a", nil]) }
        for number in 0..<3 { source.update(0, at: number, to: ["\(number)", "b", nil]) }
        return source.commit()
    }

    /// Rows of equal parts are taken together, as of one shape.
    @Test func equalPartsShareASegment() throws {
        let batch = Batch()
        let columns = SourceTable.keyed.width
        for shape in [5, 6] {
            try batch.add(changes(.keyed)) { _ in
                TablePlan(
                    target: 0, columns: columns, carried: [0, 1, 2], locator: .key([0]), isPart: true,
                    equal: shape == 6 ? 0 : nil)
            }
        }
        #expect(batch.segments.allSatisfy { $0.tables.map(\.shape) == [0] })
    }

    @Test func whereEachChangeCountsNoneAreFolded() throws {
        let batch = Batch()
        let columns = SourceTable.keyed.width
        try batch.add(changes(.keyed)) { _ in
            TablePlan(target: 0, columns: columns, carried: [0, 1, 2], locator: .key([0]), folds: false)
        }
        #expect(batch.kinds == [[.insert, .insert, .insert], [.update, .update, .update]])
        let images = Batch()
        try images.add(changes(.keyless)) { _ in
            TablePlan(target: 0, columns: columns, carried: [0, 1, 2], locator: .image, folds: false)
        }
        #expect(images.segments.map { $0.tables.map(\.images.pairs.count) } == [[3], [1], [1], [1]])
    }
}
