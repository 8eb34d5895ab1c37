// What the operator has configured of the copy.

package import Configuration

package struct CopySettings: Sendable {
    package let jobs: Int
    let range: Int
    package let rate: Int
    let backOff: BackOff?
    package let prewarms: Bool
    /// Seconds that one snapshot may be held.
    let snapshot: Double
    /// Of each worker, for rows on their way.
    package let buffer: Int
    /// Rows that may be wider are read in pieces: of any other libpq holds up to three times its size.
    package let widest: Int

    package init(_ configuration: Configuration) {
        jobs = configuration.jobs
        range = configuration.copy.range
        rate = configuration.limits.copyRate
        backOff = configuration.copy.backOff
        prewarms = configuration.copy.prewarm
        snapshot = configuration.limits.snapshot
        let share = configuration.limits.memory / 8 / max(1, configuration.jobs)
        widest = max(64 << 10, min(8 << 20, share))
        buffer = max(16 << 10, min(256 << 10, share))
    }
}
