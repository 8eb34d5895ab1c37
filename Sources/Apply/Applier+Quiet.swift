// Progress where nothing happened: an idle source is confirmed by an empty transaction on the target, never by passing it.

internal import Model
internal import Postgres
internal import Threading

extension Applier {
    /// Positions at which nothing happened are progress too, but each costs a commit: seldom, unless much was passed.
    func confirmQuiet(atOnce: Bool) throws {
        let position = intake.quiet
        let ahead = position.bytes(since: progress.applied)
        guard ahead > 0, atOnce || ahead > 16 << 20 || lastProgress.age > 10 else { return }
        try writer.queueBegin(progress: position, at: nil)
        try writer.queue(control: "SELECT pg_current_xact_id()", doing: "recording progress")
        if let failure = try writer.finishGroup(doing: "recording progress") {
            try writer.rollback()
            throw stopped(by: failure)
        }
        try writer.queueCommit()
        if case .failed(let failure) = try writer.wait(doing: "recording progress") { throw stopped(by: failure) }
        progress.committed(through: position, transactions: 0, changes: 0)
        lastProgress = Monotonic.now
    }

    private func stopped(by failure: ApplyFailure) -> PostgresError {
        if case .server(let error, _) = failure { return error }
        return PostgresError(.unexpected, failure.message(stream), doing: "applying")
    }
}
