// Several threads, each with a connection of its own to new, that make entries until none is left. A failure of one object
// does not stop the others; the loss of a server, or being asked to stop, ends all of them.

internal import Model
internal import Postgres
internal import Threading

final class WorkCrew: Sendable {
    typealias Make = @Sendable (Int, Connection) throws -> Void

    struct Outcome: Sendable {
        var failures: [(id: Int, error: PostgresError)] = []
        var skipped = 0
        var made: [Int] = []
    }

    private struct State {
        var schedule: WorkSchedule
        var outcome = Outcome()
        var fatal: (any Error)?
        /// By the process on new that works on it.
        var busy: [Int: Int] = [:]
    }

    private let sessions: SchemaSessions
    private let stop: StopSignal
    private let names: @Sendable (Int) -> String
    private let report: SchemaProgressReport
    private let state: Monitor<State>
    private static let attempts = 5

    init(
        _ sessions: SchemaSessions, _ items: [WorkItem], stop: StopSignal,
        names: @escaping @Sendable (Int) -> String, report: @escaping SchemaProgressReport
    ) {
        self.sessions = sessions
        self.stop = stop
        self.names = names
        self.report = report
        state = Monitor(State(schedule: WorkSchedule(items)))
    }

    /// The calling thread works too.
    func run(jobs: Int, make: @escaping Make) throws -> Outcome {
        let lead = try sessions.lead()
        // Where the system gives no more threads, those that there are do it.
        let others = (1..<max(1, jobs)).compactMap { number in
            try? Thread("schema \(number)") { self.workApart(make) }
        }
        let finished = StopSignal()
        let watch = try? Thread("index watch") { self.watch(until: finished) }
        work(lead, make)
        for thread in others { thread.join() }
        finished.raise()
        watch?.join()
        return try state.withLock { state throws in
            if let fatal = state.fatal { throw fatal }
            state.outcome.skipped = state.schedule.skipped
            return state.outcome
        }
    }

    private func workApart(_ make: Make) {
        // Nobody to spare: the others do it.
        guard state.withLock({ !$0.schedule.isFinished && $0.fatal == nil }),
            let connection = sessions.further()
        else { return }
        work(connection, make)
    }

    private enum Turn {
        case make(Int)
        case end
    }

    private func next(_ pid: Int) -> Turn {
        while true {
            let turn = state.wait(seconds: 1) { state -> Turn? in
                if state.fatal != nil || self.stop.isRaised { return .end }
                if let id = state.schedule.begin() {
                    state.busy[pid] = id
                    return .make(id)
                }
                return state.schedule.isFinished ? .end : nil
            }
            if let turn { return turn }
        }
    }

    private func work(_ connection: Connection, _ make: Make) {
        let pid = connection.backendPID
        var isClean = true
        while case .make(let id) = next(pid) {
            let began = Monotonic.now
            report(SchemaProgress(object: names(id), state: .began))
            var failure: PostgresError?
            var fatal: (any Error)?
            do { try attempt(id, connection, make) } catch let error as PostgresError {
                if error.isConnectionLost || connection.isBroken || error.kind == .interrupted {
                    fatal = error
                } else {
                    failure = error
                }
            } catch { fatal = error }
            let ended = (failure, fatal)
            state.change { state in
                state.busy[pid] = nil
                state.schedule.end(id, made: ended.0 == nil && ended.1 == nil)
                if let failure = ended.0 { state.outcome.failures.append((id, failure)) }
                if ended.0 == nil && ended.1 == nil { state.outcome.made.append(id) }
                if state.fatal == nil { state.fatal = ended.1 }
            }
            let made = ended.0 == nil && ended.1 == nil
            if !made { isClean = false }
            report(SchemaProgress(object: names(id), state: made ? .made(seconds: began.age) : .failed))
        }
        if stop.isRaised { state.change { if $0.fatal == nil { $0.fatal = SchemaError.interrupted } } }
        sessions.giveBack(connection, isClean: isClean)
    }

    /// Again after a deadlock, a lock that could not be had and the like, which somebody else's work on new can cause.
    private func attempt(_ id: Int, _ connection: Connection, _ make: Make) throws {
        for number in 1... {
            do { return try make(id, connection) } catch let error as PostgresError {
                guard error.isTransient, !error.isConnectionLost, !connection.isBroken, number < Self.attempts else {
                    throw error
                }
                if stop.wait(seconds: Double(number)) { throw SchemaError.interrupted }
            }
        }
    }

    // MARK: index builds

    private func watch(until finished: StopSignal) {
        // Most work is over before anybody would look.
        while !finished.wait(seconds: 1) {
            let busy = state.withLock { $0.busy }
            guard let builds = sessions.indexBuilds(until: finished) else { return }
            for build in builds {
                guard let id = busy[build.pid] else { continue }
                let state = SchemaProgress.State.building(phase: build.phase, done: build.done, of: build.total)
                report(SchemaProgress(object: names(id), state: state))
            }
        }
    }
}
