// Runs one stream for as long as it takes: holds the runner's lock on the target, starts one session after another, and
// decides what an end means: go on, try again later, or stop because going on would be unsafe. A second runner stands by
// here until the first one's lock is free.

internal import Apply
internal import Configuration
internal import DataB
internal import Evidence
internal import Glibc
package import InitialCopy
internal import Model
internal import Postgres
internal import Protocol
internal import SchemaCopy
internal import Spill
internal import State
package import Telemetry
package import Threading

package final class StreamRunner {
    let plan: StreamPlan
    let until: Until?
    let stop: StopSignal
    let log: Log
    private let unnamed: Log
    private let schema: CarriedSchema
    private let acceptsSchema: Bool
    private let firstCheck: @Sendable () throws -> Void
    private let chronicle: RunChronicle
    private let shown: (@Sendable (CopyProgress?) -> Void)?
    let course: PairCourse
    /// What the stream is to do; the course is asked before each session.
    private var role: StreamRole

    private var resolvedEnd: LSN?
    private var textOnly = false
    var hasStreamed = false
    /// Others have shown that it can be connected with what it was given: it does not end because a server is away.
    private var hasStoodBy = false
    /// It was itself connected to both, if only to be told to wait.
    private var hasConnected = false
    private var backoff = StreamRunner.freshBackoff
    private var lastReason = ""
    /// How often running a server has given the very same answer, which waiting will not change.
    private var refusals = 0
    var heldLog: HeldLog
    private var ahead: SourceAhead
    /// The last word could not be said to it.
    private var isTargetAway = false

    private static var freshBackoff: Backoff { Backoff(first: 0.2, longest: 10) }

    /// `firstCheck` throws what stands in the way of making and copying everything; asked for once, before that begins.
    /// `shown` hears how the copy goes.
    package init(
        _ plan: StreamPlan, until: Until?, acceptsSchema: Bool = false,
        firstCheck: @escaping @Sendable () throws -> Void = {}, stop: StopSignal,
        shown: (@Sendable (CopyProgress?) -> Void)? = nil, log: Log, course: PairCourse = PairCourse()
    ) {
        self.plan = plan
        self.firstCheck = firstCheck
        self.shown = shown
        self.course = course
        role = plan.isForward ? .apply : .watch
        self.until = until
        self.stop = stop
        unnamed = log
        self.log = log.with(.stream, plan.stream)
        heldLog = HeldLog(limit: plan.limits.walHeld, stream: plan.stream)
        schema = CarriedSchema(plan, accepts: acceptsSchema, log: self.log)
        self.acceptsSchema = acceptsSchema
        chronicle = RunChronicle(plan, log: self.log)
        ahead = SourceAhead(plan, stop: stop)
    }

    /// Nil when it ended as asked.
    package func run() -> (any Error)? {
        let failure = keepRunning()
        chronicle.end(failure, isTargetAway: isTargetAway)
        return failure
    }

    private func keepRunning() -> (any Error)? {
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
        ahead.begin()
        defer { ahead.forget() }
        try bringUpToDate(connection)
        // What is made first needs a replication connection of its own, and old may have no more than one to give.
        let isBound = try side.binding() != nil
        if isBound { ahead.beginReplication() }
        if try !CarriedSchema.heedPreflight(plan, side) {
            log.info("not checked", [.reason: "no `tandem preflight` of this stream is on record here"])
        }
        try chronicle.begin(target: connection, until: until, acceptsSchema: acceptsSchema) {
            try? ahead.asking()
        }
        if !isBound { try prepareCopy(side) }
        let recent = RecentChanges()
        let memory = CensusMemory()
        let company = StreamCompany(
            plan, course, recent, hasEnd: until != nil, acceptsSchema: acceptsSchema, shown: shown, stop: stop,
            log: log,
            unnamed: unnamed)
        defer { company.end() }
        while !stop.isRaised {
            try PairEpochs.note(connection, plan.stream.target, plan.stream, in: course)
            if plan.isForward { course.tellNews(log) }
            try learnRole()
            // The stream back has no more to do: whoever runs it takes it away.
            if role == .off, !plan.isForward { break }
            try company.adjust(to: role, side)
            if let failure = company.failure {
                say(.stopped, failure, side)
                return failure
            }
            if role == .off {
                ahead.forget()
                stop.wait(seconds: 1)
                continue
            }
            if let final = try restWhilePaused(side) { return final }
            if stop.isRaised { break }
            let session = StreamSession(
                plan, role: role, course: course, control: side, copy: company.copy, schema: schema,
                chronicle: chronicle, recent: recent, memory: memory, textOnly: textOnly, stop: stop, log: log)
            session.failureBeside = { company.failure }
            do {
                let end = try session.run(until: until, resolved: &resolvedEnd, ahead: &ahead) {
                    hasStreamed = true
                }
                switch end {
                case .paused, .copied, .changed: continue
                case .finished, .stopped: break
                }
                // Somebody has asked for a table to be copied again: without it new does not hold what old has.
                if case .finished = end, try side.copiedTables().contains(where: { $0.state != .done }) {
                    resolvedEnd = nil
                    continue
                }
                let left = company.waitForDataB()
                company.askToEnd()
                say(.stopped, left, side)
                if let left { return left }
                if case .finished = end { log.info("reached its end", [.lsn: resolvedEnd ?? .zero]) }
                return nil
            } catch let held as LogHeldTooLong {
                return try letGo(held, side)
            } catch {
                if session.hasProgressed { forgetFailures() }
                if session.hasConnected { hasConnected = true }
                if connection.isBroken { throw error }
                if let final = judge(error, side) { return final }
            }
        }
        company.askToEnd()
        say(.stopped, nil, side)
        return nil
    }

    /// What the epoch has for this stream; what was so before, while that cannot be known.
    private func learnRole() throws {
        guard let now = try course.role(of: plan, until: until) else { return }
        if now != role, hasStreamed { log.info("role changes", [.detail: "\(role.rawValue) to \(now.rawValue)"]) }
        role = now
    }

    /// What an earlier tandem has made there.
    private func bringUpToDate(_ connection: Connection) throws {
        guard let former = try StateLayout.bringUpToDate(connection) else { return }
        log.info("schema brought up to date", [.side: plan.stream.target, .from: former, .to: StateLayout.current])
    }

    // MARK: the copy

    /// The first start of a stream that copies by itself: everything is made here, nothing by hand.
    private func prepareCopy(_ side: TargetSide) throws {
        guard plan.isForward, plan.initialCopy == .all else { return }
        say(.starting, nil, side)
        if plan.copy.prewarms { _ = try Prewarming(on: side.connection) }
        let log = log
        let preparation = Preparation(
            plan, tables: plan.tables, copies: true, acceptsSchema: acceptsSchema, check: firstCheck, stop: stop
        ) {
            log.info("preparing", [.detail: $0])
        }
        let schema = SchemaSteps(plan, stop: stop, log: log)
        let prepared = try preparation.prepare(again: true, afterChecks: schema.makeTables)
        for note in prepared.notes { log.warning("not carried", [.reason: note]) }
        log.info("prepared", [.lsn: prepared.position, .count: prepared.tables])
    }

    // MARK: pausing

    /// The error when the log that old holds meanwhile ends the run.
    private func restWhilePaused(_ side: TargetSide) throws -> (any Error)? {
        var isSaid = false
        var nextLook = Monotonic.now
        while !stop.isRaised, try isAskedToRest(side) {
            ahead.forget()
            if !isSaid { log.info("stream rests", [.reason: "as asked", .hint: "`tandem resume` lets it go on"]) }
            isSaid = true
            say(.paused, nil, side)
            if nextLook <= Monotonic.now {
                nextLook = Monotonic.now.adding(seconds: 5)
                if let final = watchTheLog(side, evenBefore: true) { return final }
            }
            stop.wait(seconds: 1)
        }
        if isSaid && !stop.isRaised { log.info("stream goes on", [.reason: "as asked"]) }
        return nil
    }

    /// Asked of the stream forward, for both.
    private func isAskedToRest(_ side: TargetSide) throws -> Bool {
        guard plan.isForward else { return course.areStreamsResting }
        let rests = try side.copyRequest()?.isStreamPaused == true
        course.areStreamsResting = rests
        return rests
    }

    private func forgetFailures() {
        backoff = Self.freshBackoff
        lastReason = ""
        refusals = 0
    }

    // MARK: one runner

    private func takeLock(_ side: TargetSide) throws -> Bool {
        var said = false
        while try !side.tryRunnerLock() {
            hasStoodBy = true
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
        let error = asUnsafe(error)
        if role == .watch, until == nil, isFinal(error) { return bearWatching(error, side) }
        if isFinal(error) {
            say(.stopped, error, side)
            return error
        }
        let reason = "\(error)"
        if reason != lastReason {
            let hint = (error as? any Explained)?.hint
            (hint.map { log.with(.hint, $0) } ?? log).about(error).warning("stream interrupted", [.reason: reason])
        }
        let blocked = refusedAgain(error, isSame: reason == lastReason)
        lastReason = reason
        if until != nil, let blocked {
            say(.stopped, blocked, side)
            return blocked
        }
        say(blocked == nil ? .retrying : .blocked, blocked ?? error, side)
        if let final = watchTheLog(side) { return final }
        stop.wait(seconds: backoff.seconds())
        return nil
    }

    /// Nobody waits for what a watch sees: it is tried again, and the other stream of the pair goes on.
    private func bearWatching(_ error: any Error, _ side: TargetSide?) -> (any Error)? {
        let reason = "\(error)"
        if reason != lastReason {
            log.about(error).error("not watching", [.reason: reason, .hint: (error as? any Explained)?.hint ?? ""])
        }
        lastReason = reason
        say(.blocked, error, side)
        stop.wait(seconds: backoff.seconds())
        return nil
    }

    /// What a server refuses three times in the same words, with nothing applied between, it will go on refusing.
    private func refusedAgain(_ error: any Error, isSame: Bool) -> StreamBlocked? {
        guard let error = error as? PostgresError, error.sqlState != nil, !error.isTransient else {
            refusals = 0
            return nil
        }
        refusals = isSame ? refusals + 1 : 1
        guard refusals >= 3 else { return nil }
        let source = plan.stream.source
        let unreadable =
            error.isTooLargeToSend
            ? "a row on \(source) comes to more than 1 GB as it is sent, which no PostgreSQL can: shorten it there, drop slot"
                + " \(plan.stream), and `tandem resync`"
            : "\(source) cannot send what was written there: correct it. \(plan.stream.startingOver)"
        let blocked = StreamBlocked(
            problem: StreamStatus.Problem(
                message: "\(error.doing): \(error.message)",
                hint: error.hint ?? (error.isAboutContent ? unreadable : nil), sqlstate: error.sqlState?.code))
        if refusals == 3 { log.about(error).error("blocked", [.detail: "\(error)", .hint: blocked.hint ?? ""]) }
        return blocked
    }

    private func isFinal(_ error: any Error) -> Bool {
        switch error {
        case is StateError, is StreamBlocked, is EvidenceError: return true
        case is SchemaError: return !hasStreamed
        case let error as SpillError: return !error.isCorrupt && !error.isOutOfSpace && !hasStreamed
        case let error as PostgresError:
            // What old cannot send says nothing of how we connect: it comes when it is its turn.
            if error.isAboutContent { return false }
            if hasStreamed || hasStoodBy { return false }
            return error.kind == .cannotConnect ? !hasConnected : !error.isTransient
        default: return false
        }
    }

    /// What the source says that can only mean that it cannot give any more what new needs.
    private func asUnsafe(_ error: any Error) -> any Error {
        guard let server = error as? PostgresError, server.sqlState == "55000", isSlotLost else { return error }
        return StateError.unsafe(
            "slot \(plan.stream) cannot be read any more: \(server.message)",
            hint: "`tandem resync` makes another slot and both sides equal again")
    }

    private var isSlotLost: Bool {
        do {
            let connection = try Connection(to: plan.source, for: .control, as: "\(plan.stream) watch", stop: stop)
            return try SourceSide(connection, plan.stream).slot()?.isInvalid ?? true
        } catch { return false }
    }

    // MARK: status between sessions

    func say(_ state: StreamStatus.State, _ error: (any Error)?, _ side: TargetSide?) {
        guard let side else { return }
        guard stop.isRaised else { return write(state, error, side) }
        // Asked to stop, every connection refuses to wait: the last word has one of its own, and not for long.
        if side.connection.isBroken { return }
        let (limit, done) = (StopSignal(), StopSignal())
        guard let clock = try? Thread("last word", { if !done.wait(seconds: 3) { limit.raise() } }) else { return }
        if let last = try? Connection(to: plan.target, for: .control, as: "\(plan.stream) runner", stop: limit) {
            write(state, error, TargetSide(last, plan.stream))
        } else {
            isTargetAway = true
        }
        done.raise()
        clock.join()
    }

    private func write(_ state: StreamStatus.State, _ error: (any Error)?, _ side: TargetSide) {
        guard (try? side.hasSchema) == true else { return }
        var status =
            (try? side.readStatus()).flatMap { StreamStatus.decode($0.text) }
            ?? StreamStatus(state: state, host: HostName.current, pid: getpid())
        status.state = state
        status.pid = getpid()
        status.host = HostName.current
        status.role = role.rawValue
        status.problem = error.map { error in
            if let blocked = error as? StreamBlocked { return blocked.problem }
            return StreamStatus.Problem(
                message: "\(error)", hint: (error as? any Explained)?.hint,
                sqlstate: (error as? PostgresError)?.sqlState?.code)
        }
        try? side.write(status: status.encoded())
    }
}
