// How many bytes a second all workers together may take from the source, and the switch that makes them all rest.

internal import Threading

package final class RateLimit: Sendable {
    private struct Bucket {
        var level: Double
        var filled = Monotonic.now
        var isResting = false
    }

    /// Bytes a second; 0 is no limit.
    private let rate: Double
    private let bucket: Monitor<Bucket>

    package init(bytesPerSecond: Int) {
        rate = Double(bytesPerSecond)
        bucket = Monitor(Bucket(level: Double(bytesPerSecond) / 4))
    }

    var isResting: Bool {
        get { bucket.withLock { $0.isResting } }
        set { bucket.change { $0.isResting = newValue } }
    }

    /// Takes what was just read out of the bucket and waits until it is no longer in debt; ends early when asked to stop, or over.
    func took(_ bytes: Int, stop: StopSignal, or isOver: () -> Bool) {
        var pause = settle(bytes)
        while pause > 0, !isOver(), !stop.wait(seconds: min(pause, 0.5)) { pause = settle(0) }
    }

    /// Seconds to wait.
    private func settle(_ bytes: Int) -> Double {
        bucket.withLock { bucket in
            if rate > 0 {
                let now = Monotonic.now
                let earned = now.seconds(since: bucket.filled) * rate
                bucket.level = min(bucket.level + earned, rate / 4) - Double(bytes)
                bucket.filled = now
            }
            if bucket.isResting { return 0.5 }
            return rate > 0 && bucket.level < 0 ? -bucket.level / rate : 0
        }
    }
}
