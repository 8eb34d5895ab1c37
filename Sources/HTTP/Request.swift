// The head of a request, read as it arrives: enough of HTTP/1.1 to know what is asked for, and to refuse everything else by its
// number. Pure. A request has no body here: whoever announces one is refused.

package struct Request: Equatable, Sendable {
    package enum Method: String, Sendable { case get = "GET", head = "HEAD" }

    package let method: Method
    /// Without what follows a `?`, and not decoded: what is served here has plain names.
    package let path: String

    package enum Reading: Equatable, Sendable {
        case incomplete
        case request(Request)
        /// What cannot be answered, with the status that says why.
        case refused(Int)
    }

    package init(method: Method, path: String) {
        self.method = method
        self.path = path
    }

    /// A head may have this many bytes.
    package static let limit = 8192

    package static func read(_ bytes: [UInt8]) -> Reading {
        guard let end = endOfHead(bytes) else {
            if let first = bytes.first(where: { $0 != 13 && $0 != 10 }), !isToken(first) { return .refused(400) }
            return bytes.count >= limit ? .refused(431) : .incomplete
        }
        guard end <= limit else { return .refused(431) }
        var lines = bytes[..<end].split(separator: 10).map { line in line.last == 13 ? line.dropLast() : line }
        lines.removeAll(where: \.isEmpty)
        guard let first = lines.first else { return .refused(400) }
        return read(first, headers: lines.dropFirst())
    }

    private static func read(_ line: ArraySlice<UInt8>, headers: ArraySlice<ArraySlice<UInt8>>) -> Reading {
        guard line.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else { return .refused(400) }
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard words.count == 3, words.allSatisfy({ !$0.isEmpty }) else { return .refused(400) }
        guard words[2].hasPrefix("HTTP/") else { return .refused(400) }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else { return .refused(505) }
        for header in headers {
            guard let colon = header.firstIndex(of: UInt8(ascii: ":")), colon > header.startIndex,
                header[..<colon].allSatisfy(isToken)
            else { return .refused(400) }
            let name = String(decoding: header[..<colon], as: UTF8.self).lowercased()
            let value = header[(colon + 1)...].filter { $0 != 0x20 && $0 != 9 }
            if name == "transfer-encoding" || name == "content-length" && Array(value) != [UInt8(ascii: "0")] {
                return .refused(413)
            }
        }
        guard let method = Method(rawValue: words[0]) else { return .refused(405) }
        guard words[1].hasPrefix("/") else { return .refused(400) }
        return .request(Request(method: method, path: String(words[1].prefix { $0 != "?" })))
    }

    /// After the empty line; empty lines before the request do not count.
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var hasText = false
        var isLineEmpty = true
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case 10:
                if isLineEmpty && hasText { return index + 1 }
                isLineEmpty = true
            case 13: continue
            default: (isLineEmpty, hasText) = (false, true)
            }
        }
        return nil
    }

    /// What names of methods and headers are made of.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
        }
    }
}
