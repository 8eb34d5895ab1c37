// Runs one stream for as long as it takes: holds the runner's lock on the target, starts one session after another, and
// decides what an end means: go on, try again later, or stop because going on would be unsafe. A second runner stands by
// here until the first one's lock is free.

internal import Apply
internal import Glibc
internal import Model
internal import Postgres
internal import Spill
internal import State
package import Telemetry
package import Threading

package final class StreamRunner {
    private let plan: StreamPlan
    private let until: Until?
    private let stop: StopSignal
    private let log: Log

    private var resolvedEnd: LSN?
    private var textOnly = false
    private var hasStreamed = false
    private var backoff = Backoff(first: 0.2, longest: 10)
    private var lastReason = ""

    package init(_ plan: StreamPlan, until: Until?, stop: StopSignal, log: Log) {
        self.plan = plan
        self.until = until
        self.stop = stop
        self.log = log.with(.stream, plan.stream)
    }

    /// Nil when it ended as asked.
    package func run() -> (any Error)? {
        while !stop.isRaised {
            do {
                return try hold()
            } catch {
                if let final = judge(error) { return final }
                if stop.isRaised { return nil }
            }
        }
        return nil
    }

    /// With the lock: sessions until one ends the run. Losing the control connection loses the lock, and starts over.
    private func hold() throws -> (any Error)? {
        let connection = try Connection(to: plan.target, for: .control, as: "\(plan.stream) runner", stop: stop)
        let side = TargetSide(connection, plan.stream)
        guard try takeLock(side) else { return nil }
        while !stop.isRaised {
            do {
                let session = StreamSession(plan, control: side, textOnly: textOnly, stop: stop, log: log)
                let end = try session.run(until: until, resolved: &resolvedEnd) { begun() }
                say(.stopped, nil, side)
                if case .finished = end { log.info("reached its end", [.lsn: resolvedEnd ?? .zero]) }
                return nil
            } catch let held as LogHeldTooLong {
                return try letGo(held, side)
            } catch {
                if connection.isBroken { throw error }
                if let final = judge(error, side) { return final }
            }
        }
        say(.stopped, nil, side)
        return nil
    }

    private func begun() {
        hasStreamed = true
        backoff = Backoff(first: 0.2, longest: 10)
        lastReason = ""
    }

    // MARK: one runner

    private func takeLock(_ side: TargetSide) throws -> Bool {
        var said = false
        while try !side.tryRunnerLock() {
            if !said { log.info("standing by", [.reason: "another tandem runs this stream"]) }
            said = true
            if stop.wait(seconds: 1) { return false }
        }
        if said { log.info("taking over") }
        return true
    }

    // MARK: what an end means

    /// The error when it ends the run; nil after waiting, when another attempt makes sense.
    private func judge(_ error: any Error, _ side: TargetSide? = nil) -> (any Error)? {
        if stop.isRaised { return nil }
        if let needs = error as? NeedsTextStream {
            log.info("going on in text", [.relation: needs.table])
            textOnly = true
            return nil
        }
        if isFinal(error) {
            say(.stopped, error, side)
            return error
        }
        let reason = "\(error)"
        if reason != lastReason { log.warning("stream interrupted", [.reason: reason]) }
        lastReason = reason
        say(.retrying, error, side)
        stop.wait(seconds: backoff.seconds())
        return nil
    }

    private func isFinal(_ error: any Error) -> Bool {
        switch error {
        case is StateError, is StreamBlocked: return true
        case let error as SpillError: return !error.isCorrupt && !error.isOutOfSpace && !hasStreamed
        case let error as PostgresError:
            if Self.isLost(error) { return true }
            return !hasStreamed && (error.kind == .cannotConnect || !error.isTransient)
        default: return false
        }
    }

    /// The source says that the slot cannot give what is still needed.
    private static func isLost(_ error: PostgresError) -> Bool {
        error.sqlState == "55000" && error.message.contains("slot")
    }

    // MARK: too much log held

    private func letGo(_ held: LogHeldTooLong, _ side: TargetSide) throws -> any Error {
        let source = try Connection(to: plan.source, for: .control, as: "\(plan.stream) runner", stop: stop)
        try SourceSide(source, plan.stream).dropSlot()
        let error = StateError.unsafe(
            "slot \(plan.stream) held \(held.held) bytes of log on old, over limits.wal_held (\(held.limit)), and was"
                + " dropped as limits.on_wal_held asks",
            hint: "new no longer follows; `tandem abort`, then prepare and load new again")
        log.error("slot dropped", [.bytes: held.held, .limit: held.limit])
        say(.stopped, error, side)
        return error
    }

    // MARK: status between sessions

    private func say(_ state: StreamStatus.State, _ error: (any Error)?, _ side: TargetSide?) {
        guard let side, (try? side.hasSchema) == true else { return }
        var status =
            (try? side.readStatus()).flatMap { StreamStatus.decode($0.text) }
            ?? StreamStatus(state: state, host: HostName.current, pid: getpid())
        status.state = state
        status.pid = getpid()
        status.host = HostName.current
        status.problem = error.map { error in
            StreamStatus.Problem(
                message: "\(error)", hint: (error as? any Explained)?.hint,
                sqlstate: (error as? PostgresError)?.sqlState?.code)
        }
        try? side.write(status: status.encoded())
    }
}
