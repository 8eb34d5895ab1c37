// The server against clients that do what clients should not. Each test proves that somebody else is still answered.

import Glibc
import HTTP
import Model
import TestSupport
import Testing
import Threading

@Suite(.timeLimit(.minutes(2))) struct ServerTests {
    /// A running one; ends with the value.
    private final class Running {
        let port: UInt16
        let told = Monitor<[String]>([])
        private let stop = StopSignal()
        private let thread: Thread

        init(port given: UInt16? = nil, body: String = "well\n") throws {
            if let given {
                port = given
            } else {
                let free = RawClient.listening()
                close(free.descriptor)
                port = free.port
            }
            let (told, address) = (told, try #require(NetworkAddress("127.0.0.1:\(port)")))
            let server = Server(
                address, stop: stop, pause: 0.2,
                told: { failure in told.change { $0.append(failure.map { "\($0)" } ?? "listening") } },
                answer: { $0.path == "/" ? Response(body) : .refusing(404) })
            thread = try Thread("http") { server.run() }
            if given == nil { _ = told.wait { $0.isEmpty ? nil : true } }
        }

        deinit {
            stop.raise()
            thread.join()
        }
    }

    @Test func itAnswers() throws {
        let server = try Running()
        let answer = RawClient.ask("/", server.port)
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nwell\n") && answer.contains("Content-Length: 5\r\n"))
        let head = RawClient.ask("/", server.port, method: "HEAD")
        #expect(head.contains("Content-Length: 5\r\n") && head.hasSuffix("\r\n\r\n"))
        #expect(RawClient.ask("/x", server.port).hasPrefix("HTTP/1.1 404 "))
        let post = RawClient.ask("/", server.port, method: "POST")
        #expect(post.hasPrefix("HTTP/1.1 405 ") && post.contains("Allow: GET, HEAD\r\n"))
    }

    /// Many more than there is room for, none of which ever asks.
    @Test func silentClientsKeepNobodyOut() throws {
        let server = try Running()
        let silent = (0..<300).map { _ in RawClient(server.port) }
        for client in silent.suffix(40) { client.send("GET / HT") }
        #expect(RawClient.ask("/", server.port).hasSuffix("well\n"))
        withExtendedLifetime(silent) {}
    }

    @Test func whoDoesNotReadKeepsNobodyWaiting() throws {
        let server = try Running(body: String(repeating: "x", count: 30 << 20))
        let deaf = (0..<5).map { _ in RawClient(server.port) }
        for client in deaf { client.send("GET / HTTP/1.1\r\n\r\nand never reads what it is told") }
        shutdown(deaf[0].descriptor, Int32(SHUT_WR))
        #expect(RawClient.ask("/x", server.port).hasPrefix("HTTP/1.1 404 "))
        #expect(deaf[4].rest().utf8.count > 30 << 20)
    }

    @Test func garbageIsAnsweredAndSurvived() throws {
        let server = try Running()
        for length in [1, 7, 100, 5000, 20_000] {
            let client = RawClient(server.port)
            client.send((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 128) })
            #expect(client.rest().hasPrefix("HTTP/1.1 4"))
        }
        let long = RawClient(server.port)
        long.send("GET / HTTP/1.1\r\nCookie: " + String(repeating: "c", count: 100_000))
        #expect(long.rest().hasPrefix("HTTP/1.1 431 "))
        for _ in 0..<50 { _ = RawClient(server.port) }
        #expect(RawClient.ask("/", server.port).hasSuffix("well\n"))
    }

    @Test func oneThatIsTooSlowIsTold() throws {
        let server = try Running()
        let slow = RawClient(server.port)
        slow.send("GET / HTTP/1.1\r\n")
        #expect(slow.rest().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func aPortThatIsTakenIsWaitedFor() throws {
        let other = RawClient.listening()
        let server = try Running(port: other.port)
        #expect(server.told.wait { $0.first } == "Address already in use")
        close(other.descriptor)
        #expect(server.told.wait { $0.count > 1 ? $0 : nil } == ["Address already in use", "listening"])
        #expect(RawClient.ask("/", server.port).hasSuffix("well\n"))
    }
}
