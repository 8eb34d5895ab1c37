// What the thread of Data B does again and again: hear, choose, work, write down. Its connections live as long as they work.

internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

final class DataBDesk {
    private let plan: DataBPlan
    private let finish: ((QualifiedName) throws -> Void)?
    private let isCopied: () -> Bool
    private let atOnce: Bool
    private let stop: StopSignal
    private let log: Log
    private var schedule: BatchSchedule
    private var statuses: [QualifiedName: DerivedStatus] = [:]
    private var written: [QualifiedName: String] = [:]
    private var requests: [QualifiedName: String] = [:]
    private var session: BatchSession?
    /// On new.
    private var board: DataBState?
    private var isResumed = false
    private var nextRanks = 0.0
    private var lastInterruption = ""
    private var interruptions = 0
    private var isLockedOut = false

    init(
        _ plan: DataBPlan, finish: ((QualifiedName) throws -> Void)?, isCopied: @escaping () -> Bool, atOnce: Bool,
        stop: StopSignal,
        log: Log
    ) {
        (self.plan, self.finish, self.isCopied, self.stop, self.log) = (plan, finish, isCopied, stop, log)
        self.atOnce = atOnce
        schedule = BatchSchedule(plan.tables, now: Self.now)
        for table in plan.tables {
            var status = DerivedStatus()
            status.way = table.column.map { "by \($0)" } ?? "whole"
            statuses[table.name] = status
        }
    }

    private static var now: Double { Double(Monotonic.now.nanoseconds) / 1e9 }

    /// Where connecting itself fails again and again, nothing more will come of waiting.
    private var isHelpless: Bool { interruptions >= 3 }
    var allTried: Bool { schedule.allTried || isHelpless }
    var failing: [QualifiedName] {
        plan.tables.map(\.name).filter { schedule.failures(of: $0) > 0 || isHelpless }
    }

    // MARK: connections

    /// What is not open, or broken, is opened.
    func open() throws {
        if board?.connection.isBroken ?? true {
            board = nil
            let new = try Connection(to: plan.new, for: .control, as: "\(plan.stream) data b", stop: stop)
            let state = DataBState(new, plan.stream)
            try state.install()
            board = state
            try recall(state)
        }
        if session?.isBroken ?? true {
            session = nil
            session = try BatchSession(plan, stop: stop, log: log)
        }
        if !isResumed { try resume() }
        if interruptions > 0 { forgetInterruption() }
    }

    private func forgetInterruption() {
        (lastInterruption, interruptions) = ("", 0)
        for name in plan.tables.map(\.name) where schedule.failures(of: name) == 0 {
            statuses[name]?.problem = nil
            statuses[name]?.hint = nil
            statuses[name]?.sqlstate = nil
            statuses[name]?.state = .waiting
        }
    }

    /// Counts of earlier runs go on.
    private func recall(_ state: DataBState) throws {
        for request in try state.requests() {
            guard var status = statuses[request.table], status.batch == nil, let text = request.status,
                let earlier = DerivedStatus.decode(text)
            else { continue }
            (status.batch, status.batchAt) = (earlier.batch, earlier.batchAt)
            (status.comparison, status.comparisonAt) = (earlier.comparison, earlier.comparisonAt)
            status.foundInAll = earlier.foundInAll
            statuses[request.table] = status
        }
    }

    private func resume() throws {
        guard let session else { return }
        for table in plan.tables {
            let progress = try session.state.progress(table.name)
            schedule.resume(
                table.name, batch: atOnce ? nil : progress.age, comparison: progress.comparisonAge ?? progress.age,
                now: Self.now)
        }
        isResumed = true
    }

    /// No table is to blame, and none is brought along meanwhile.
    func interrupted(by error: any Error) {
        let reason = "\(error)"
        if reason != lastInterruption { log.warning("data b interrupted", [.reason: reason]) }
        lastInterruption = reason
        interruptions += 1
        session = nil
        for name in plan.tables.map(\.name) { fail(name, error) }
        if board?.connection.isBroken == false { try? writeDown() }
    }

    // MARK: one step

    /// False when nothing was due.
    func step() throws -> Bool {
        guard let session, let board else { return false }
        try hear(board)
        try rank(session)
        guard let (table, work) = schedule.next(now: Self.now) else {
            try settle()
            return false
        }
        guard try board.tryWorkLock() else {
            if !isLockedOut { log.info("data b waits", [.reason: "a final copy is at work"]) }
            isLockedOut = true
            return false
        }
        isLockedOut = false
        defer { if !board.connection.isBroken { try? board.freeWorkLock() } }
        try perform(table, work, session)
        return true
    }

