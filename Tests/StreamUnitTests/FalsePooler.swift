// Stands between a client and a server as a connection pooler does: the same protocol, but the number of the server's
// process is its own. It takes what comes until it is let go.

import Glibc
import TestSupport
import Threading

final class FalsePooler: Sendable {
    let directory: String
    private let listener: Int32
    private let stop = StopSignal()

    init(for server: Cluster) throws {
        directory = try RunDirectory.current.makeDirectory("p")
        let path = "\(directory)/.s.PGSQL.\(server.port)"
        let behind = "\(server.socketDirectory)/.s.PGSQL.\(server.port)"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        guard Self.withAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 5) == 0 else {
            throw HarnessFailure(.setUp, "cannot listen at \(path)")
        }
        let stop = stop
        try Thread("pooler") {
            while true {
                let ready = Poll.wait(for: [.readable(listener), .readable(stop.descriptor)], until: nil)
                if ready.contains(1) { return }
                let client = accept(listener, nil, nil)
                let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
                guard client >= 0, Self.withAddress(behind, { connect(server, $0, $1) }) == 0 else { return }
                Self.carry(client, server, stop)
                close(client)
                close(server)
            }
        }.leave()
    }

    deinit {
        stop.raise()
        close(listener)
    }

    private static func carry(_ client: Int32, _ server: Int32, _ stop: StopSignal) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let ready = Poll.wait(for: [.readable(client), .readable(server), .readable(stop.descriptor)], until: nil)
            if ready.contains(2) { return }
            for (index, from, to) in [(0, client, server), (1, server, client)] where ready.contains(index) {
                let count = read(from, &buffer, buffer.count)
                guard count > 0 else { return }
                if from == server { renumber(&buffer, count) }
                guard write(to, buffer, count) == count else { return }
            }
        }
    }

    /// BackendKeyData: 'K', its length, the process, a secret.
    private static func renumber(_ buffer: inout [UInt8], _ count: Int) {
        let head: [UInt8] = [UInt8(ascii: "K"), 0, 0, 0, 12]
        for start in 0..<max(0, count - 12) where Array(buffer[start..<start + 5]) == head { buffer[start + 8] ^= 1 }
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
