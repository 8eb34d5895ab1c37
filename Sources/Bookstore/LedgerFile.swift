// One instance's ledger on disk. Appended to, never changed. What is sealed is on disk when `seal` returns, and only then may
// anybody be told that it worked; several who seal at once share one fsync. Any thread may call. One process has it at a time.

internal import Foundation
internal import Glibc
package import Ledger
internal import Threading

package final class LedgerFile: Sendable {
    private struct State {
        var descriptor: Int32
        var written = 0
        var synced = 0
        var isSyncing = false
        var failure: BookstoreError?
    }

    private let state: Monitor<State>
    private let path: String

    package init(_ path: String) throws(BookstoreError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.problem("cannot open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw BookstoreError(
                "\(path) is in use", hint: "an instance of that name runs already; give this one another name")
        }
        Self.dropTornEnd(descriptor)
        // The name must survive as well.
        let directory = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
        state = Monitor(State(descriptor: descriptor))
    }

    deinit { state.withLock { _ = close($0.descriptor) } }

    /// Whether an instance has it open.
    package static func isInUse(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    package func append(_ entry: LedgerEntry) throws(BookstoreError) { _ = try write(entry) }

    /// On disk, with everything that was appended before it.
    package func seal(_ entry: LedgerEntry) throws(BookstoreError) {
        let mine = try write(entry)
        while true {
            let (target, descriptor, failure) =
                state.wait { state -> (Int?, Int32, BookstoreError?)? in
                    if state.failure != nil || state.synced >= mine { return (nil, -1, state.failure) }
                    if state.isSyncing { return nil }
                    state.isSyncing = true
                    return (state.written, state.descriptor, nil)
                } ?? (nil, -1, nil)
            if let failure { throw failure }
            guard let target else { return }
            let isDone = fdatasync(descriptor) == 0
            let problem = isDone ? nil : Self.problem("cannot write \(path)")
            state.change { state in
                state.isSyncing = false
                if isDone { state.synced = target } else { state.failure = problem }
            }
        }
    }

    private func write(_ entry: LedgerEntry) throws(BookstoreError) -> Int {
        let bytes = Array((entry.line + "\n").utf8)
        return try state.withLock { state throws(BookstoreError) in
            if let failure = state.failure { throw failure }
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.write(state.descriptor, $0.baseAddress! + done, bytes.count - done)
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    let problem = Self.problem("cannot write \(path)")
                    state.failure = problem
                    throw problem
                }
                done += count
            }
            state.written += 1
            return state.written
        }
    }

    /// What a killed instance had begun to write was never told to anybody.
    private static func dropTornEnd(_ descriptor: Int32) {
        var length = lseek(descriptor, 0, SEEK_END)
        var byte: UInt8 = 0
        while length > 0, pread(descriptor, &byte, 1, length - 1) == 1, byte != 10 { length -= 1 }
        ftruncate(descriptor, length)
    }

    private static func problem(_ what: String) -> BookstoreError {
        BookstoreError("\(what): \(String(cString: strerror(errno)))")
    }

    /// Everything that counts of a ledger; a last line without its end is of an instance that was killed while it wrote.
    package static func read(_ path: String) throws(BookstoreError) -> [LedgerEntry] {
        guard let data = FileManager.default.contents(atPath: path) else { throw problem("cannot read \(path)") }
        var lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        _ = lines.popLast()
        var entries: [LedgerEntry] = []
        entries.reserveCapacity(lines.count)
        for (number, line) in lines.enumerated() {
            guard let entry = LedgerEntry(line: line) else {
                throw BookstoreError("\(path) is not a ledger: line \(number + 1) cannot be read")
            }
            entries.append(entry)
        }
        return entries
    }
}
