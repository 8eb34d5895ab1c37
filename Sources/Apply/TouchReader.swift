// Which row a change is about, as the watching thread sees it: the key before and after, as text. A table that sends whole
// rows as identity is known by the primary key of its twin.

internal import Assembly
internal import Model
internal import PGOutput
internal import Postgres
internal import State

final class TouchReader {
    private let side: TargetSide
    private var keys: [Int: [Int]] = [:]

    init(_ side: TargetSide) { self.side = side }

    /// Empty when the change says of no row which it is.
    func touched(_ record: ChangeRecord, _ shape: RelationShape, _ rows: borrowing RowPair) throws -> [TouchedRow] {
        let places = try key(shape)
        guard !places.isEmpty else { return [] }
        let names = places.map { shape.columns[$0].name }
        var found: [TouchedRow] = []
        let hasOld = rows.oldKind != .none
        if hasOld, let key = Self.key(rows.old, places, instead: nil) {
            found.append(TouchedRow(table: shape.name, columns: names, key: key))
        }
        if record.kind != .delete, let key = Self.key(rows.new, places, instead: hasOld ? rows.old : nil) {
            let row = TouchedRow(table: shape.name, columns: names, key: key)
            if row != found.first { found.append(row) }
        }
        return found
    }

    private static func key(_ tuple: Tuple, _ places: [Int], instead other: Tuple?) -> [String]? {
        var key: [String] = []
        for place in places {
            guard tuple.columns.indices.contains(place) else { return nil }
            var column = tuple.columns[place]
            if column.state == .unchanged, let other, other.columns.indices.contains(place) {
                column = other.columns[place]
            }
            guard column.state == .text else { return nil }
            key.append(String(decoding: column.value, as: UTF8.self))
        }
        return key
    }

    private func key(_ shape: RelationShape) throws -> [Int] {
        if let known = keys[shape.number] { return known }
        var places = shape.keyColumns
        switch shape.identity {
        case .index: break
        case .primaryKey:
            // In the order of the twin's key, by whose operators rows are found.
            let ordered = try columns(named: side.primaryKey(of: shape.name), of: shape)
            if Set(ordered) == Set(places) { places = ordered }
        case .nothing: places = []
        case .full:
            places = try columns(named: side.primaryKey(of: shape.name), of: shape)
        }
        keys[shape.number] = places
        return places
    }

    /// Empty when one of them is not among the shape's.
    private func columns(named names: [String], of shape: RelationShape) -> [Int] {
        let places = names.compactMap { name in shape.columns.firstIndex { sameName($0.name, name) } }
        return places.count == names.count ? places : []
    }
}
