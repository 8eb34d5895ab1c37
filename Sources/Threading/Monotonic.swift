// Time that only goes forward. Every timeout, rate and duration is measured with it; wall clocks only label things.

internal import Glibc

package struct Monotonic: Comparable, Sendable {
    package let nanoseconds: Int64

    package static var now: Monotonic {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Monotonic(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static func < (left: Monotonic, right: Monotonic) -> Bool { left.nanoseconds < right.nanoseconds }

    package func seconds(since earlier: Monotonic) -> Double {
        Double(nanoseconds - earlier.nanoseconds) / 1_000_000_000
    }

    package var age: Double { Monotonic.now.seconds(since: self) }

    package func adding(seconds: Double) -> Monotonic {
        Monotonic(nanoseconds: nanoseconds + Int64(min(max(seconds, -1e9), 1e9) * 1_000_000_000))
    }

    static func timespec(in seconds: Double) -> Glibc.timespec {
        let at = now.adding(seconds: seconds).nanoseconds
        return Glibc.timespec(tv_sec: Int(at / 1_000_000_000), tv_nsec: Int(at % 1_000_000_000))
    }
}
