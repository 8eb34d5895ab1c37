// A log that comes from another machine, and one that is put aside. Both take the lock, and both replace the file as a
// whole: whoever waits for the lock looks again which file is there.

internal import Glibc
internal import Model
internal import Synchronization

/// Several threads write beside one another: each pair of a configuration has its own.
private let partsMade = Atomic<Int>(0)

extension EvidenceFile {
    /// What is in `other` and not here, laid in by number. Entries that both have must be the same ones.
    package func take(_ other: String) throws -> (taken: Int, findings: [EvidenceFinding]) {
        let theirs = try whole(other)
        let tail = try locked()
        let (text, taken, findings) = try joined(with: theirs)
        if taken > 0 { try replace(with: text) }
        _ = tail.end
        return (taken, findings)
    }

    /// What `take` would take, with nothing written.
    package func examine(_ other: String) throws -> (taken: Int, findings: [EvidenceFinding]) {
        let theirs = try whole(other)
        _ = try examine()
        let (_, taken, findings) = try joined(with: theirs)
        return (taken, findings)
    }

    private func whole(_ other: String) throws(EvidenceError) -> EvidenceChain {
        let theirs = EvidenceChain(other)
        guard !theirs.lines.isEmpty, !theirs.findings.contains(where: \.isDamage) else {
            throw EvidenceError(
                "that is no whole evidence log: " + (theirs.findings.first?.description ?? "it has no entries"),
                hint: "`tandem evidence export` on the machine that wrote it gives one", exitCode: .refused)
        }
        return theirs
    }

    private func joined(
        with theirs: EvidenceChain
    ) throws(EvidenceError) -> (text: String, taken: Int, findings: [EvidenceFinding]) {
        let ours = EvidenceChain(try read() ?? "")
        var all = Dictionary(ours.lines.map { ($0.number, $0) }) { first, _ in first }
        var taken = 0
        for line in theirs.lines {
            guard let own = all[line.number] else {
                all[line.number] = line
                taken += 1
                continue
            }
            guard own.hash == line.hash else {
                throw EvidenceError.refused(
                    path, "and the one to be imported both have an entry \(line.number), and not the same one",
                    hint: "one of them belongs to another migration, or was changed: `tandem evidence verify`")
            }
        }
        let text = all.keys.sorted().compactMap { all[$0]?.text }.map { $0 + "\n" }.joined()
        return (text, taken, EvidenceChain(text).findings)
    }

    private func replace(with text: String) throws(EvidenceError) { try place(text, at: path) }

    /// Whole or not at all.
    func place(_ text: String, at path: String) throws(EvidenceError) {
        let part = path + ".\(getpid())-\(partsMade.add(1, ordering: .relaxed).newValue)"
        // Left by one of the same number that was killed here.
        unlink(part)
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("write", part, errno) }
        defer { close(descriptor) }
        guard Self.writeAll(Array(text.utf8), to: descriptor), fsync(descriptor) == 0, rename(part, path) == 0 else {
            let code = errno
            unlink(part)
            throw .system("write", path, code)
        }
        try flushDirectory()
    }

    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    /// Where it is now; nil when there was none.
    package func putAside() throws(EvidenceError) -> String? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("open the evidence", path, errno)
        }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX) == 0 else { throw .system("lock the evidence", path, errno) }
        let aside = try nextAside()
        guard rename(path, aside) == 0 else { throw .system("put aside", path, errno) }
        try flushDirectory()
        return aside
    }

    /// Where `putAside` would put it; nil when there is none.
    package func aside() throws(EvidenceError) -> String? {
        try access(path, F_OK) == 0 ? nextAside() : nil
    }

    private func nextAside() throws(EvidenceError) -> String {
        for number in 1...9999 where access("\(path).aside-\(number)", F_OK) != 0 { return "\(path).aside-\(number)" }
        throw .system("put aside", path, EEXIST)
    }
}
