// Waiting out what stands in the way: transient failures with a growing pause, everything else until an operator acts.
// Both are shown; both end at once when asked to stop or when a table was set aside.

internal import Assembly
internal import Batching
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

extension Applier {
    /// After a transient failure: says so, waits, and looks whether the connection still lives.
    /// True when the target was looked at afresh meanwhile, so that batches made before no longer fit it.
    @discardableResult
    func giveWay(_ failure: ApplyFailure, _ transaction: Transaction?, _ pause: inout Backoff) throws -> Bool {
        if case .server(let error, _) = failure, error.isConnectionLost || writer.connection.isBroken { throw error }
        // Where applications write the same rows, one lets the other go first now and then: no news before it lasts.
        if !setup.hasTwins || !failure.isAboutLocks || pause.rounds > 5 { report(failure, transaction, blocked: false) }
        guard try wait(seconds: pause.seconds()) else { return false }
        try changed()
        return true
    }

    /// Blocked: nothing of this transaction is on the target, everything before it is.
    func standStill(_ failure: ApplyFailure, _ transaction: Transaction, _ pause: inout Backoff) throws {
        report(failure, transaction, blocked: true)
        _ = try wait(seconds: pause.seconds())
        try changed()
        try settleGate()
    }

    /// Whether somebody asked for attention.
    private func wait(seconds: Double) throws -> Bool {
        Poll.wait(
            for: [.readable(stop.descriptor), .readable(attention.descriptor)],
            until: Monotonic.now.adding(seconds: seconds))
        guard !stop.isRaised else { throw PostgresError(.interrupted, "stopped on request", doing: "applying") }
        return attention.take()
    }

    /// The target may look different now: tables were set aside, or an operator has mended something.
    func changed() throws {
        shortcut.close()
        try writer.outsidePipeline { try learnSetAside() }
        for lane in lanes.all { lane.forgetStatements() }
        fillingIsStale()
    }

    func learnSetAside() throws {
        mappings.forget(setAside: Set(try side.setAside().map(\.name)))
    }

    private func report(_ failure: ApplyFailure, _ transaction: Transaction?, blocked: Bool) {
        let position = transaction?.commit.end.description
        let hint = blocked ? failure.hint(stream) : failure.passingHint(stream)
        let problem = StreamStatus.Problem(
            message: failure.message(stream), hint: hint, sqlstate: failure.sqlState?.code,
            table: failure.table?.description, position: position)
        guard progress.report(problem, blocked: blocked) else { return }
        var log = log
        if let table = problem.table { log = log.with(.relation, table) }
        if let state = problem.sqlstate { log = log.with(.sqlstate, state) }
        if let position { log = log.with(.lsn, position) }
        if let transaction { log = log.with(.xid, transaction.xid) }
        log = log.with(.detail, problem.message)
        if let hint { log = log.with(.hint, hint) }
        if blocked { log.error("blocked") } else { log.warning("retrying") }
    }

    /// Counts, in the same transaction, the changes of tables that are set aside.
    func queueLeftOut(_ batch: Batch) throws {
        // What is left out because the copy holds it is not missing anywhere.
        for (shape, count) in batch.leftOutOf where mappings.isSetAside(shape) {
            let name = mappings.setAsideName(shape)
            try writer.queue(
                control: """
                    UPDATE tandem.set_aside SET changes = changes + $4
                     WHERE stream = $1 AND schema_name = $2 AND table_name = $3
                    """,
                [stream.description, name.schema, name.name, "\(count)"], doing: "counting what is set aside")
        }
    }

    /// The newest of our own heartbeats that this batch made visible.
    func noteBeat(_ batch: Batch) {
        for segment in batch.segments {
            for table in segment.tables {
                guard let mapping = mappings.mapping(ofTarget: table.target), mapping.isHeartbeat else { continue }
                for entry in table.keyed.entries {
                    if let beat = Heartbeat.number(entry.new, mapping.shape, stream) { progress.visible(beat: beat) }
                }
            }
        }
    }
}
