// What is asked of the socket below a connection.

internal import CLibPQ
internal import Glibc

extension Connection {
    /// Whether it goes by TCP and both ends are on this machine, where no distance needs a window.
    package var isWithinOneHost: Bool {
        onOwnThread()
        guard let here = address(getsockname), let there = address(getpeername) else { return false }
        return here == there
    }

    /// Has the kernel keep little of what comes. A window alone would not do: it is counted from what has come, not from what
    /// was read, and grows by itself for who reads much at once; a size that was asked for stays. More than the largest
    /// segment of the loopback device, 64 kB, must fit into the half of it that systems make a window of, or a quarter: otherwise
    /// the sender waits for room that never comes.
    package func keepReceiveBufferSmall() {
        onOwnThread()
        var size: Int32 = 128 << 10
        // Where it is refused, more of the source's processor is used, and nothing else changes.
        _ = setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The address without its port; nil for what is not TCP.
    private func address(
        _ ask: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
    ) -> [UInt8]? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes in
            let failed = ask(socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) != 0
            guard !failed else { return nil }
            switch Int32(bytes.load(as: sockaddr.self).sa_family) {
            case AF_INET: return withUnsafeBytes(of: bytes.load(as: sockaddr_in.self).sin_addr, Array.init)
            case AF_INET6: return withUnsafeBytes(of: bytes.load(as: sockaddr_in6.self).sin6_addr, Array.init)
            default: return nil
            }
        }
    }
}
