// The old side: does what it is told to its own rows, and writes down what it would send.

import Bytes
import Model
import Testing

@testable import Assembly
@testable import PGOutput

struct Source {
    let tables: [SourceTable]
    private(set) var rows: [[Row]]
    /// Which of its shapes a table has now.
    private var shapes: [Int]
    private(set) var page = ByteBuffer()
    private(set) var changes = 0
    private var end: UInt64 = 0

    init(_ tables: [SourceTable]) {
        self.tables = tables
        rows = tables.map { _ in [] }
        shapes = tables.map { _ in 0 }
    }

    private func shape(_ table: Int) -> SourceTable.Shape { tables[table].shapes[shapes[table]] }

    private func isFree(_ row: Row, _ table: Int, besides place: Int? = nil) -> Bool {
        tables[table].unique.allSatisfy { key in
            rows[table].indices.allSatisfy { other in
                other == place || key.contains { rows[table][other][$0] != row[$0] }
            }
        }
    }

    // MARK: what is sent

    private func new(_ row: Row, _ table: Int, unchanged: Set<Int> = []) -> [UInt8] {
        Array("N".utf8)
            + RowWriter.tuple(shape(table).columns.map { unchanged.contains($0) ? .unchanged : .value(row[$0]) })
    }

    private func old(_ row: Row, _ table: Int) -> [UInt8] {
        let shape = shape(table)
        if tables[table].identity == .full {
            return Array("O".utf8) + RowWriter.tuple(shape.columns.map { .value(row[$0]) })
        }
        // Only the key is there; everything else looks like NULL.
        let key = shape.keyPlaces()
        return Array("K".utf8) + RowWriter.tuple(shape.columns.map { .value(key.contains($0) ? row[$0] : nil) })
    }

    private mutating func send(_ kind: ChangeKind, _ table: Int, _ rows: [UInt8], sub: UInt32 = 0) {
        RowWriter.append(kind, shape: shape(table).number, rows: rows, sub: sub, to: page)
        changes += 1
    }

    // MARK: what can be done

    /// False when a unique key is in the way; then nothing was done.
    @discardableResult
    mutating func insert(_ table: Int, _ row: Row) -> Bool {
        guard isFree(row, table) else { return false }
        rows[table].append(row)
        send(.insert, table, new(row, table))
        return true
    }

    @discardableResult
    mutating func update(_ table: Int, at place: Int, to row: Row) -> Bool {
        guard isFree(row, table, besides: place) else { return false }
        let before = rows[table][place]
        rows[table][place] = row
        let unchanged = tables[table].large.filter { before[$0] == row[$0] && row[$0] != nil }
        let key = shape(table).keyPlaces()
        let needsOld = key.contains { before[$0] != row[$0] || unchanged.contains($0) }
        let old = tables[table].identity == .full || needsOld ? old(before, table) : []
        send(.update, table, old + new(row, table, unchanged: unchanged))
        return true
    }

    mutating func delete(_ table: Int, at place: Int) {
        send(.delete, table, old(rows[table].remove(at: place), table))
    }

    mutating func truncate(_ several: [Int]) {
        let record = TruncateRecord.rows(several.map { shape($0).number }, cascade: false, restartIdentity: false)
        withExtendedLifetime(record) {
            ChangeRecord.append(to: page, .truncate, shape: 0, subtransaction: 0, rows: record.bytes)
        }
        changes += 1
        for table in several { rows[table] = [] }
    }

    /// The next rows come under another shape.
    mutating func alter(_ table: Int) { shapes[table] = (shapes[table] + 1) % tables[table].shapes.count }

    /// Something a subtransaction did and took back.
    mutating func insertInVain(_ table: Int, _ row: Row, sub: UInt32) {
        send(.insert, table, new(row, table), sub: sub)
        changes -= 1
    }

    /// Ends the transaction; what follows is the next one's.
    mutating func commit() -> Transaction {
        end += 10
        defer {
            page = ByteBuffer()
            changes = 0
        }
        let commit = CommitMessage(position: LSN(end - 1), end: LSN(end), time: ServerTime(microseconds: 0))
        return Transaction(
            xid: UInt32(end), commit: commit, origin: nil, changes: changes, writer: 0,
            content: .slice(page, from: 0, count: page.count))
    }
}

extension Source {
    /// By the value in the first column.
    mutating func update(_ table: Int, _ first: String?, to row: Row) throws {
        let found = try #require(place(table, first))
        let isDone = update(table, at: found, to: row)
        try #require(isDone)
    }

    mutating func delete(_ table: Int, _ first: String?) throws {
        delete(table, at: try #require(place(table, first)))
    }

    private func place(_ table: Int, _ first: String?) -> Int? { rows[table].firstIndex { $0.first == first } }
}
