// One line an event, logfmt or JSON, to standard error or a file. Events are rare (never one a row), and docs/events.md lists
// them all. Keys are the constants below; values from outside lose their control characters here, so that a table's name cannot
// forge a line. Who listens hears every event, also those below the threshold, and must not wait.

internal import Foundation
internal import Glibc
internal import Model

package enum LogLevel: Int, Sendable, Comparable, CaseIterable {
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
    case active, from, to, epoch
}

package enum LogFormat: Sendable {
    case logfmt, json
}

package struct Log: Sendable {
    private final class Sink: Sendable {
        let format: LogFormat
        let threshold: LogLevel
        let outlet: LogOutlet
        let listener: (@Sendable (LogEvent) -> Void)?

        init(
            format: LogFormat, threshold: LogLevel, file: LogFile?, descriptor: Int32,
            listener: (@Sendable (LogEvent) -> Void)?
        ) {
            self.format = format
            self.threshold = threshold
            self.listener = listener
            outlet = LogOutlet({ file?.descriptor ?? descriptor }) { dropped in
                LogLine.render(
                    level: .warning, event: "lines dropped", fields: [(.count, "\(dropped)")], format: format,
                    at: Date())
            }
        }
    }

    private let sink: Sink
    private let context: [(LogKey, String)]

    package init(
        format: LogFormat = .logfmt, threshold: LogLevel = .info, descriptor: Int32 = STDERR_FILENO,
        listener: (@Sendable (LogEvent) -> Void)? = nil
    ) {
        sink = Sink(format: format, threshold: threshold, file: nil, descriptor: descriptor, listener: listener)
        context = []
    }

    /// Into a file, which may be rotated at any time.
    package init(
        file: String, format: LogFormat = .logfmt, threshold: LogLevel = .info,
        listener: (@Sendable (LogEvent) -> Void)? = nil
    ) throws(LogFileFailure) {
        sink = Sink(
            format: format, threshold: threshold, file: try LogFile(file), descriptor: STDERR_FILENO,
            listener: listener)
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

    /// With the SQLSTATE of what went wrong, where it has one.
    package func about(_ error: any Error) -> Log {
        guard let state = (error as? any Explained)?.sqlstate else { return self }
        return with(.sqlstate, state)
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
        guard level >= sink.threshold || sink.listener != nil else { return }
        let all = context + fields.map { ($0.key, $0.value.description) }
        let now = Date()
        if level >= sink.threshold {
            sink.outlet.write(LogLine.render(level: level, event: event, fields: all, format: sink.format, at: now))
        }
        sink.listener?(LogEvent(level: level, name: event, fields: all, time: now))
    }

    /// Lines that stay below the log, redrawn with every call: for a terminal only. None takes them away.
    package func keep(below lines: [String]) { sink.outlet.keep(below: lines) }

    /// Before the process ends: what still waits to be written, for as long as that.
    package func finish(seconds: Double = 2) { sink.outlet.finish(seconds: seconds) }
}
