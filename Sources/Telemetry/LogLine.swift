// How an event becomes a line. Pure.

internal import Foundation

enum LogLine {
    static func render(level: LogLevel, event: String, fields: [(LogKey, String)], format: LogFormat, at time: Date)
        -> String
    {
        let head = [("time", timestamp(time)), ("level", level.name), ("event", event)]
        let all = head + fields.map { ($0.0.rawValue, $0.1) }
        switch format {
        case .logfmt: return all.map { $0.0 + "=" + logfmt($0.1) }.joined(separator: " ")
        case .json: return "{" + all.map { json($0.0) + ":" + json($0.1) }.joined(separator: ",") + "}"
        }
    }

    private static func timestamp(_ time: Date) -> String {
        time.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
    }

    private static func logfmt(_ value: String) -> String {
        let plain = value.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "\"" && $0 != "=" && !(0x7f...0x9f).contains($0.value)
        }
        return plain && !value.isEmpty ? value : json(value)
    }

    static func json(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
                result += "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count)
                result += String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
