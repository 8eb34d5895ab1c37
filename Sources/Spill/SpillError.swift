// What can go wrong with spill files, said so that an operator knows which file and what to do. It never carries a
// byte of what is in the file.

internal import Glibc
package import Model

package struct SpillError: Explained {
    enum Kind: Equatable {
        case system(code: Int32)
        case library
        case corrupt
        case refused
    }

    /// What was being done, as it reads after "cannot".
    package let operation: String
    package let path: String
    package let message: String
    package let hint: String?
    let kind: Kind

    private init(operation: String, path: String, message: String, hint: String?, kind: Kind) {
        self.operation = operation
        self.path = path
        self.message = message
        self.hint = hint
        self.kind = kind
    }

    /// There is no room now; freeing some lets the same call succeed.
    package var isOutOfSpace: Bool { isSystem([ENOSPC, EDQUOT, EFBIG]) }

    /// There is no room now, or no right to write any more, in a directory that was taken: once there is, the same call succeeds.
    package var isCurable: Bool { isOutOfSpace || isSystem([EROFS, EACCES, EPERM]) }

    private func isSystem(_ codes: [Int32]) -> Bool {
        if case .system(let code) = kind { codes.contains(code) } else { false }
    }

    /// The file does not hold what was written to it: its transaction has to be received again.
    package var isCorrupt: Bool { kind == .corrupt }

    package var description: String { "cannot \(operation) \(withoutControls(path)): \(message)" }

    package var exitCode: ExitCode { kind == .refused ? .refused : .failed }
}

extension SpillError {
    static func system(_ operation: String, _ path: String, code: Int32) -> SpillError {
        SpillError(
            operation: operation, path: path, message: String(cString: strerror(code)), hint: hint(for: code),
            kind: .system(code: code))
    }

    /// liblz4 could not do its work, for want of memory as a rule; `reason` is its own word for it.
    static func library(_ operation: String, _ path: String, _ reason: String) -> SpillError {
        SpillError(operation: operation, path: path, message: "liblz4: " + reason, hint: nil, kind: .library)
    }

    static func corrupt(_ path: String, _ message: String) -> SpillError {
        SpillError(
            operation: "read spill file", path: path, message: "it is damaged: " + message,
            hint: "Start the stream again: the source then sends this transaction again. If it happens again, "
                + "check the disk below this file.",
            kind: .corrupt)
    }

    static func refused(_ operation: String, _ path: String, _ message: String, hint: String) -> SpillError {
        SpillError(operation: operation, path: path, message: message, hint: hint, kind: .refused)
    }

    private static func hint(for code: Int32) -> String? {
        switch code {
        case ENOSPC: "Free space on its file system, or configure a spill directory that has more."
        case EDQUOT: "Raise the quota of this user, or configure a spill directory that has none."
        case EFBIG: "Raise the file size limit of the process (ulimit -f) or of the file system."
        case EMFILE, ENFILE: "Raise the limit of open files (ulimit -n)."
        case EACCES, EPERM, EROFS: "Give the user tandem runs as write access, or configure another spill directory."
        case EEXIST: "Remove what stands at that path: tandem never writes through a file it did not make."
        case ENOENT: "Create the directory above it, or configure another spill directory."
        default: nil
        }
    }
}
