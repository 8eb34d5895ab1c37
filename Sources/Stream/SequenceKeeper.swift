// Keeps the target's sequences near the source's every few seconds, on a thread and connections of its own: for a stream
// that has no copy beside it, which does the same. Where applications take ids from both sides, nothing is set: there it sounds
// the alarm when the target, whose ids are the lower ones, comes near to where those of the source began. Whatever fails here is said
// once and tried again; it never ends the stream.

internal import Fence
internal import Model
internal import Postgres
internal import SchemaCopy
internal import State
internal import Telemetry
internal import Threading

final class SequenceKeeper: Sendable {
    private let plan: StreamPlan
    let areApart: Bool
    private let log: Log
    private let ending = StopSignal()
    private let thread = Monitor<Thread?>(nil)
    private let told = Monitor<Set<QualifiedName>>([])

    init(_ plan: StreamPlan, areApart: Bool, log: Log) { (self.plan, self.areApart, self.log) = (plan, areApart, log) }

    func start() throws {
        let started = try Thread("sequences") { [self] in keep() }
        thread.withLock { $0 = started }
    }

    func askToEnd() { ending.raise() }

    func end() {
        askToEnd()
        thread.withLock { $0 }?.join()
    }

    private static let pause = 5.0

    private func keep() {
        var lastProblem = ""
        while !ending.isRaised {
            do {
                let source = try Connection(
                    to: plan.source, for: .control, as: "\(plan.stream) sequences", stop: ending)
                let target = try Connection(
                    to: plan.target, for: .control, as: "\(plan.stream) sequences", stop: ending)
                let copy = SequenceCopy(log: log)
                while !ending.isRaised, areApart {
                    try look(at: target, before: source)
                    lastProblem = ""
                    ending.wait(seconds: Self.pause)
                }
                while !ending.isRaised {
                    // Never behind the back of whoever gives out ids there meanwhile.
                    _ = try FenceShare(target, plan.stream).whileInCharge(plan.stream.source) {
                        () throws(PostgresError) in try copy.carry(from: source, to: target)
                    }
                    lastProblem = ""
                    ending.wait(seconds: Self.pause)
                }
            } catch {
                let problem = "\(error)"
                if !ending.isRaised, problem != lastProblem {
                    log.warning("sequences stand still", [.reason: problem])
                }
                lastProblem = problem
                ending.wait(seconds: Self.pause)
            }
        }
    }

    private func look(at giver: Connection, before ahead: Connection) throws(PostgresError) {
        let ranges = try SequenceRanges(ahead, plan.stream).read()
        for distance in try SequenceParting.distances(giver, ahead, ranges) where distance.isNear {
            let isNews = told.withLock { $0.insert(distance.name).inserted }
            guard isNews else { continue }
            log.error(
                "ids run out",
                [
                    .relation: distance.name, .side: plan.stream.target, .count: Int(distance.left),
                    .hint: "before it has given out so many more, every instance must be in mode 6; or go back a step",
                ])
        }
    }
}
