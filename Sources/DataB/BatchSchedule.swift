// When each table of Data B is to be worked on: intervals, pauses, requests, and how long a table that fails is left
// alone. Pure: time is a number of seconds that somebody else reads from a clock.
//
// * A table comes when its interval has passed since the last time it began, but not before as much time has passed since
//   its end as the work took: at most half of the time is spent on it.
// * A comparison is done along with a batch, once its own interval has passed.
// * After a failure it is tried again after 5 s, then after twice as long each time, up to 10 min or its own interval,
//   whichever is longer. The others go on as if nothing were.
// * A request comes first of all, also for a table that is paused or has failed, and includes the comparison. It stays a
//   request until the work has ended.
// * Of several that are due the one that has waited longest comes first; views come after the tables they may read.

package import Model

package enum BatchWork: Sendable, Equatable {
    case batch
    /// And compares all rows.
    case batchAndComparison
}

package struct BatchSchedule: Sendable {
    package enum Outcome: Sendable {
        case done
        case failed
        /// Could not begin yet, and nothing is wrong.
        case postponed
    }

    private struct Entry {
        let table: DerivedTable
        /// Views that read other views come after them.
        var rank = 0
        var due: Double
        var comparison: Double?
        var notBefore = -Double.infinity
        var began = 0.0
        var failures = 0
        var isPaused = false
        var isWanted = false
        var attempts = 0
    }

    package static let firstRetry = 5.0
    package static let longestRetry = 600.0
    static let postponement = 1.0

    private var entries: [Entry]
    private var isPaused = false

    package init(_ tables: [DerivedTable], now: Double) {
        entries = tables.map { Entry(table: $0, due: now, comparison: $0.deletes.map { now + $0 }) }
    }

    package var tables: [DerivedTable] { entries.map(\.table) }

    // MARK: what is known

    /// Goes on where an earlier run stopped: how many seconds ago the last batch and comparison were.
    package mutating func resume(_ table: QualifiedName, batch: Double?, comparison: Double?, now: Double) {
        change(table) { entry in
            if let batch { entry.due = now - batch + entry.table.every }
            // The first batch brings everything, so that the first comparison may wait for its interval.
            entry.comparison = entry.table.deletes.map { now - (comparison ?? batch ?? 0) + $0 }
        }
    }

    package mutating func rank(_ table: QualifiedName, _ rank: Int) { change(table) { $0.rank = rank } }

    package mutating func hear(paused: Bool) { isPaused = paused }

    package mutating func hear(_ table: QualifiedName, paused: Bool, wanted: Bool) {
        change(table) { entry in
            entry.isPaused = paused
            entry.isWanted = wanted
        }
    }

    private mutating func change(_ table: QualifiedName, _ body: (inout Entry) -> Void) {
        guard let place = entries.firstIndex(where: { $0.table.name == table }) else { return }
        body(&entries[place])
    }

    // MARK: what comes next

    /// Nil when nothing is due.
    package func next(now: Double) -> (table: DerivedTable, work: BatchWork)? {
        let ready = entries.filter { isReady($0, now) }
        let first = ready.min { one, other in
            if one.isWanted != other.isWanted { return one.isWanted }
            return (one.rank, one.due) < (other.rank, other.due)
        }
        guard let first else { return nil }
        let compares = first.comparison.map { $0 <= now || first.isWanted } ?? false
        return (first.table, compares ? .batchAndComparison : .batch)
    }

    private func isReady(_ entry: Entry, _ now: Double) -> Bool {
        guard entry.notBefore <= now else { return false }
        return entry.isWanted || (!isPaused && !entry.isPaused && entry.due <= now)
    }

    /// When it comes by itself; nil while it is paused.
    package func nextRun(_ table: QualifiedName) -> Double? {
        guard let entry = entries.first(where: { $0.table.name == table }) else { return nil }
        return isPaused || entry.isPaused ? nil : entry.due
    }

    package func isPaused(_ table: QualifiedName) -> Bool {
        isPaused || entries.contains { $0.table.name == table && $0.isPaused }
    }

    package func failures(of table: QualifiedName) -> Int {
        entries.first { $0.table.name == table }?.failures ?? 0
    }

    /// Every table has been worked on since the start, whatever came of it.
    package var allTried: Bool { entries.allSatisfy { $0.attempts > 0 || isPaused || $0.isPaused } }

    // MARK: what has happened

    package mutating func began(_ table: QualifiedName, now: Double) { change(table) { $0.began = now } }

    package mutating func ended(_ table: QualifiedName, _ work: BatchWork, _ outcome: Outcome, now: Double) {
        change(table) { entry in
            switch outcome {
            case .done:
                let took = max(0, now - entry.began)
                entry.failures = 0
                entry.attempts += 1
                entry.isWanted = false
                entry.due = max(entry.began + entry.table.every, now + min(took, entry.table.every))
                if work == .batchAndComparison { entry.comparison = entry.table.deletes.map { entry.began + $0 } }
            case .failed:
                entry.failures += 1
                entry.attempts += 1
                entry.isWanted = false
                entry.due = now + Self.retry(after: entry.failures, every: entry.table.every)
            case .postponed:
                entry.notBefore = now + Self.postponement
            }
        }
    }

    static func retry(after failures: Int, every: Double) -> Double {
        let longest = max(longestRetry, every)
        return min(firstRetry * Double(1 << min(failures - 1, 20)), longest)
    }
}
