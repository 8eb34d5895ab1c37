// How often the way of a row asks for memory: decoding and assembling, the batch, its statements. Unlike times these are exact, so
// they are checked in (`allocations.txt`) and compared as they are. A change that makes them grow has a reason, or is a mistake;
// one that makes them fewer writes down the new figures.

import CAllocations
import Foundation
import Model
import Testing

@testable import Apply
@testable import Assembly
@testable import Batching
@testable import PGOutput
@testable import Spill

@Suite(.serialized) struct AllocationTests {
    private static let rows = 1000

    /// `stage kind count`, for 1,000 rows, of a debug build, as tests are.
    private static func checkedIn() throws -> [String: UInt64] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("allocations.txt")
        var counts: [String: UInt64] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            counts[words.prefix(2).joined(separator: " ")] = UInt64(words[2])
        }
        return counts
    }

    private func counting(_ body: () throws -> Void) rethrows -> UInt64 {
        let before = allocations_of_this_thread()
        try body()
        return allocations_of_this_thread() - before
    }

    @Test func theCounterCounts() {
        guard allocations_are_counted() else { return }
        var kept: [[UInt8]] = []
        kept.reserveCapacity(100)
        #expect(counting { for size in 1...100 { kept.append([UInt8](repeating: 1, count: size * 50)) } } == 100)
    }

    @Test(arguments: Kind.allCases) func eachStage(kind: Kind) throws {
        guard allocations_are_counted() else { return }
        let expected = try Self.checkedIn()
        // The first time is for what is made once for all: metadata, globals, buffers of the library.
        _ = try measure(kind, rows: 200)
        for (stage, count) in try measure(kind, rows: Self.rows).sorted(by: { $0.key < $1.key }) {
            let name = "\(stage) \(kind.rawValue)"
            #expect(count == expected[name], "allocations.txt should say: \(name) \(count)")
        }
    }

    private func measure(_ kind: Kind, rows: Int) throws -> [String: UInt64] {
        let stream = Stream(kind, rows: rows)
        let directory = try SpillDirectory(
            path: NSTemporaryDirectory() + "tandem-allocations-\(getpid())", limit: 1 << 30, owner: "count",
            systemIdentifier: 1, slot: "count")
        let book = ShapeBook()
        let assembler = Assembler(
            book: book, limits: .init(memory: 1 << 28, small: 1 << 24), directory: directory, applied: LSN(0))
        var transactions: [Transaction] = []
        var counts: [String: UInt64] = [:]
        counts["decode"] = try counting { transactions = try stream.feed(assembler) }
        #expect(transactions.count == rows / 20)

        let mapping = try TableMapping.ofStream(#require(book[0]))
        let batch = Batch()
        counts["batch"] = try counting {
            for transaction in transactions { try batch.add(transaction) { _ in mapping.plan } }
        }
        #expect(batch.changes == rows)

        let statements = SegmentStatements(mapping: { _ in mapping }, byTarget: { _ in mapping }, hasTwins: false)
        var planned: [PlannedStatement] = []
        counts["statements"] = counting { planned = batch.segments.flatMap { statements.plan($0) } }
        #expect(planned.count == 1)
        return counts
    }
}

extension TableMapping {
    /// The table as it would be on new, the same as on old.
    static func ofStream(_ shape: RelationShape) -> TableMapping {
        let columns = shape.columns.map { column in
            TargetTable.Column(
                name: column.name, type: column.type, modifier: -1, baseType: column.type, castType: "anything",
                input: .init(before: "", after: "::anything"), isGenerated: false, isIdentityAlways: false,
                isNotNull: column.isKey, isDomain: false)
        }
        let part = TargetTable.Index.Part(column: columns[0].name, equals: "OPERATOR(pg_catalog.=)", isLoose: false)
        let table = TargetTable(
            number: 0, name: shape.name, kind: "r", isPartition: false, columns: columns,
            indexes: [
                .init(name: "key", parts: [part], isUnique: true, isPrimary: true, isImmediate: true, isPlain: true)
            ], mayChangeRows: false, firesTriggers: false, appliesRules: false, unlogged: nil,
            strangersWithTriggers: nil)
        let plan = TablePlan(
            target: 0, columns: columns.count, carried: Array(columns.indices), locator: .key([0]))
        let mapped = columns.map { column in
            MappedColumn(
                target: column, elementType: column.type, arrayType: WireTypes.array(of: column.type) ?? 0, output: nil,
                limit: nil, isBinary: true)
        }
        return TableMapping(
            shape: shape, table: table, plan: plan, columns: mapped, keyParts: [part], keyIsUnchecked: false)
    }
}
