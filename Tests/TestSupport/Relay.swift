// A wire between tandem and a server that a test can break: reset, cut in the middle of a message, slow it down to a few bytes a
// second, let nothing pass. Over TCP on the loopback. One thread takes connections, and one carries each of them.

internal import Foundation
internal import Glibc
internal import Synchronization

package final class Relay: Sendable {
    package enum Way: Sendable {
        case open
        /// Nothing passes, in either direction, and nobody is told.
        case still
        /// So many bytes a second towards the client.
        case trickle(Int)
        /// Every connection ends with a reset; new ones are taken.
        case reset
        /// After so many bytes towards the client every connection ends, wherever in a message that is.
        case cut(after: Int)
        /// Every connection ends; new ones are answered as by a server that does not speak the version of the protocol, or an
        /// option that was asked for (NegotiateProtocolVersion), and then by nothing more.
        case haggle
    }

    private struct State {
        var way = Way.open
        /// Counts what was asked, so that each connection ends once for each.
        var turn = 0
        var hasEnded = false
    }

    package let port: Int
    private let server: Int
    private let listener: Int32
    private let state = Mutex(State())

    package init(to server: Cluster) throws {
        self.server = server.port
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isReady = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 20) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isReady else { throw HarnessFailure(.setUp, "cannot listen on the loopback") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in take() }
    }

    package func set(_ way: Way) {
        state.withLock {
            $0.way = way
            $0.turn += 1
        }
    }

    package func end() { state.withLock { $0.hasEnded = true } }

    // MARK: carrying

    private func take() {
        while !state.withLock({ $0.hasEnded }) {
            guard Self.isReadable([listener])[0] else { continue }
            let client = accept(listener, nil, nil)
            guard client >= 0 else { continue }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            Thread.detachNewThread { [self] in
                if case .haggle = state.withLock({ $0.way }) { return haggle(client) }
                let behind = connected()
                if behind >= 0 { carry(client, behind) }
                [client, behind].filter { $0 >= 0 }.forEach { close($0) }
            }
        }
        close(listener)
    }

    private func carry(_ client: Int32, _ behind: Int32) {
        let began = state.withLock { $0.turn }
        var left = Int.max
        var seen = began
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let (way, turn, hasEnded) = state.withLock { ($0.way, $0.turn, $0.hasEnded) }
            if hasEnded { return }
            var most = buffer.count
            switch way {
            case .open: break
            case .still:
                usleep(10_000)
                continue
            case .reset where turn > began: return reset(client)
            case .reset: break
            case .haggle: return
            case .cut(let after):
                if turn > seen && turn > began { left = after }
                if left == 0 { return }
                most = min(most, left)
            case .trickle(let rate):
                usleep(100_000)
                most = max(1, rate / 10)
            }
            seen = turn
            let ready = Self.isReadable([client, behind])
            if ready[0], !pass(client, behind, &buffer, buffer.count, nil) { return }
            var passed = 0
            if ready[1], !pass(behind, client, &buffer, most, &passed) { return }
            if left != .max { left -= passed }
        }
    }

    private func pass(
        _ from: Int32, _ to: Int32, _ buffer: inout [UInt8], _ most: Int, _ passed: UnsafeMutablePointer<Int>?
    ) -> Bool {
        let count = read(from, &buffer, most)
        guard count > 0 else { return false }
        passed?.pointee = count
        var done = 0
        while done < count {
            let written = buffer.withUnsafeBytes {
                send(to, $0.baseAddress! + done, count - done, Int32(MSG_NOSIGNAL))
            }
            guard written > 0 else { return false }
            done += written
        }
        return true
    }

    private func haggle(_ client: Int32) {
        defer { close(client) }
        var packet = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            let count = read(client, &packet, packet.count)
            guard count > 0 else { return }
            // Requests for encryption are eight bytes long, and refused.
            let answer = count == 8 ? [UInt8(ascii: "N")] : Self.haggling
            guard send(client, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { return }
        }
    }

    /// At most version 3.0, and one option is unknown.
    private static let haggling: [UInt8] =
        [UInt8(ascii: "v"), 0, 0, 0, 20, 0, 3, 0, 0, 0, 0, 0, 1] + "_pq_.no".utf8 + [0]

    private func reset(_ client: Int32) {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(client, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    private func connected() -> Int32 {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.address(server)
        let answer = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if answer == 0 { return made }
        close(made)
        return -1
    }

    private static func isReadable(_ descriptors: [Int32]) -> [Bool] {
        var set = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&set, nfds_t(set.count), 20)
        return set.map { $0.revents != 0 }
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
