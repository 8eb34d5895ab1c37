// The stream back beside the one forward, on a thread of its own: made, run, changed in its role and taken away as the epoch
// has it. Lives only while its runner holds the pair's lock. While it only watches, what goes wrong with it is shown and tried
// again, and the stream forward goes on; while it applies, what makes going on unsafe ends the run.

internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Telemetry
internal import Threading

final class ReverseRun: Sendable {
    private let plan: StreamPlan
    private let course: PairCourse
    private let acceptsSchema: Bool
    private let log: Log
    private let unnamed: Log
    private let ending = StopSignal()
    private let thread = Monitor<Thread?>(nil)
    private let outcome = Monitor<(any Error)?>(nil)

    /// `log` is one that names no stream yet.
    init(_ plan: StreamPlan, _ course: PairCourse, acceptsSchema: Bool, log: Log) {
        self.plan = plan
        self.course = course
        self.acceptsSchema = acceptsSchema
        unnamed = log
        self.log = log.with(.stream, plan.stream)
    }

    func start() throws {
        let started = try Thread("reverse") { [self] in supervise() }
        thread.withLock { $0 = started }
    }

    func askToEnd() {
        ending.raise()
        course.wakeWaiting()
    }

    func end() {
        askToEnd()
        thread.withLock { $0 }?.join()
    }

    /// What ended it for good while it was needed.
    var failure: (any Error)? { outcome.withLock { $0 } }

    private func supervise() {
        var pause = 1.0
        while !ending.isRaised {
            guard let role = course.role(of: .reverse) else {
                course.waitForReverse(toChangeFrom: nil, seconds: 60, stop: ending)
                continue
            }
            do {
                switch role {
                case .off:
                    try clear()
                    restWithoutOne()
                case .watch, .apply:
                    try makeIfMissing(role)
                    try run()
                }
                pause = 1
            } catch {
                guard !ending.isRaised else { return }
                if course.role(of: .reverse) == .apply, (error as? any Explained)?.exitCode == .unsafe {
                    outcome.withLock { $0 = error }
                    return
                }
                say(error, role)
                ending.wait(seconds: pause)
                pause = min(pause * 2, 30)
            }
        }
    }

    /// Where there is to be no stream back, only what is there all the same is worth a word.
    private func say(_ error: any Error, _ role: StreamRole) {
        if role == .off, (error as? PostgresError)?.isConnectionLost ?? false { return }
        log.warning("no way back", [.reason: "\(error)", .hint: (error as? any Explained)?.hint ?? ""])
    }

    /// Now and then it is looked again whether somebody has left something meanwhile.
    private func restWithoutOne() {
        course.waitForReverse(toChangeFrom: .off, seconds: 60, stop: ending)
    }

    /// What an interrupted act has left would hold new's log for nobody.
    private func clear() throws {
        let log = log
        let stream = ReverseStream(plan, stop: ending) { log.info("removing", [.detail: $0]) }
        let (course, plan, ending) = (course, plan, ending)
        let removed = try stream.remove {
            // Whoever has made it has committed the epoch by now, or given up.
            try PairEpochs(plan, stop: ending).read(into: course)
            return course.role(of: .reverse) != .off
        }
        for thing in removed { log.info("removed", [.detail: thing]) }
    }

    /// A step that has a stream back, and nothing was ever made: it is made where it is only to watch. Where it is to apply
    /// nobody knows what it has missed.
    private func makeIfMissing(_ role: StreamRole) throws {
        let log = log
        let stream = ReverseStream(plan, stop: ending) { log.info("preparing", [.detail: $0]) }
        guard try !stream.isBound() else { return }
        guard role == .watch else {
            throw StateError.unsafe(
                "\(plan.stream) was never made, and is to apply what has changed on new since: nobody knows what that is",
                hint: plan.stream.startingOver)
        }
        if try stream.make() { log.info("prepared", [.reason: "the step has a stream back"]) }
    }

    private func run() throws {
        let failure = StreamRunner(
            plan, until: nil, acceptsSchema: acceptsSchema, stop: ending, log: unnamed, course: course
        ).run()
        if let failure { throw failure }
    }
}
