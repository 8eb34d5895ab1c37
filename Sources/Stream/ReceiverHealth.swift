// Why the receiver does not read, when it does not, for whoever shows it.

internal import State
internal import Threading

final class ReceiverHealth: Sendable {
    private let problem = Monitor<StreamStatus.Problem?>(nil)

    func report(_ message: String, hint: String?) {
        problem.withLock { known in
            if known?.message != message { known = StreamStatus.Problem(message: message, hint: hint) }
        }
    }

    func clear() { problem.withLock { $0 = nil } }

    var current: StreamStatus.Problem? { problem.withLock { $0 } }
}
