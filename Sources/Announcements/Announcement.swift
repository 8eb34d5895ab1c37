// One event as JSON, one line, for a program of the operator's. Pure.

internal import Foundation
internal import Model
internal import Telemetry

/// Whose events they are.
package struct Announcing: Sendable {
    package let migration: String
    package let host: String
    package let pid: Int32
    /// Of each stream by its name: the pair, and `forward` or `reverse`.
    package let streams: [String: (pair: String, direction: String)]

    package init(
        migration: String, host: String, pid: Int32, streams: [String: (pair: String, direction: String)]
    ) {
        self.migration = migration
        self.host = host
        self.pid = pid
        self.streams = streams
    }
}

struct Announcement {
    /// Longer values are cut: one line stays a few kilobytes.
    private static let longest = 4000

    let json: String

    init(_ event: LogEvent, _ source: Announcing, dropped: Int) {
        var fields: [(String, String)] = [
            ("event", JSONText.string(event.name)), ("level", JSONText.string(event.level.name)),
            ("time", JSONText.string(event.time.formatted(.iso8601))),
            ("migration", JSONText.string(source.migration)),
        ]
        if let stream = event[.stream].flatMap({ source.streams[$0] }) {
            fields += [("pair", JSONText.string(stream.pair)), ("direction", JSONText.string(stream.direction))]
        }
        fields += [("host", JSONText.string(source.host)), ("pid", "\(source.pid)")]
        var details: [(String, String)] = []
        for (key, value) in event.fields where !value.isEmpty {
            details.removeAll { $0.0 == key.rawValue }
            details.append((key.rawValue, JSONText.string(String(value.prefix(Self.longest)))))
        }
        fields.append(("details", JSONText.object(details)))
        if dropped > 0 { fields.append(("dropped", "\(dropped)")) }
        json = JSONText.object(fields) + "\n"
    }
}
