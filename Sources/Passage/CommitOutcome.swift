// Whether a COMMIT took place whose answer did not come. Only the server it was sent to knows, once the session that sent it is
// over: nobody has the fence there any more. Until it answers nothing is done.

internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

struct CommitOutcome {
    private let desk: PairDesk
    private let side: Side
    private let stop: StopSignal

    init(_ desk: PairDesk, _ side: Side, stop: StopSignal) { (self.desk, self.side, self.stop) = (desk, side, stop) }

    static func isOpen(_ error: any Error) -> Bool { (error as? PostgresError)?.leavesCommitOpen ?? false }

    /// The epoch that was committed; nil when it was not. Throws only when asked to stop.
    func committed() throws -> Epoch? {
        let before = desk.standing.epoch?.number ?? 0
        var pause = Backoff(first: 0.1, longest: 2)
        while true {
            do {
                let connection = try Connection(
                    to: desk.target(side), for: .control, as: "\(desk.plan.stream) outcome", stop: stop)
                while try !FenceShare(connection, desk.plan.stream).isFree() {
                    if stop.wait(seconds: 0.05) {
                        throw FlipFault.unknown(side, pair: desk.plan.pair)
                    }
                }
                let now = try EpochBook(connection, desk.plan.stream).read()
                return now.flatMap { $0.number > before ? $0 : nil }
            } catch let error as PostgresError {
                if error.kind == .interrupted { throw FlipFault.unknown(side, pair: desk.plan.pair) }
                guard error.isConnectionLost else { throw error }
            }
            if stop.wait(seconds: pause.seconds()) {
                throw FlipFault.unknown(side, pair: desk.plan.pair)
            }
        }
    }
}
