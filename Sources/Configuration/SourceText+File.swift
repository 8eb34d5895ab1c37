// Reading the configuration from disk: whole, and only up to a size no configuration has.

internal import Glibc

extension SourceText {
    static let largest = 1 << 20

    static func read(path: String) throws(ConfigurationError) -> SourceText {
        let empty = SourceText(file: path, bytes: [])
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw empty.error("this is not the path of a file", at: nil, hint: missingHint)
        }
        // Opening a named pipe that nobody writes would wait for ever; one that somebody writes is waited for when it is read.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw empty.failure(errno) }
        defer { close(descriptor) }
        guard fcntl(descriptor, F_SETFL, 0) == 0 else { throw empty.failure(errno) }
        return SourceText(file: path, bytes: try empty.everything(in: descriptor))
    }

    private static let missingHint =
        "name the configuration with `--config FILE`, or start tandem where its `tandem.yaml` is"

    private func everything(in descriptor: Int32) throws(ConfigurationError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(errno)
            }
            bytes += chunk[..<count]
            guard bytes.count <= SourceText.largest else {
                throw error("this is larger than 1 MB, so it is no configuration", at: nil)
            }
        }
    }

    private func failure(_ code: Int32) -> ConfigurationError {
        switch code {
        case ENOENT, ENOTDIR: error("there is no such file", at: nil, hint: SourceText.missingHint)
        case EISDIR: error("this is a directory, not a file", at: nil, hint: SourceText.missingHint)
        default: error("cannot be read: \(String(cString: strerror(code)))", at: nil)
        }
    }
}
