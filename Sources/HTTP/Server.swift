// A small HTTP server on one thread of its own. It serves what is ready: the answer to a request is made at once, from what
// others have put there, so that no client waits for another one and none reaches a thread of the stream. Whatever clients do,
// it holds at most `limit` connections, each for some seconds and some kilobytes: when all are taken, the one that has been
// silent for longest goes.

internal import CLinux
internal import Glibc
package import Model
package import Threading

package final class Server: Sendable {
    private static let limit = 64

    private let address: NetworkAddress
    private let stop: StopSignal
    private let pause: Double
    private let answer: @Sendable (Request) -> Response
    private let told: @Sendable (ListenFailure?) -> Void

    /// `told` hears that it listens (nil), or why it does not; it tries again until it does, after a pause of so many seconds.
    package init(
        _ address: NetworkAddress, stop: StopSignal, pause: Double = 5,
        told: @escaping @Sendable (ListenFailure?) -> Void,
        answer: @escaping @Sendable (Request) -> Response
    ) {
        self.address = address
        self.stop = stop
        self.pause = pause
        self.told = told
        self.answer = answer
    }

    /// Until asked to stop.
    package func run() {
        var isSaid = false
        while !stop.isRaised {
            switch ListeningSocket.open(address) {
            case .success(let descriptor):
                told(nil)
                isSaid = false
                serve(descriptor)
            case .failure(let failure):
                if !isSaid { told(failure) }
                isSaid = true
                stop.wait(seconds: pause)
            }
        }
    }

    private func serve(_ listening: Int32) {
        var exchanges: [Exchange] = []
        defer {
            exchanges.forEach { $0.finish() }
            close(listening)
        }
        while !stop.isRaised {
            let ready = Poll.wait(
                for: [.readable(stop.descriptor), .readable(listening)] + exchanges.map(\.interest),
                until: exchanges.map(\.deadline).min())
            if stop.isRaised { return }
            for index in ready where index >= 2 { exchanges[index - 2].goOn(answer) }
            let now = Monotonic.now
            for index in exchanges.indices where exchanges[index].deadline <= now { exchanges[index].expire() }
            exchanges.filter(\.isOver).forEach { $0.finish() }
            exchanges.removeAll(where: \.isOver)
            guard ready.contains(1) else { continue }
            if exchanges.count >= Self.limit { makeRoom(in: &exchanges) }
            admit(listening, &exchanges)
        }
    }

    /// The oldest that has not asked for anything yet; when all have, the oldest.
    private func makeRoom(in exchanges: inout [Exchange]) {
        let index = exchanges.firstIndex(where: \.isReading) ?? 0
        exchanges[index].finish()
        exchanges.remove(at: index)
    }

    private func admit(_ listening: Int32, _ exchanges: inout [Exchange]) {
        let descriptor = tandem_accept(listening)
        if descriptor >= 0 { return exchanges.append(Exchange(descriptor)) }
        // No descriptor left, say: the one that waits would be announced again and again.
        if errno != EAGAIN && errno != EINTR && errno != ECONNABORTED { stop.wait(seconds: 0.1) }
    }
}
