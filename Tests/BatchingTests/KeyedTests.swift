// Histories of rows with a key that are easily got wrong, each by hand.

import PGOutput
import Testing

@testable import Batching

@Suite struct KeyedTests {
    private static let big = String(repeating: "big", count: 1000)
    private static let other = String(repeating: "other", count: 1000)

    private func world(_ table: SourceTable = .keyed, _ rows: [Row] = [["2", "2", big]]) throws -> World {
        var world = World(table)
        for row in rows { world.source.insert(0, row) }
        try world.replicate()
        return world
    }

    // MARK: large values that are not sent again

    @Test func aLargeValueSurvivesChangesOfItsRowAndKey() throws {
        var world = try world()
        world.source.insert(0, ["9", "9", Self.big])
        try world.source.update(0, "9", to: ["9", "10", Self.big])
        try world.source.update(0, "9", to: ["10", "10", Self.big])
        #expect(try world.replicate().kinds == [[.insert], [.rekey]])
        #expect(world.differences == [])

        try world.source.update(0, "10", to: ["10", "10", Self.other])
        try world.source.update(0, "10", to: ["10", "11", Self.other])
        #expect(try world.replicate().kinds == [[.update]])
        #expect(world.differences == [])

        try world.source.update(0, "10", to: ["11", "11", Self.other])
        try world.replicate()
        #expect(world.differences == [] && world.target.rows[0].contains(["11", "11", Self.other]))
    }

    @Test func unchangedInEveryUpdateStaysLeftOut() throws {
        var world = try world()
        for number in 3...6 { try world.source.update(0, "2", to: ["2", "\(number)", Self.big]) }
        let batch = try world.replicate()
        var tuple = Tuple()
        withExtendedLifetime(batch) { batch.segments[0].tables[0].keyed.entries[0].new.read(into: &tuple) }
        #expect(tuple.columns.map(\.state) == [.text, .text, .unchanged])
        #expect(world.differences == [])
    }

    @Test func aWholeOldRowTellsWhatTheNewOneLeavesOut() throws {
        var world = try world(.full, [["1", Self.big, Self.other], ["2", nil, Self.big]])
        try world.source.update(0, "1", to: ["1", "small", Self.other])
        try world.source.update(0, "2", to: ["3", nil, Self.big])
        try world.source.update(0, "1", to: ["1", "small", nil])
        #expect(try world.replicate().kinds == [[.update, .rekey]])
        #expect(world.differences == [])
    }

    @Test func aLargeKey() throws {
        var world = try world(.largeKey, [[Self.big, Self.other]])
        try world.source.update(0, Self.big, to: [Self.big, "small"])
        try world.source.update(0, Self.big, to: [Self.big, "smaller"])
        #expect(try world.replicate().kinds == [[.update]])
        #expect(world.differences == [])
        try world.source.update(0, Self.big, to: [Self.other, "smaller"])
        #expect(try world.replicate().kinds == [[.rekey]])
        #expect(world.differences == [])
    }

    // MARK: keys

    @Test func placeholdersInOldKeysAreNotValues() throws {
        var world = try world()
        try world.source.update(0, "2", to: ["3", "2", Self.big])
        try world.replicate()
        #expect(world.differences == [])

        var composite = try self.world(.composite, [["1", "one", "v", Self.big]])
        try composite.source.update(0, "1", to: ["2", "one", "w", Self.big])
        #expect(try composite.replicate().kinds == [[.rekey]])
        composite.source.delete(0, at: 0)
        #expect(try composite.replicate().kinds == [[.delete]])
        #expect(composite.differences == [])
    }

    @Test func everyKeyAtOnce() throws {
        var world = try world(.keyed, (1...50).map { ["\($0)", nil, nil] })
        for number in 1...50 { try world.source.update(0, "\(number)", to: ["-\(number)", nil, nil]) }
        #expect(try world.replicate().segments.count == 1)
        #expect(world.differences == [])
        for _ in 0..<2 {
            for row in world.source.rows[0] {
                let key = row[0]!
                let turned = key.hasPrefix("-") ? String(key.dropFirst()) : "-" + key
                try world.source.update(0, key, to: [turned, nil, nil])
            }
        }
        #expect(try world.replicate().segments.count > 1)
        #expect(world.differences == [])
    }

