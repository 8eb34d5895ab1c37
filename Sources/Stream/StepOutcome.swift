// What became of a step at whose mark a stream halted. Its epoch is committed by the very session that has the fence on the side
// that gives charge up, or never: so once nobody has the fence there, that side's epoch tells. The same for a stream that begins
// again and finds that it has passed such a mark already.

internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Threading

final class StepOutcome {
    private let plan: StreamPlan
    private let course: PairCourse
    private let stop: StopSignal
    /// To the source, while it is needed.
    private var connection: Connection?

    init(_ plan: StreamPlan, _ course: PairCourse, stop: StopSignal) {
        (self.plan, self.course, self.stop) = (plan, course, stop)
    }

    private var giver: Side { course.standing?.epoch?.truth ?? .old }

    /// Reads what it can; false while it cannot be known. A side that does not answer leaves it open.
    func isKnown(_ control: TargetSide) throws -> Bool {
        do {
            let source = try opened()
            let side = giver == plan.stream.source ? source : control.connection
            guard try FenceShare(side, plan.stream).isFree() else { return false }
            try note(source, control)
            connection = nil
            return true
        } catch let error as PostgresError {
            guard error.isConnectionLost, !control.connection.isBroken else { throw error }
            connection = nil
            return false
        }
    }

    private func opened() throws(PostgresError) -> Connection {
        if let connection, !connection.isBroken { return connection }
        let made = try Connection(to: plan.source, for: .control, as: "\(plan.stream) halt", stop: stop)
        connection = made
        return made
    }

    private func note(_ source: Connection, _ control: TargetSide) throws {
        try PairEpochs.note(source, plan.stream.source, plan.stream, in: course)
        try PairEpochs.note(control.connection, plan.stream.target, plan.stream, in: course)
    }

    /// Before a stream begins: it may have passed a mark at which it should be halted now. One that it has not passed it will
    /// meet. What it knows of both sides is read after that.
    func waitUntilKnown(source: Connection, _ control: TargetSide) throws {
        let side = SourceSide(source, plan.stream)
        while true {
            try note(source, control)
            let there = giver == plan.stream.source ? source : control.connection
            if try FenceShare(there, plan.stream).isFree() { return try note(source, control) }
            if try side.lastMark(.halt) != control.passedMark(.halt) { return }
            if stop.wait(seconds: 0.05) {
                throw PostgresError(.interrupted, "stopped on request", doing: "waiting for a step to be decided")
            }
        }
    }
}
