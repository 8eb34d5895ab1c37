// How many lines of each level, and how many problems with each SQLSTATE, since the process began.

internal import Threading

package final class LogTally: Sendable {
    package struct Counts: Sendable {
        package var lines: [LogLevel: Int] = [:]
        package var states: [String: Int] = [:]
    }

    private let state = Monitor(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    package func note(_ event: LogEvent) {
        state.withLock { counts in
            counts.lines[event.level, default: 0] += 1
            guard event.level >= .warning, let code = event[.sqlstate] else { return }
            counts.states[code, default: 0] += 1
        }
    }
}
