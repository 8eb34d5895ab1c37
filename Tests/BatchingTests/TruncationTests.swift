// Whole tables emptied, in order with everything else.

import Bytes
import PGOutput
import Testing

@testable import Assembly
@testable import Batching

@Suite struct TruncationTests {
    @Test func theSameKeysAgain() throws {
        var world = World(.keyed, .keyless)
        for _ in 0..<2 {
            world.source.insert(0, ["1", "a", nil])
            world.source.insert(1, ["1", "a", nil])
            world.source.truncate([0, 1])
            world.source.insert(0, ["1", "b", nil])
            world.source.truncate([1])
            world.source.insert(1, ["2", "b", nil])
            #expect(try world.replicate().segments.map { $0.truncation?.targets } == [nil, [0, 2], [2]])
            #expect(world.differences == [])
            world.source.truncate([0, 1])
            try world.replicate()
            #expect(world.differences == [] && world.target.rows == [[], []])
        }
    }

    private func batch(_ shapes: [Int], restart: Bool, tables: [SourceTable]) throws -> Batch {
        let page = ByteBuffer()
        let record = TruncateRecord.rows(shapes, cascade: true, restartIdentity: restart)
        withExtendedLifetime(record) {
            ChangeRecord.append(to: page, .truncate, shape: 0, subtransaction: 5, rows: record.bytes)
        }
        let batch = Batch()
        try batch.add(piece: page, without: [6], plans: Target(tables).plan)
        return batch
    }

    @Test func eachTargetOnceAndWithItsFlag() throws {
        let batch = try batch([0, 10, 2], restart: true, tables: [.keyed, .keyless])
        #expect(batch.segments.count == 1 && batch.segments[0].tables.isEmpty && !batch.segments[0].isEmpty)
        #expect(batch.segments[0].truncation?.targets == [0, 2])
        #expect(batch.segments[0].truncation?.restartIdentity == true)
    }

    @Test func tablesSetAsideAreLeftOut() throws {
        let some = try batch([0, 8], restart: false, tables: [.keyed, .setAside])
        #expect(some.segments[0].truncation?.targets == [0] && some.leftOut == 1)
        #expect(some.segments[0].truncation?.restartIdentity == false)
        let none = try batch([8], restart: false, tables: [.setAside])
        #expect(none.segments.isEmpty && none.leftOut == 1)
    }

    @Test func anUnknownTableIsAnError() throws {
        #expect(throws: BatchError.noPlan(shape: 77)) { try batch([0, 77], restart: false, tables: [.keyed]) }
    }
}
