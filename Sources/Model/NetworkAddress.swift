// Where to listen: a numeric address and a port. Names are not looked up, so that nothing waits for a resolver. Pure.

internal import Glibc

package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    /// `127.0.0.1:9187`, `[::1]:9187`, `0.0.0.0:9187`; nil when it is none of these.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port > 0 else {
            return nil
        }
        var host = String(text[..<colon])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        self.host = host
        self.port = port
        guard isBracketed ? isVersion6 : isVersion4 else { return nil }
    }

    package var isVersion6: Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, host, &address) == 1
    }

    private var isVersion4: Bool {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1
    }

    package var description: String { isVersion6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
