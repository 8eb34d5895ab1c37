// How an event becomes a line. Pure.

internal import Foundation
internal import Model

enum LogLine {
    static func render(level: LogLevel, event: String, fields: [(LogKey, String)], format: LogFormat, at time: Date)
        -> String
    {
        let head = [("time", timestamp(time)), ("level", level.name), ("event", event)]
        let all = head + fields.map { ($0.0.rawValue, $0.1) }
        switch format {
        case .logfmt: return all.map { $0.0 + "=" + logfmt($0.1) }.joined(separator: " ")
        case .json:
            return "{" + all.map { JSONText.string($0.0) + ":" + JSONText.string($0.1) }.joined(separator: ",") + "}"
        }
    }

    private static func timestamp(_ time: Date) -> String {
        time.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
    }

    private static func logfmt(_ value: String) -> String {
        let plain = value.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "\"" && $0 != "=" && !(0x7f...0x9f).contains($0.value)
        }
        return plain && !value.isEmpty ? value : JSONText.string(value)
    }
}
