// Waiting for something that another process does. Blocks the calling thread: tests here are about processes and take
// as long as those do.

internal import Glibc

/// Asks until the answer is not nil; nil when the time is over. Always asks at least once.
package func poll<Answer>(
    within limit: Duration, every pause: Duration = .milliseconds(50), _ ask: () throws -> Answer?
) rethrows -> Answer? {
    let end = ContinuousClock.now + limit
    while true {
        if let answer = try ask() { return answer }
        if ContinuousClock.now >= end { return nil }
        rest(pause)
    }
}

package func rest(_ duration: Duration) {
    var time = timespec(
        tv_sec: Int(duration.components.seconds), tv_nsec: Int(duration.components.attoseconds / 1_000_000_000))
    var left = timespec()
    while nanosleep(&time, &left) != 0 && errno == EINTR { time = left }
}
