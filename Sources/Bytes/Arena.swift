// Bytes that live as long as the arena and never move. For what must be put together (merged rows, composite keys) and
// pointed at until a batch is done.

package final class Arena {
    private var chunks: [UnsafeMutableRawPointer] = []
    private var next = UnsafeMutableRawPointer(bitPattern: 16)!
    private var left = 0
    package private(set) var bytes = 0

    private static let chunkSize = 64 * 1024

    package init() {}

    deinit { for chunk in chunks { chunk.deallocate() } }

    package func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        if count > left {
            let size = max(count, Self.chunkSize)
            next = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
            chunks.append(next)
            left = size
            bytes += size
        }
        defer {
            next += count
            left -= count
        }
        return next
    }
}
