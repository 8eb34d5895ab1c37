// Where everything of one test process lives: ROOT/run-PID, next to what runs share (templates, port reservations).
// ROOT is /tmp/tandem-tests-UID, or TANDEM_TEST_ROOT; its path must be short, because a socket's path is limited to
// 107 bytes. A run directory is locked by its process and its warden; one that nobody holds is left over from a run that
// was killed together with its warden, and the next run clears it away.

internal import Foundation
internal import Glibc
internal import Synchronization

package final class RunDirectory: Sendable {
    package let path: String
    let root: String
    private let lock: FileLock
    private let warden: Warden
    private let counter = Atomic<Int>(0)

    package static var current: RunDirectory { get throws { try shared.get() } }

    private static let shared = Result {
        let made = try RunDirectory()
        known.withLock { $0 = made }
        return made
    }

    private static let known = Mutex<RunDirectory?>(nil)

    /// Where it was made already.
    static var made: RunDirectory? { known.withLock { $0 } }

    private init() throws {
        root = try Self.prepareRoot()
        path = "\(root)/run-\(getpid())"
        let creation = try FileLock("\(root)/lock")
        defer { withExtendedLifetime(creation) {} }
        try Self.sweep(root)
        for directory in [path, "\(path)/processes"] { try ensureDirectory(directory, mode: 0o755) }
        lock = try FileLock("\(path)/lock")
        warden = try Warden(guarding: path, holding: lock)
    }

    /// A new directory in it.
    package func makeDirectory(_ name: String) throws -> String {
        let place = "\(path)/\(name)\(number())"
        try ensureDirectory(place, mode: 0o755)
        return place
    }

    /// Different at every call.
    package func number() -> Int { counter.add(1, ordering: .relaxed).newValue }

    /// The warden ends this process when the test process dies first.
    func guardProcess(_ pid: Int32) {
        guard let process = LiveProcess(pid) else { return }
        try? process.startTime.write(toFile: "\(path)/processes/\(pid)", atomically: false, encoding: .utf8)
    }

    func releaseProcess(_ pid: Int32) { unlink("\(path)/processes/\(pid)") }

    private static func prepareRoot() throws -> String {
        let root = environmentVariable("TANDEM_TEST_ROOT") ?? "/tmp/tandem-tests-\(getuid())"
        guard root.hasPrefix("/"), root.utf8.count <= 60 else {
            throw HarnessFailure(.setUp, "TANDEM_TEST_ROOT must be an absolute path of at most 60 bytes: \(root)")
        }
        for directory in [root, "\(root)/templates", "\(root)/ports"] { try ensureDirectory(directory, mode: 0o755) }
        return root
    }

    private static func sweep(_ root: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: root) where name.hasPrefix("run-") {
            let place = "\(root)/\(name)"
            guard let lock = try FileLock(unlessHeld: "\(place)/lock") else { continue }
            try Warden.clear(place)
            withExtendedLifetime(lock) {}
        }
    }
}

/// Makes it, or takes the one that is there if it is ours and no link.
func ensureDirectory(_ path: String, mode: mode_t) throws {
    if mkdir(path, mode) == 0 {
        chmod(path, mode)
        return
    }
    let reason = errno
    var found = stat()
    guard reason == EEXIST, lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR, found.st_uid == getuid() else {
        throw HarnessFailure(.setUp, "cannot make directory \(path): \(String(cString: strerror(reason)))")
    }
}
