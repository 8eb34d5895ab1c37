// What counts as a request, and the number of every refusal.

import HTTP
import Testing

@Suite struct RequestTests {
    private func read(_ text: String) -> Request.Reading { Request.read(Array(text.utf8)) }

    @Test(arguments: [
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "GET /metrics HTTP/1.0\n\n", "\r\nGET /metrics HTTP/1.1\r\n\r\n",
        "GET /metrics?x=%00 HTTP/1.1\r\nAccept: */*\r\nContent-Length: 0\r\n\r\nand more",
    ])
    func theseAsk(_ text: String) {
        #expect(read(text) == .request(Request(method: .get, path: "/metrics")))
    }

    @Test(arguments: [
        ("POST /metrics HTTP/1.1\r\n\r\n", 405), ("get / HTTP/1.1\r\n\r\n", 405), ("GET / HTTP/2.0\r\n\r\n", 505),
        ("GET /\r\n\r\n", 400), ("GET  / HTTP/1.1\r\n\r\n", 400), ("GET metrics HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400), ("GET / HTTP/1.1\r\nbad name: x\r\n\r\n", 400),
        ("GET /a\u{e9} HTTP/1.1\r\n\r\n", 400), ("GET / SPDY/1\r\n\r\n", 400), ("\u{16}\u{3}\u{1}", 400),
        ("PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 9000), 431),
        ("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 9000) + "\r\n\r\n", 431),
    ])
    func theseAreRefused(_ text: String, _ status: Int) {
        #expect(read(text) == .refused(status))
    }

    @Test func itMayArriveByteByByte() {
        let whole = Array("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        for count in 0..<whole.count { #expect(Request.read(Array(whole[..<count])) == .incomplete) }
        #expect(Request.read(whole) == .request(Request(method: .get, path: "/healthz")))
    }

    /// Whatever bytes come, there is an answer, and none of them traps.
    @Test func garbageIsRefusedOrWaitedFor() {
        var state: UInt64 = 20_261_128
        for _ in 0..<3000 {
            let bytes = (0..<Int(state % 200)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 33)
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1
            if case .request(let request) = Request.read(bytes) { #expect(request.path.hasPrefix("/")) }
        }
    }
}
