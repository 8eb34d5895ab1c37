// The log on disk: one file a stream, appended under a lock that all tandems on this machine share, flushed before anybody
// acts on it. What is written is never changed; only a line that was torn when its process died, so that nobody acted on
// it, is cut away, and the next entry says so.

internal import Glibc
internal import Model

package struct EvidenceFile: Sendable {
    package let directory: String
    package let stream: String

    package init(directory: String, stream: String) {
        self.directory = directory
        self.stream = stream
    }

    package var path: String { "\(directory)/\(stream).jsonl" }

    /// Everything in it; nil when there is none.
    package func read() throws(EvidenceError) -> String? { try Self.contents(of: path) }

    static func contents(of path: String) throws(EvidenceError) -> String? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("read the evidence", path, errno)
        }
        defer { close(descriptor) }
        return String(decoding: try bytes(descriptor, from: 0, path), as: UTF8.self)
    }

    // MARK: appending

    /// The file, open and locked.
    struct Tail: ~Copyable {
        let file: EvidenceFile
        let descriptor: Int32
        /// Where the last whole line ends.
        let end: Int
        let last: EvidenceLine?
        /// What stands after it.
        let torn: Int

        deinit { close(descriptor) }

        /// Adds a line; on return it is on disk. A part that could be written is taken back.
        borrowing func append(_ line: String) throws(EvidenceError) {
            if torn > 0, ftruncate(descriptor, off_t(end)) != 0 {
                throw .system("mend the evidence", file.path, errno)
            }
            let bytes = Array((line + "\n").utf8)
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes {
                    pwrite(descriptor, $0.baseAddress! + done, $0.count - done, off_t(end + done))
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw takeBack(count < 0 ? errno : ENOSPC) }
                done += count
            }
            // After a flush that failed nobody knows what is on disk, and a second one would not tell.
            guard fsync(descriptor) == 0 else { throw takeBack(errno) }
        }

        private borrowing func takeBack(_ code: Int32) -> EvidenceError {
            ftruncate(descriptor, off_t(end))
            return .system("write the evidence", file.path, code)
        }
    }

    /// Waits for other tandems that are just writing.
    func locked(patience: Double = 60) throws(EvidenceError) -> Tail {
        try makeDirectory()
        while true {
            let descriptor = try openForAppending()
            do throws(EvidenceError) {
                try lock(descriptor, patience)
                // Somebody may have put another one in its place before we had the lock.
                guard try isStillThere(descriptor) else {
                    close(descriptor)
                    continue
                }
                return try tail(descriptor)
            } catch {
                close(descriptor)
                throw error
            }
        }
    }

    /// The last line; refuses what `locked` would, and makes and changes nothing.
    func examine() throws(EvidenceError) -> EvidenceLine? {
        guard access(directory, F_OK) == 0 else { return nil }
        try checkDirectory()
        let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("open the evidence", path, errno)
        }
        do throws(EvidenceError) {
            try check(descriptor)
            let tail = try tail(descriptor)
            return tail.last
        } catch {
            close(descriptor)
            throw error
        }
    }

    private func tail(_ descriptor: Int32) throws(EvidenceError) -> Tail {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        // The last line is all that is needed, and lines are short.
        var window = 64 << 10
        while true {
            let start = max(0, size - window)
            let bytes = try Self.bytes(descriptor, from: start, path)
            guard let lastBreak = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
                if start > 0 {
                    window *= 4
                    continue
                }
                return Tail(file: self, descriptor: descriptor, end: 0, last: nil, torn: bytes.count)
            }
            let body = bytes[..<lastBreak]
            let before = body.lastIndex(of: UInt8(ascii: "\n"))
            if before == nil, start > 0 {
                window *= 4
                continue
            }
            let text = String(decoding: body[(before.map { $0 + 1 } ?? 0)...], as: UTF8.self)
            guard let line = EvidenceLine(text), line.isSealed else {
                throw EvidenceError.refused(
                    path, "is damaged: its last line is not what was written",
                    hint:
                        "`tandem evidence verify` says what is wrong; `tandem evidence link --reason …` puts the file aside"
                        + " and goes on in a new one")
            }
            return Tail(
                file: self, descriptor: descriptor, end: start + lastBreak + 1, last: line,
                torn: bytes.count - lastBreak - 1)
        }
    }

    private func lock(_ descriptor: Int32, _ patience: Double) throws(EvidenceError) {
        for _ in 0..<Int(patience * 20) {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw .system("lock the evidence", path, errno) }
            usleep(50_000)
        }
        throw EvidenceError.refused(
            path, "is being written by another tandem, for more than \(Int(patience)) s",
            hint: "is one stopped (SIGSTOP), or its disk stuck? End it, and try again")
    }

    private func isStillThere(_ descriptor: Int32) throws(EvidenceError) -> Bool {
        var (own, named) = (stat(), stat())
        guard fstat(descriptor, &own) == 0 else { throw .system("look at the evidence", path, errno) }
        guard lstat(path, &named) == 0 else { return false }
        return own.st_ino == named.st_ino && own.st_dev == named.st_dev
    }

    private func openForAppending() throws(EvidenceError) -> Int32 {
        var isNew = false
        var descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT {
            isNew = true
            descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        guard descriptor >= 0 else { throw .system("open the evidence", path, errno) }
        do throws(EvidenceError) {
            try check(descriptor)
            if isNew { try flushDirectory() }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private func check(_ descriptor: Int32) throws(EvidenceError) {
        var found = stat()
        guard fstat(descriptor, &found) == 0 else { throw .system("look at the evidence", path, errno) }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw .refused(path, "is no file", hint: "set `evidence` to another directory")
        }
        guard found.st_uid == geteuid() else {
            throw .refused(
                path, "belongs to user \(found.st_uid), and this is user \(geteuid())",
                hint: "run tandem as that user, or give the file to this one (chown)")
        }
        guard found.st_mode & 0o022 == 0 else {
            throw .refused(path, "can be written by others", hint: "chmod 600 \(shellQuoted(path))")
        }
    }

    // MARK: the directory

    func makeDirectory() throws(EvidenceError) {
        var found = stat()
        if lstat(directory, &found) != 0 {
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
                throw .system("make the directory of the evidence", directory, errno)
            }
        }
        try checkDirectory()
    }

    private func checkDirectory() throws(EvidenceError) {
        var found = stat()
        guard lstat(directory, &found) == 0 else { throw .system("look at the evidence", directory, errno) }
        guard found.st_mode & S_IFMT == S_IFDIR else {
            throw .refused(
                directory, "cannot be: that is no directory",
                hint: "set `evidence` to a directory, not to a link or file")
        }
        guard found.st_mode & 0o022 == 0 else {
            throw .refused(
                directory, "could be replaced by others, who may write that directory",
                hint: "chmod go-w \(shellQuoted(directory))")
        }
    }

    func flushDirectory() throws(EvidenceError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open the directory of the evidence", directory, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("flush the directory of the evidence", directory, errno) }
    }

    static func bytes(_ descriptor: Int32, from start: Int, _ path: String) throws(EvidenceError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = pread(descriptor, &chunk, chunk.count, off_t(start + bytes.count))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system("read the evidence", path, errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}