    private func hear(_ board: DataBState) throws {
        // `tandem pause` is for batches, too.
        let rests =
            plan.isForward ? try TargetSide(board.connection, plan.stream).copyRequest()?.isPaused == true : false
        schedule.hear(paused: try board.isPaused() || rests)
        var heard: [QualifiedName: DataBRequest] = [:]
        for request in try board.requests() { heard[request.table] = request }
        for name in plan.tables.map(\.name) {
            requests[name] = heard[name]?.wanted
            schedule.hear(name, paused: heard[name]?.isPaused ?? false, wanted: heard[name]?.wanted != nil)
        }
    }

    private func rank(_ session: BatchSession) throws {
        guard nextRanks <= Self.now else { return }
        nextRanks = Self.now + 30
        for (name, rank) in try ViewRefresh.ranks(plan.tables, on: session.target) { schedule.rank(name, rank) }
    }

    private func perform(_ table: DerivedTable, _ work: BatchWork, _ session: BatchSession) throws {
        let name = table.name
        let asked = requests[name]
        schedule.began(name, now: Self.now)
        statuses[name]?.state = .working
        try writeDown()
        var status = statuses[name] ?? DerivedStatus()
        var outcome = BatchSchedule.Outcome.done
        do {
            try waitForCopy(table, session)
            try TableWork(session: session, table: table, work: work, finish: finish).run(&status)
            (status.problem, status.hint, status.sqlstate) = (nil, nil, nil)
            status.failures = 0
            statuses[name] = status
            say(name, status)
        } catch DataBError.notYet(let reason) {
            session.giveUp()
            status.problem = reason
            status.state = .postponed
            statuses[name] = status
            outcome = .postponed
        } catch {
            if stop.isRaised { throw error }
            session.giveUp()
            statuses[name] = status
            fail(name, error)
            outcome = .failed
        }
        schedule.ended(name, work, outcome, now: Self.now)
        if outcome == .failed { statuses[name]?.failures = schedule.failures(of: name) }
        if outcome != .postponed, let asked, let board { try board.forgetRequest(name, of: asked) }
        try settle()
        if session.isBroken { try open() }
    }

    /// A view is right only when everything it reads is there.
    private func waitForCopy(_ table: DerivedTable, _ session: BatchSession) throws {
        guard table.column == nil, !isCopied(), try RelationFacts.read(table.name, on: session.target)?.isView == true
        else { return }
        throw DataBError.notYet("waits until Data A is copied")
    }

    private func fail(_ name: QualifiedName, _ error: any Error) {
        let reason = withoutControls("\(error)")
        let hint = (error as? any Explained)?.hint
        if statuses[name]?.problem != reason, lastInterruption != "\(error)" {
            log.about(error).warning("data b fails", [.relation: name, .reason: reason, .hint: hint ?? ""])
        }
        statuses[name]?.problem = reason
        statuses[name]?.hint = hint.map { withoutControls($0) }
        statuses[name]?.sqlstate = (error as? PostgresError)?.sqlState?.code
        statuses[name]?.state = .failing
    }

    private func say(_ name: QualifiedName, _ status: DerivedStatus) {
        guard let batch = status.batch, batch.written > 0 || batch.isRefresh else { return }
        log.info(
            batch.isRefresh ? "refreshed" : "batch",
            [.relation: name, .rows: batch.written, .bytes: batch.bytes, .seconds: batch.seconds])
    }

    // MARK: writing down

    private func settle() throws {
        for name in plan.tables.map(\.name) {
            guard var status = statuses[name] else { continue }
            if schedule.isPaused(name) {
                status.state = .paused
            } else if status.problem == nil {
                status.state = .waiting
            }
            if status.state == .paused || status.state == .waiting || status.state == .failing {
                let due = schedule.nextRun(name).map { Date().addingTimeInterval($0 - Self.now) }
                if let due, let known = status.nextRun, abs(due.timeIntervalSince(known)) < 1 {
                } else {
                    status.nextRun = due
                }
            }
            statuses[name] = status
        }
        try writeDown()
    }

    private func writeDown() throws {
        guard let board else { return }
        for (name, status) in statuses {
            let text = status.encoded()
            guard written[name] != text else { continue }
            try board.write(status: text, of: name)
            written[name] = text
        }
    }
}
