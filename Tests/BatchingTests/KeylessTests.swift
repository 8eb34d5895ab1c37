// Rows that only their own bytes tell apart, and tables that only grow.

import PGOutput
import Testing

@testable import Batching

@Suite struct KeylessTests {
    private static let big = String(repeating: "big", count: 1000)

    private func world(_ rows: [Row], _ table: SourceTable = .keyless) throws -> World {
        var world = World(table)
        for row in rows { world.source.insert(0, row) }
        try world.replicate()
        return world
    }

    @Test func duplicatesKeepTheirNumber() throws {
        let rows: [Row] = (1...10).map { ["\($0)", nil, nil] }
        var world = try world(rows + rows)
        for place in 0..<20 {
            let square = Int(rows[place % 10][0]!)! * Int(rows[place % 10][0]!)!
            world.source.update(0, at: place, to: ["\(square)", nil, nil])
        }
        #expect(try world.replicate().segments.count == 1)
        #expect(world.differences == [])
    }

    @Test func exactlyOneOfEqualRowsGoes() throws {
        var world = try world([["b", nil, nil], ["b", nil, nil], ["b", nil, nil], ["a", nil, nil]])
        world.source.delete(0, at: 1)
        try world.replicate()
        #expect(world.differences == [] && world.target.rows[0].count == 3)
        world.source.update(0, at: 0, to: ["c", nil, nil])
        world.source.delete(0, at: 1)
        try world.replicate()
        #expect(world.differences == [])
    }

    @Test func unchangedLargeValuesComeFromTheOldRow() throws {
        var world = try world([["1", "a", Self.big], ["1", "a", Self.big], [nil, nil, nil]])
        world.source.update(0, at: 0, to: ["2", "a", Self.big])
        world.source.update(0, at: 0, to: ["3", "a", Self.big])
        world.source.update(0, at: 1, to: ["1", nil, Self.big])
        let batch = try world.replicate()
        let pairs = batch.segments[0].tables[0].images.pairs
        #expect(pairs.count == 2 && pairs.allSatisfy { $0.old != nil && $0.new != nil })
        #expect(world.differences == [])
    }

    @Test func aRowThatChangesIntoAnotherAndBack() throws {
        var world = try world([["1", nil, nil], ["2", nil, nil]])
        world.source.update(0, at: 0, to: ["2", nil, nil])
        world.source.update(0, at: 1, to: ["1", nil, nil])
        world.source.update(0, at: 0, to: ["2", nil, nil])
        world.source.insert(0, ["2", nil, nil])
        world.source.delete(0, at: 0)
        #expect(try world.replicate().segments.count == 1)
        #expect(world.differences == [])
    }

    /// Under two shapes the same row is different bytes.
    @Test func anotherShapeBeginsAnotherSegment() throws {
        var world = try world([])
        world.source.insert(0, ["1", "2", nil])
        world.source.alter(0)
        world.source.delete(0, at: 0)
        #expect(try world.replicate().segments.count == 2)
        #expect(world.differences == [])
    }

    @Test func rowsWithoutColumns() throws {
        var world = try world([[], [], []], .columnless)
        world.source.delete(0, at: 0)
        world.source.insert(0, [])
        world.source.delete(0, at: 0)
        try world.replicate()
        #expect(world.differences == [] && world.target.rows[0].count == 2)
    }

    @Test func withoutIdentityRowsOnlyCome() throws {
        var world = try world([["1", "a"], ["1", "a"]], .insertOnly)
        world.source.insert(0, ["1", "a"])
        let batch = try world.replicate()
        #expect(batch.segments[0].tables[0].inserts.count == 1)
        #expect(world.differences == [] && world.target.rows[0].count == 3)
    }
}
