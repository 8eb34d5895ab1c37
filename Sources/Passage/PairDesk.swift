// One pair as a command that moves it, or tells of it, has it before it: a connection to either side, where the pair stands by
// what the sides say, and the lock that lets one command at a time move it. A side that cannot be reached is said, never guessed.

package import Configuration
package import Model
package import Postgres
package import Protocol
package import State
package import Stream
package import Threading

package final class PairDesk {
    package let configuration: Configuration
    /// Of the stream forward; the other one is its opposite.
    package let plan: StreamPlan
    package let old: Connection?
    package let new: Connection?
    /// Why a side is nil.
    package let problems: [Side: PostgresError]
    let stop: StopSignal
    package private(set) var standing: PairStanding

    package init(_ configuration: Configuration, _ plan: StreamPlan, as application: String, stop: StopSignal) throws {
        self.configuration = configuration
        self.plan = plan
        self.stop = stop
        var problems: [Side: PostgresError] = [:]
        func reach(_ side: Side, _ target: ConnectionTarget) throws(PostgresError) -> Connection? {
            do {
                return try Connection(to: target, for: .control, as: "\(plan.stream) \(application)", stop: stop)
            } catch {
                if error.kind == .interrupted { throw error }
                problems[side] = error
                return nil
            }
        }
        old = try reach(.old, plan.source)
        new = try reach(.new, plan.target)
        self.problems = problems
        if let old, let new { try SameDatabase.refuse(old, new) }
        standing = try PairStanding(old: old, new: new, plan, configured: configuration.strategy)
    }

    package func connection(_ side: Side) -> Connection? { side == .old ? old : new }

    package func book(_ side: Side) -> EpochBook? { connection(side).map { EpochBook($0, plan.stream) } }

    package var table: StepTable { StepTable(standing.strategy) }

    package func readAgain() throws {
        standing = try PairStanding(old: old, new: new, plan, configured: configuration.strategy)
    }

    /// Both sides, for what needs both.
    func reached() throws -> (old: Connection, new: Connection) {
        if let problem = problems[.old] ?? problems[.new] { throw problem }
        guard let old, let new else { throw StateError.notPrepared(pair: plan.pair) }
        return (old, new)
    }

    /// Held by the sessions until they end. On every side that is there, old first: two commands that see different sides still
    /// meet.
    package func lock() throws {
        for side in Side.allCases {
            guard let book = book(side) else { continue }
            guard try book.tryLock() else {
                throw StateError.refused(
                    "another tandem is moving pair \(plan.pair) just now"
                        + (try book.holder().map { " (pid \($0) on \(side.rawValue))" } ?? ""),
                    hint: "wait for that one; `tandem step` shows where the pair stands")
            }
        }
    }
}
