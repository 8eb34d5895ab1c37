// One line an event, logfmt or JSON, to standard error. Events are rare (never one a row). Keys are the constants below; values from outside lose their control characters here, so that a table's name
// cannot forge a line.

internal import Foundation
internal import Glibc

package enum LogLevel: Int, Sendable, Comparable {
    case debug, info, warning, error

    package var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

package enum LogKey: String, Sendable {
    case pair, stream, side, lsn, xid, relation, sqlstate, hint, detail, seconds, rows, bytes, transactions
    case slot, publication, origin, timeline, system, version, attempt, file, pid, limit, position, count, reason
    case active
}

package enum LogFormat: Sendable {
    case logfmt, json
}

package struct Log: Sendable {
    private final class Sink: Sendable {
        let format: LogFormat
        let threshold: LogLevel
        let outlet: LogOutlet

        init(format: LogFormat, threshold: LogLevel, descriptor: Int32) {
            self.format = format
            self.threshold = threshold
            outlet = LogOutlet(descriptor) { dropped in
                LogLine.render(
                    level: .warning, event: "lines dropped", fields: [(.count, "\(dropped)")], format: format,
                    at: Date())
            }
        }
    }

    private let sink: Sink
    private let context: [(LogKey, String)]

    package init(format: LogFormat = .logfmt, threshold: LogLevel = .info, descriptor: Int32 = STDERR_FILENO) {
        sink = Sink(format: format, threshold: threshold, descriptor: descriptor)
        context = []
    }

    private init(sink: Sink, context: [(LogKey, String)]) {
        self.sink = sink
        self.context = context
    }

    /// The same log with `key=value` on every line.
    package func with(_ key: LogKey, _ value: some CustomStringConvertible) -> Log {
        Log(sink: sink, context: context + [(key, value.description)])
    }

    package func debug(_ event: String, _ fields: KeyValuePairs<LogKey, any CustomStringConvertible> = [:]) {
        write(.debug, event, fields)
    }

    package func info(_ event: String, _ fields: KeyValuePairs<LogKey, any CustomStringConvertible> = [:]) {
        write(.info, event, fields)
    }

    package func warning(_ event: String, _ fields: KeyValuePairs<LogKey, any CustomStringConvertible> = [:]) {
        write(.warning, event, fields)
    }

    package func error(_ event: String, _ fields: KeyValuePairs<LogKey, any CustomStringConvertible> = [:]) {
        write(.error, event, fields)
    }

    private func write(
        _ level: LogLevel, _ event: String, _ fields: KeyValuePairs<LogKey, any CustomStringConvertible>
    ) {
        guard level >= sink.threshold else { return }
        let all = context + fields.map { ($0.key, $0.value.description) }
        sink.outlet.write(LogLine.render(level: level, event: event, fields: all, format: sink.format, at: Date()))
    }

    /// Lines that stay below the log, redrawn with every call: for a terminal only. None takes them away.
    package func keep(below lines: [String]) { sink.outlet.keep(below: lines) }

    /// Before the process ends: what still waits to be written, for as long as that.
    package func finish(seconds: Double = 2) { sink.outlet.finish(seconds: seconds) }
}
