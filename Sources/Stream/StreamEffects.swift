// Everything that a stream leaves in the two databases, taken away side by side. Each step is safe to repeat.

internal import Model
internal import Postgres
internal import State

struct StreamEffects {
    let stream: StreamName

    init(_ stream: StreamName) { self.stream = stream }

    /// Publication and state; the slot went before. What was there, in words.
    func remove(from source: SourceSide) throws -> [String] {
        var removed: [String] = []
        if try source.publishedTables() != nil {
            try source.dropPublication()
            removed.append("publication \(stream) on \(stream.source)")
        }
        if try source.hasSchema { try source.forget() }
        return removed
    }

    /// `isRead`: the stream that goes the other way has still to read what this one wrote, and knows it by the origins.
    func remove(from target: TargetSide, whileRead isRead: Bool = false) throws -> [String] {
        var removed: [String] = []
        if try target.hasOrigin, !isRead {
            try target.dropOrigin()
            removed.append("replication origin \(stream) on \(stream.target)")
        }
        if try target.hasSchema { try target.forget() }
        return removed
    }
}
