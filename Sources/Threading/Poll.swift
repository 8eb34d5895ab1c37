// Waiting for descriptors: sockets beside wake-ups, with a deadline on the monotonic clock.

internal import CLinux
internal import Glibc

package enum Poll {
    package struct Interest: Sendable {
        package let descriptor: Int32
        let events: Int32

        package static func readable(_ descriptor: Int32) -> Interest {
            Interest(descriptor: descriptor, events: POLLIN)
        }
        package static func writable(_ descriptor: Int32) -> Interest {
            Interest(descriptor: descriptor, events: POLLOUT)
        }
        package static func both(_ descriptor: Int32) -> Interest {
            Interest(descriptor: descriptor, events: POLLIN | POLLOUT)
        }
    }

    /// Returns when one of them is ready or time is up, with the indices of the ready ones.
    @discardableResult
    package static func wait(for interests: [Interest], until deadline: Monotonic?) -> [Int] {
        var set = interests.map {
            pollfd(fd: $0.descriptor, events: Int16($0.events), revents: 0)
        }
        while true {
            let count = wait(&set, until: deadline)
            if count > 0 { return set.indices.filter { set[$0].revents != 0 } }
            if count < 0 && errno == EINTR { continue }
            return []
        }
    }

    /// Waits can be shorter than a millisecond.
    private static func wait(_ set: inout [pollfd], until deadline: Monotonic?) -> Int32 {
        guard let deadline else { return ppoll(&set, nfds_t(set.count), nil, nil) }
        let ahead = max(0, deadline.nanoseconds - Monotonic.now.nanoseconds)
        var left = timespec(tv_sec: Int(ahead / 1_000_000_000), tv_nsec: Int(ahead % 1_000_000_000))
        return ppoll(&set, nfds_t(set.count), &left, nil)
    }
}
