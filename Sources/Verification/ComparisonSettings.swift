// How gently tables are compared, and how patiently.

internal import Threading

package struct ComparisonSettings: Sendable {
    /// What one read of either side should take.
    package var seconds = 1.0
    /// Rest after each read, as a multiple of what it took.
    package var rest = 0.0
    /// Bytes a second that may be read of either side; 0: what it can give.
    package var rate = 0
    /// Rows named for each table; what is more is said to be more.
    package var most = 10_000
    /// Seconds that rows may take to settle.
    package var patience = 120.0
    /// Applications write both sides, and neither follows the other: a row that never stands still is locked for a moment, as
    /// they lock it, to be seen on both.
    package var locks = false
    /// Writes nothing at all, not even the beat that hurries the stream along.
    package var readsOnly = false

    package init() {}

    /// As long as what was read calls for, by share of time and by bytes a second.
    func rest(after seconds: Double, bytes: Double, _ stop: StopSignal) {
        var pause = seconds * rest
        if rate > 0 { pause = max(pause, bytes / Double(rate) - seconds) }
        if pause > 0 { stop.wait(seconds: min(60, pause)) }
    }
}

/// How far a comparison has come; in ranges of keys it can go on from here.
package struct ComparisonProgress: Sendable {
    /// Of 1.
    package let share: Double
    package let rows: Int
    package let expected: Int
}