    @Test func chainsAndSwapsOfKeys() throws {
        var world = try world(.keyed, [["1", "a", nil], ["2", "b", nil]])
        try world.source.update(0, "1", to: ["-1", "a", nil])
        try world.source.update(0, "2", to: ["1", "b", nil])
        try world.source.update(0, "-1", to: ["2", "a", nil])
        try world.source.update(0, "1", to: ["1", "bb", nil])
        world.source.insert(0, ["3", "c", nil])
        try world.source.update(0, "2", to: ["4", "aa", nil])
        try world.source.update(0, "4", to: ["5", "aaa", nil])
        try world.source.delete(0, "5")
        try world.replicate()
        #expect(world.differences == [] && world.target.rows[0].count == 2)
    }

    @Test func aKeyLeftByOneRowIsTakenByAnother() throws {
        var world = try world(.keyed, [["1", "a", nil]])
        try world.source.update(0, "1", to: ["2", "a", nil])
        world.source.insert(0, ["1", "b", nil])
        #expect(try world.replicate().kinds == [[.rekey], [.insert]])
        try world.source.delete(0, "2")
        try world.source.update(0, "1", to: ["2", "b", nil])
        #expect(try world.replicate().kinds == [[.delete], [.rekey]])
        #expect(world.differences == [])
    }

    // MARK: coming and going

    @Test func cameAndWent() throws {
        var world = try world(.keyed, [])
        world.source.insert(0, ["1", "a", Self.big])
        try world.source.update(0, "1", to: ["1", "b", Self.big])
        try world.source.update(0, "1", to: ["1", "b", nil])
        try world.source.delete(0, "1")
        #expect(try world.replicate().kinds == [[.nothing]])
        world.source.insert(0, ["1", "a", nil])
        try world.source.delete(0, "1")
        world.source.insert(0, ["1", "c", nil])
        #expect(try world.replicate().kinds == [[.insert]])
        #expect(world.differences == [])
    }

    @Test func wentAndCame() throws {
        var world = try world(.keyed, [["1", "a", Self.big]])
        try world.source.delete(0, "1")
        world.source.insert(0, ["1", "b", nil])
        #expect(try world.replicate().kinds == [[.replace]])
        try world.source.delete(0, "1")
        world.source.insert(0, ["1", "c", Self.big])
        try world.source.update(0, "1", to: ["1", "d", Self.big])
        try world.source.delete(0, "1")
        #expect(try world.replicate().kinds == [[.delete]])
        #expect(world.differences == [])
    }

    @Test func overTheBoundaryOfTwoBatches() throws {
        var world = try world(.keyed, [])
        world.source.insert(0, ["1", "a", nil])
        try world.source.delete(0, "1")
        world.source.insert(0, ["1", "b", nil])
        try world.replicate()
        try world.source.delete(0, "1")
        world.source.insert(0, ["1", "c", nil])
        try world.replicate()
        #expect(world.differences == [])
    }

    // MARK: the table changes

    @Test func anotherShapeBeginsAnotherSegment() throws {
        var world = try world(.keyed, [["1", "a", nil]])
        world.source.insert(0, ["2", "b", nil])
        world.source.alter(0)
        try world.source.delete(0, "2")
        try world.source.update(0, "1", to: ["1", "aa", nil])
        #expect(try world.replicate().kinds == [[.insert], [.delete, .update]])
        #expect(world.differences == [])
    }

    /// The same bytes are the key of one row before, and of another after.
    @Test func theIdentityMovesToAnotherKey() throws {
        var world = try world(.twoKeys, [["1", "2", "a"], ["2", "1", "b"]])
        try world.source.update(0, "1", to: ["1", "2", "aa"])
        world.source.alter(0)
        try world.source.delete(0, "2")
        #expect(try world.replicate().segments.count == 2)
        #expect(world.differences == [] && world.target.rows[0] == [["1", "2", "aa"]])
    }
}
