// The new side: does what a batch comes to, the way statements would, each kind of statement at once. A statement that
// does not find its rows, or meets a row in its way, is a mistake that is written down.

import Bytes
import PGOutput
import Testing

@testable import Batching

struct Target {
    let tables: [SourceTable]
    private(set) var rows: [[Row]]
    private(set) var mistakes: [String] = []
    private let shapes: [Int: SourceTable.Shape]

    init(_ tables: [SourceTable]) {
        self.tables = tables
        rows = tables.map { _ in [] }
        var shapes: [Int: SourceTable.Shape] = [:]
        for shape in tables.flatMap(\.shapes) { shapes[shape.number] = shape }
        self.shapes = shapes
    }

    func plan(_ number: Int) -> TablePlan? {
        for table in tables {
            for shape in table.shapes where shape.number == number { return table.plan(shape) }
        }
        return nil
    }

    mutating func apply(_ batch: Batch) {
        for segment in batch.segments {
            for target in segment.truncation?.targets ?? [] { rows[index(target)] = [] }
            for effects in segment.tables { apply(effects) }
        }
    }

    private func index(_ target: Int) -> Int { tables.firstIndex { $0.target == target } ?? -1 }

    private mutating func apply(_ effects: Segment.TableEffects) {
        let table = index(effects.target)
        apply(effects.keyed.entries, table)
        apply(ImageGroups(effects.images), table)
        for reference in effects.inserts { rows[table].append(whole(read(reference))) }
    }

    // MARK: reading

    private func read(_ reference: RowReference) -> [Cell] {
        guard let shape = shapes[reference.shape] else { return [] }
        var tuple = Tuple()
        reference.read(into: &tuple)
        var cells = [Cell](repeating: .unchanged, count: shape.columns.count)
        for (place, column) in tuple.columns.enumerated() {
            switch column.state {
            case .null: cells[shape.columns[place]] = .value(nil)
            case .unchanged: cells[shape.columns[place]] = .unchanged
            case .text, .binary: cells[shape.columns[place]] = .value(String(decoding: column.value, as: UTF8.self))
            }
        }
        return cells
    }

    private mutating func whole(_ cells: [Cell]) -> Row {
        cells.map { cell in
            if case .value(let text) = cell { return text }
            mistakes.append("a row to insert lacks a value")
            return nil
        }
    }

    private func laid(_ cells: [Cell], over row: Row) -> Row {
        zip(cells, row).map { cell, before in if case .value(let text) = cell { text } else { before } }
    }

    // MARK: by key

    private mutating func find(_ reference: RowReference, _ table: Int, _ doing: String) -> Int? {
        let cells = read(reference)
        let key = shapes[reference.shape]?.keyPlaces() ?? []
        let found = rows[table].indices.filter { place in key.allSatisfy { cells[$0] == .value(rows[table][place][$0]) }
        }
        if found.count != 1 { mistakes.append("\(doing) finds \(found.count) rows in table \(table)") }
        return found.first
    }

    private mutating func isThere(_ row: Row, _ table: Int, _ shape: Int, _ doing: String) {
        let key = shapes[shape]?.keyPlaces() ?? []
        if rows[table].contains(where: { other in key.allSatisfy { other[$0] == row[$0] } }) {
            mistakes.append("\(doing) meets a row in table \(table)")
        }
    }

    private mutating func apply(_ entries: [KeyedEffects.Entry], _ table: Int) {
        let gone = entries.filter { $0.kind == .delete || $0.kind == .replace }
            .compactMap { find($0.old, table, "delete") }
        for place in Set(gone).sorted(by: >) { rows[table].remove(at: place) }

        var moved: [(Int, Row)] = []
        for entry in entries where entry.kind == .rekey {
            guard let place = find(entry.old, table, "rekey") else { continue }
            let row = laid(read(entry.new), over: rows[table][place])
            isThere(row, table, entry.new.shape, "rekey")
            moved.append((place, row))
        }
        for (place, row) in moved { rows[table][place] = row }

        for entry in entries where entry.kind == .update {
            guard let place = find(entry.new, table, "update") else { continue }
            rows[table][place] = laid(read(entry.new), over: rows[table][place])
        }
        for entry in entries where entry.kind == .insert || entry.kind == .replace {
            let row = whole(read(entry.new))
            isThere(row, table, entry.new.shape, "insert")
            rows[table].append(row)
        }
    }

    // MARK: by everything a row holds

    private mutating func apply(_ groups: ImageGroups, _ table: Int) {
        for group in groups.deletes {
            let image = whole(read(group.row))
            for _ in 0..<group.count {
                guard let place = rows[table].firstIndex(of: image) else {
                    mistakes.append("delete misses an image in table \(table)")
                    continue
                }
                rows[table].remove(at: place)
            }
        }
        var places: [[Int]] = []
        for group in groups.updates {
            let image = whole(read(group.row))
            places.append(rows[table].indices.filter { rows[table][$0] == image })
            if places[places.count - 1].count < group.count {
                mistakes.append("update misses an image in table \(table)")
            }
        }
        for pair in groups.pairs where pair.rank <= places[pair.group - 1].count {
            rows[table][places[pair.group - 1][pair.rank - 1]] = whole(read(pair.new))
        }
        for reference in groups.inserts { rows[table].append(whole(read(reference))) }
    }
}
