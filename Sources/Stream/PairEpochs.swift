// Reads where the pair stands on both sides, over connections made for it.

package import Model
internal import Postgres
package import Protocol
internal import State
package import Threading

package struct PairEpochs {
    private let plan: StreamPlan
    private let stop: StopSignal

    package init(_ plan: StreamPlan, stop: StopSignal) { (self.plan, self.stop) = (plan, stop) }

    package func read(into course: PairCourse) throws {
        for side in Side.allCases {
            let connection = try Connection(
                to: side == .old ? plan.old : plan.new, for: .control, as: "\(plan.stream) epoch", stop: stop)
            try Self.note(connection, side, plan.stream, in: course)
        }
    }

    static func note(_ connection: Connection, _ side: Side, _ stream: StreamName, in course: PairCourse) throws {
        course.note(try EpochBook(connection, stream).read(), on: side)
    }

    /// The direction in which changes are carried now: that of the side that counts. Without an epoch, forward. Of a side that
    /// cannot be reached nothing is known, and the other one tells.
    package func direction() throws -> Direction { try standing().epoch?.truth == .new ? .reverse : .forward }

    /// The row of the step table that holds, as far as it can be told.
    package func row() throws -> StepRow? { try standing().epoch?.row }

    private func standing() throws -> EpochStanding {
        var found: [Side: Epoch] = [:]
        for side in Side.allCases {
            do {
                let connection = try Connection(
                    to: side == .old ? plan.old : plan.new, for: .control, as: "\(plan.stream) epoch", stop: stop)
                found[side] = try EpochBook(connection, plan.stream).read()
            } catch let error as PostgresError {
                if error.kind == .interrupted { throw error }
            }
        }
        return EpochStanding(old: found[.old], new: found[.new])
    }
}
