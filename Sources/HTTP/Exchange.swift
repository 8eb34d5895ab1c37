// One client: its request as it arrives, the answer as it leaves, and then a moment in which what it still sends is thrown away,
// because closing over unread bytes would take the answer back. Never blocks; used by the server's thread alone.

internal import Glibc
internal import Threading

struct Exchange {
    private enum Phase {
        case reading([UInt8])
        case writing([UInt8], sent: Int)
        case lingering
        case over
    }

    /// For the whole request, for the whole answer, for the end.
    static let patience = (request: 5.0, answer: 10.0, end: 1.0)
    /// What may still come after the request.
    private static let surplusLimit = 1 << 20

    let descriptor: Int32
    private var phase = Phase.reading([])
    private var surplus = 0
    private(set) var deadline = Monotonic.now.adding(seconds: patience.request)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    var isOver: Bool { if case .over = phase { true } else { false } }
    var isReading: Bool { if case .reading = phase { true } else { false } }

    /// While it writes it reads nothing: what a client goes on sending stays where it is, and its end is no news.
    var interest: Poll.Interest {
        if case .writing = phase { .writable(descriptor) } else { .readable(descriptor) }
    }

    func finish() { close(descriptor) }

    /// Something can be read or written.
    mutating func goOn(_ answer: (Request) -> Response) {
        switch phase {
        case .reading: receive(answer)
        case .writing: send()
        case .lingering: discard()
        case .over: break
        }
    }

    /// Its time is up: a request that did not come is told so, everything else ends.
    mutating func expire() {
        guard case .reading(let bytes) = phase, !bytes.isEmpty else { return phase = .over }
        reply(.refusing(408), withBody: true)
    }

    private mutating func receive(_ answer: (Request) -> Response) {
        guard case .reading(var bytes) = phase else { return }
        var part = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &part, part.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return phase = .over }
        bytes += part.prefix(count)
        phase = .reading(bytes)
        switch Request.read(bytes) {
        case .incomplete: break
        case .refused(let status): reply(.refusing(status), withBody: true)
        case .request(let request): reply(answer(request), withBody: request.method == .get)
        }
    }

    private mutating func reply(_ response: Response, withBody: Bool) {
        phase = .writing(response.bytes(withBody: withBody), sent: 0)
        deadline = Monotonic.now.adding(seconds: Self.patience.answer)
        send()
    }

    private mutating func send() {
        guard case .writing(let bytes, var sent) = phase else { return }
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count >= 0 else { return phase = .over }
        sent += count
        guard sent == bytes.count else { return phase = .writing(bytes, sent: sent) }
        shutdown(descriptor, Int32(SHUT_WR))
        phase = .lingering
        deadline = Monotonic.now.adding(seconds: Self.patience.end)
    }

    private mutating func discard() {
        var part = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &part, part.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        surplus += max(0, count)
        if count <= 0 || surplus >= Self.surplusLimit { phase = .over }
    }
}
