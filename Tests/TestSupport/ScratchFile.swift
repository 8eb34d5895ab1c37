// A file without a name: for the input and output of a program. Gone when the last descriptor is closed, whatever
// happens to this process. It is in memory: a disk's file system makes each file after thousands that were just deleted slower.

internal import CLinux
internal import Glibc

final class ScratchFile: Sendable {
    let descriptor: Int32

    init() throws {
        descriptor = memfd_create("tandem-scratch", 1)  // MFD_CLOEXEC
        guard descriptor >= 0 else {
            throw HarnessFailure(.setUp, "no scratch file: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// Writes the text and goes back to the start, where the program begins to read.
    func fill(_ text: String) throws {
        var text = text
        let complete = text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard complete, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw HarnessFailure(.setUp, "cannot fill a scratch file: \(String(cString: strerror(errno)))")
        }
    }

    var text: String { String(decoding: bytes(from: 0), as: UTF8.self) }

    /// Leaves the position alone, which the program shares.
    func bytes(from start: Int) -> [UInt8] {
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(descriptor, &block, block.count, off_t(start + result.count))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return result }
            result.append(contentsOf: block[..<count])
        }
    }
}
