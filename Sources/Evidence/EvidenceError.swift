// What keeps an entry from being written, and so an act from being done. With path and hint, never with what an entry says.

internal import Glibc
package import Model

package struct EvidenceError: Explained, Equatable {
    package let description: String
    package let hint: String?
    package let exitCode: ExitCode

    init(_ description: String, hint: String?, exitCode: ExitCode = .failed) {
        self.description = description
        self.hint = hint
        self.exitCode = exitCode
    }

    static func system(_ doing: String, _ path: String, _ code: Int32) -> EvidenceError {
        EvidenceError(
            "cannot \(doing) \(withoutControls(path)): \(String(cString: strerror(code))); nothing was done without evidence",
            hint: hint(for: code))
    }

    static func refused(_ path: String, _ why: String, hint: String) -> EvidenceError {
        EvidenceError(
            "the evidence in \(withoutControls(path)) \(why); nothing was done without evidence", hint: hint,
            exitCode: .refused)
    }

    private static func hint(for code: Int32) -> String? {
        switch code {
        case ENOSPC, EDQUOT:
            "free space there, or set `evidence` to a directory that has some, with the log moved along"
        case EFBIG: "raise the file size limit of the process (ulimit -f)"
        case EACCES, EPERM, EROFS:
            "give the user tandem runs as write access, or set `evidence` to a directory that it can write, with the log"
                + " moved along"
        case ENOENT: "create the directory above it, or set `evidence` to another one"
        case ELOOP: "`evidence` must not lead through a symbolic link: name the place itself"
        case ENOTDIR: "something that is no directory stands there: set `evidence` to a directory"
        default: nil
        }
    }
}
