// A lock between processes: held on a file as long as the object lives, or the process, or whoever inherited the
// descriptor.

internal import Glibc

final class FileLock: Sendable {
    let descriptor: Int32

    /// Waits for it.
    init(_ path: String) throws {
        descriptor = try Self.opened(path)
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                throw HarnessFailure(.setUp, "flock \(path): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// nil when somebody holds it.
    init?(unlessHeld path: String) throws {
        descriptor = try Self.opened(path)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
    }

    deinit { close(descriptor) }

    private static func opened(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw HarnessFailure(.setUp, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }
}
