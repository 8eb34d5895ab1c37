// Rows that one statement will carry: the arrays being filled, one per parameter, and how many rows must be touched. A group
// that is `lent` its rows, whose bytes outlive it, fills none before the second one comes: most groups of a small batch are
// a row, which travels as it lies there.

internal import Batching
internal import PGOutput
internal import Postgres

final class RowGroup {
    let mapping: TableMapping
    let operation: Operation
    /// How many rows of the target this must touch.
    var expected = 0
    /// Whether it must: not where applications may have done it already, or not yet.
    var isCounted = true
    private var made: [ArrayParameter]?
    /// The values of the only row so far, as long as no array was needed.
    private var lent: [Tuple.Column]?
    private let isLent: Bool
    private let keys: [Int]
    private let values: [Int]
    /// Keys, then values: the columns in the order of their arrays.
    private let columns: [Int]

    init(_ mapping: TableMapping, _ operation: Operation, isLent: Bool = false) {
        self.mapping = mapping
        self.operation = operation
        self.isLent = isLent
        let carried = mapping.plan.carried
        switch operation {
        case .insert, .place, .placeMissing, .inTheWay: (keys, values) = ([], carried)
        case .update(let without):
            (keys, values) = ([], without.isEmpty ? carried : carried.filter { !without.contains($0) })
        case .rekey(let without): (keys, values) = (mapping.keyColumns, carried.filter { !without.contains($0) })
        case .delete, .probe: (keys, values) = (mapping.keyColumns, [])
        case .deleteImage: (keys, values) = (carried, [])
        case .updateImage: (keys, values) = (carried, carried)
        case .note: (keys, values) = (mapping.notedColumns, [])
        case .noteWhole: (keys, values) = ([], [])
        case .shared(let key): (keys, values) = (mapping.uncheckedKeys[key].columns, [])
        }
        columns = keys.isEmpty ? values : keys + values
    }

    /// The same rows for another operation that takes whole rows.
    func copy(as operation: Operation) -> RowGroup { RowGroup(of: self, operation) }

    private init(of other: RowGroup, _ operation: Operation) {
        mapping = other.mapping
        self.operation = operation
        expected = other.expected
        (keys, values, columns, made, isLent) = (other.keys, other.values, other.columns, other.arrays, false)
    }

    private var arrays: [ArrayParameter] {
        if let made { return made }
        let arrays = empty
        made = arrays
        if let lent {
            for place in lent.indices { arrays[place].append(lent[place]) }
            self.lent = nil
        }
        return arrays
    }

    private var empty: [ArrayParameter] {
        func of(_ columns: [Int]) -> [ArrayParameter] {
            columns.map { ArrayParameter(elementType: mapping.column($0).elementType) }
        }
        func integers(_ count: Int) -> [ArrayParameter] { (0..<count).map { _ in ArrayParameter(elementType: 23) } }
        switch operation {
        case .insert where values.isEmpty, .noteWhole: return of([]) + [ArrayParameter(elementType: WireTypes.text)]
        case .deleteImage: return integers(1) + of(keys)
        case .updateImage: return integers(1) + of(keys) + integers(2) + of(values)
        default: return of(keys) + of(values)
        }
    }

    /// An update of a table that is all key, with the key unchanged, has nothing to set.
    var changesSomething: Bool { values.contains { !mapping.keyColumns.contains($0) } }

    var parameters: BinaryParameters {
        var parameters = BinaryParameters()
        for array in arrays { parameters.append(array.bytes) }
        return parameters
    }

    /// The values of a single row, each a parameter of its own: much less work for the server than arrays of one.
    var onlyRow: BinaryParameters {
        var parameters = BinaryParameters()
        if let lent {
            for column in lent { parameters.append(column.isValue ? column.value : nil) }
        } else {
            for array in arrays { parameters.append(array.only) }
        }
        return parameters
    }

    var isOneRow: Bool { expected == 1 && mapping.takesSingleRows(operation) }

    /// One row by its values; for deletes and probes, by its key.
    func append(_ tuple: Tuple) {
        expected += 1
        if columns.isEmpty { return arrays[0].append(text: nil) }
        if isLent, expected == 1 { return lent = columns.map { tuple.columns[$0] } }
        let arrays = arrays
        for place in columns.indices { arrays[place].append(tuple.columns[columns[place]]) }
    }

    /// One row whose key changes.
    func append(old: Tuple, new: Tuple) {
        expected += 1
        let arrays = arrays
        for (place, column) in keys.enumerated() { arrays[place].append(old.columns[column]) }
        for (place, column) in values.enumerated() { arrays[keys.count + place].append(new.columns[column]) }
    }

    /// `count` rows that all hold this.
    func append(image: Tuple, count: Int, touches: Bool) {
        if touches { expected += count }
        let arrays = arrays
        arrays[0].append(int4: count)
        for (place, column) in keys.enumerated() { arrays[place + 1].append(image.columns[column]) }
    }

    /// What one of the rows of an image becomes.
    func append(group: Int, rank: Int, new: Tuple) {
        expected += 1
        let arrays = arrays
        let first = keys.count + 1
        arrays[first].append(int4: group)
        arrays[first + 1].append(int4: rank)
        for (place, column) in values.enumerated() { arrays[first + 2 + place].append(new.columns[column]) }
    }
}
