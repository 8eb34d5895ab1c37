// A socket that listens at an address: made here, closed by who has it.

internal import Glibc
internal import Model

package struct ListenFailure: Error, CustomStringConvertible {
    let code: Int32

    package var description: String { String(cString: strerror(code)) }
}

enum ListeningSocket {
    static func open(_ address: NetworkAddress) -> Result<Int32, ListenFailure> {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.isVersion6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { return .failure(ListenFailure(code: errno)) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address) == 0, listen(descriptor, 64) == 0 else {
            let code = errno
            close(descriptor)
            return .failure(ListenFailure(code: code))
        }
        return .success(descriptor)
    }

    private static func bind(_ descriptor: Int32, _ address: NetworkAddress) -> Int32 {
        guard address.isVersion6 else {
            var four = sockaddr_in()
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = address.port.bigEndian
            inet_pton(AF_INET, address.host, &four.sin_addr)
            return bind(descriptor, &four)
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = address.port.bigEndian
        inet_pton(AF_INET6, address.host, &six.sin6_addr)
        return bind(descriptor, &six)
    }

    private static func bind<Kind>(_ descriptor: Int32, _ address: inout Kind) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<Kind>.size))
            }
        }
    }
}
