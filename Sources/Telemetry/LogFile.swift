// A log file by its name. Who rotates it renames it or takes it away: before each line it is looked whether the name still means
// the file that is open, and if not, a new one is begun. No signal is needed, and no line is lost.

internal import Glibc
internal import Synchronization

final class LogFile: Sendable {
    private let path: String
    /// Only who writes changes it, and that is one at a time.
    private let open: Atomic<Int32>

    /// The error's number, when it cannot be opened.
    init(_ path: String) throws(LogFileFailure) {
        self.path = path
        guard let descriptor = Self.open(path) else { throw LogFileFailure(path: path, code: errno) }
        open = Atomic(descriptor)
    }

    private static func open(_ path: String) -> Int32? {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        return descriptor < 0 ? nil : descriptor
    }

    /// Where the next line goes: what was open, as long as nothing better can be had.
    var descriptor: Int32 {
        let now = open.load(ordering: .acquiring)
        guard !isSame(now), let next = Self.open(path) else { return now }
        open.store(next, ordering: .releasing)
        close(now)
        return next
    }

    private func isSame(_ descriptor: Int32) -> Bool {
        var (named, opened) = (stat(), stat())
        guard stat(path, &named) == 0, fstat(descriptor, &opened) == 0 else { return false }
        return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev
    }
}

package struct LogFileFailure: Error, CustomStringConvertible {
    package let path: String
    let code: Int32

    package var description: String { "cannot write the log \(path): \(String(cString: strerror(code)))" }
}
