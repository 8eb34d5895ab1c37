// A TCP port that stays ours while a cluster is down: below the range from which the kernel gives ports to outgoing
// connections, and reserved among test processes by a lock file.

internal import Foundation
internal import Glibc

final class FreePort: Sendable {
    let number: Int
    private let reservation: FileLock

    init(root: String) throws {
        let range = 15_000..<max(15_500, Self.firstEphemeral)
        for _ in 0..<1000 {
            let candidate = Int.random(in: range)
            guard let lock = try FileLock(unlessHeld: "\(root)/ports/\(candidate)") else { continue }
            guard Self.isFree(candidate) else { continue }
            (number, reservation) = (candidate, lock)
            return
        }
        throw HarnessFailure(.setUp, "no free TCP port in \(range)")
    }

    private static let firstEphemeral: Int = {
        let range = try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)
        return range?.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? 32_768
    }()

    private static func isFree(_ port: Int) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
