// A program's output on its way to us.

internal import Glibc

/// Two ends that no other program inherits; the reading one is closed with this.
final class Pipe {
    let read: Int32
    let write: Int32
    private var isWriteOpen = true

    init() throws(ProcessError) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw .cannotRun("cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        (read, write) = (ends[0], ends[1])
    }

    func closeWrite() {
        if isWriteOpen { close(write) }
        isWriteOpen = false
    }

    deinit {
        close(read)
        closeWrite()
    }
}
