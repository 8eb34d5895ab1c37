// Two batches that may run at once have no row in common: by any key of theirs, those they give up included.

import Testing

@testable import Batching

@Suite struct MeetingTests {
    private static let tables: [SourceTable] = [.keyed, .composite, .insertOnly, .keyless]

    /// One batch for each step; every step works on what the one before it left.
    private func batches(_ steps: ((inout Source) throws -> Void)...) throws -> [Batch] {
        var world = World(all: Self.tables)
        return try steps.map { step in
            try step(&world.source)
            return try world.replicate()
        }
    }

    private func meet(_ batches: [Batch]) -> Bool {
        let (one, other) = (batches[batches.count - 2], batches[batches.count - 1])
        #expect(one.meets(other) == other.meets(one))
        return one.meets(other)
    }

    @Test func keysDecide() throws {
        #expect(try !meet(batches({ $0.insert(0, ["1", "a", nil]) }, { $0.insert(0, ["2", "a", nil]) })))
        #expect(try meet(batches({ $0.insert(0, ["1", "a", nil]) }, { try $0.update(0, "1", to: ["1", "b", nil]) })))
        #expect(try meet(batches({ $0.insert(0, ["1", "a", nil]) }, { try $0.delete(0, "1") })))
        // The same bytes in another table are another key.
        #expect(try !meet(batches({ $0.insert(0, ["1", "a", nil]) }, { $0.insert(1, ["1", "1", "a", nil]) })))
    }

    @Test func aKeyThatWasGivenUpCounts() throws {
        let before: (inout Source) throws -> Void = { $0.insert(0, ["1", "a", nil]) }
        #expect(
            try meet(
                batches(before, { try $0.update(0, "1", to: ["2", "a", nil]) }, { $0.insert(0, ["1", "a", nil]) })))
        #expect(
            try meet(batches(before, { try $0.update(0, "1", to: ["2", "a", nil]) }, { try $0.delete(0, "2") })))
        // Also where nothing came of it.
        #expect(
            try meet(
                batches(
                    {
                        $0.insert(0, ["3", "a", nil])
                        try $0.delete(0, "3")
                    }, { $0.insert(0, ["3", "b", nil]) })))
    }

    @Test func keysOfALaterSegmentCount() throws {
        #expect(
            try meet(
                batches(
                    { source in
                        source.insert(0, ["1", "a", nil])
                        try source.update(0, "1", to: ["2", "a", nil])
                        source.insert(0, ["1", "c", nil])
                        try source.update(0, "1", to: ["9", "c", nil])
                    }, { try $0.delete(0, "9") })))
    }

    @Test func rowsInAnotherShapeCannotBeCompared() throws {
        #expect(
            try meet(
                batches(
                    { $0.insert(0, ["1", "a", nil]) },
                    {
                        $0.alter(0)
                        $0.insert(0, ["2", "a", nil])
                    })))
    }

    @Test func whatIsOnlyAddedMeetsNothing() throws {
        #expect(try !meet(batches({ $0.insert(2, ["1", "a"]) }, { $0.insert(2, ["1", "a"]) })))
        #expect(try !meet(batches({ $0.insert(3, ["1", "a", nil]) }, { $0.insert(3, ["1", "a", nil]) })))
        #expect(try meet(batches({ $0.insert(3, ["1", "a", nil]) }, { try $0.delete(3, "1") })))
        #expect(try meet(batches({ $0.insert(0, ["1", "a", nil]) }, { $0.truncate([1]) })))
    }
}
