// Reads tandem's own heartbeat out of a row on its way to the target, so that its latency is known the moment it is
// committed there, by one clock.

internal import Batching
internal import Model
internal import PGOutput
internal import State

enum Heartbeat {
    static let table = QualifiedName(schema: Schema.name, name: Schema.heartbeatTable)

    /// The stream's own beat as it came in text; nil when the row is another stream's.
    static func read(_ row: Tuple, _ shape: RelationShape, _ stream: StreamName) -> WatchedBeat? {
        guard let found = beat(row, shape), found.key == stream.description else { return nil }
        return found.beat
    }

    /// Any row of the table that came in text, with its key.
    static func beat(_ row: Tuple, _ shape: RelationShape) -> (key: String, beat: WatchedBeat)? {
        func text(_ name: String) -> String? {
            guard let place = shape.columns.firstIndex(where: { $0.name == name }), row.columns.indices.contains(place),
                row.columns[place].state == .text
            else { return nil }
            return String(decoding: row.columns[place].value, as: UTF8.self)
        }
        guard let key = text("stream"), let number = text("beat").flatMap({ Int($0) }), let at = text("at"),
            let lsn = text("lsn")
        else { return nil }
        return (key, WatchedBeat(number: number, at: at, lsn: lsn))
    }

    /// A mark of this stream's in a row of the table, however its values came.
    static func sentinel(_ row: Tuple, _ shape: RelationShape, _ stream: StreamName) -> Sentinel? {
        guard let keyColumn = shape.columns.firstIndex(where: { $0.name == "stream" }),
            let beatColumn = shape.columns.firstIndex(where: { $0.name == "beat" }),
            row.columns.indices.contains(keyColumn), row.columns.indices.contains(beatColumn)
        else { return nil }
        let key = String(decoding: row.columns[keyColumn].value, as: UTF8.self)
        guard let kind = Sentinel.kind(ofKey: key, stream), let number = number(row.columns[beatColumn]) else {
            return nil
        }
        return Sentinel(kind, number)
    }

    static func number(_ row: RowReference, _ shape: RelationShape, _ stream: StreamName) -> Int? {
        guard let nameColumn = shape.columns.firstIndex(where: { $0.name == "stream" }),
            let beatColumn = shape.columns.firstIndex(where: { $0.name == "beat" })
        else { return nil }
        var tuple = Tuple()
        row.read(into: &tuple)
        let name = tuple.columns[nameColumn]
        guard String(decoding: name.value, as: UTF8.self) == stream.description else { return nil }
        return number(tuple.columns[beatColumn])
    }

    private static func number(_ beat: Tuple.Column) -> Int? {
        switch beat.state {
        case .text: return Int(String(decoding: beat.value, as: UTF8.self))
        case .binary where beat.length == 8:
            return Int(Int64(bigEndian: beat.value.loadUnaligned(as: Int64.self)))
        case .binary, .null, .unchanged: return nil
        }
    }
}
