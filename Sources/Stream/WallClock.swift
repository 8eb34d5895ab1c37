// The wall clock, where the protocol wants a label. Nothing is decided by it.

internal import Glibc

enum WallClock {
    /// Microseconds since 2000-01-01, PostgreSQL's epoch.
    static var serverMicroseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return (Int64(now.tv_sec) - 946_684_800) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }
}
