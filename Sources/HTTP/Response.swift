// What is answered: a status, a type, a body. Every answer ends its connection, so that none outlives what it was for.

package struct Response: Sendable {
    package let status: Int
    package let type: String
    package let body: String

    package init(_ body: String, status: Int = 200, type: String = "text/plain; charset=utf-8") {
        self.status = status
        self.type = type
        self.body = body
    }

    /// One line that says what the number means.
    package static func refusing(_ status: Int) -> Response {
        Response("\(status) \(reason(status))\n", status: status)
    }

    /// `HEAD` is told how long the body would be.
    func bytes(withBody: Bool) -> [UInt8] {
        let text = Array(body.utf8)
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
        head += "Content-Type: \(type)\r\nContent-Length: \(text.count)\r\nCache-Control: no-store\r\n"
        head += "X-Content-Type-Options: nosniff\r\n"
        if status == 405 { head += "Allow: GET, HEAD\r\n" }
        head += "Connection: close\r\n\r\n"
        return Array(head.utf8) + (withBody ? text : [])
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }
}
