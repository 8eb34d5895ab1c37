// Whether tandem's role may write every carried table of a side as an applying stream does, tried without touching a row. For
// the side that would have to follow once the other one is in charge.

package import Model
internal import Postgres
internal import State
package import Stream
package import Threading

package enum WritingTrial {
    /// What keeps it, in words; empty when nothing does.
    package static func failures(_ plan: StreamPlan, writing side: Side, stop: StopSignal) throws -> [String] {
        let old = try Connection(to: plan.source, for: .control, as: Survey.application, stop: stop)
        let chosen = try plan.tables.matching(on: SourceSide(old, plan.stream)).filter { !$0.isUnlogged }
        let connection: Connection
        do {
            // As the applier connects: what only this kind of session needs is refused here.
            connection = try Connection(
                to: side == .old ? plan.source : plan.target, for: .apply, as: Survey.application, stop: stop)
        } catch {
            guard error.kind != .interrupted, !error.isConnectionLost else { throw error }
            return ["\(side.rawValue) refuses a session that applies: \(error)"]
        }
        let carried = try CarriedTables(on: connection, named: Set(chosen.map(\.name)), throughRoots: side == .old)
        let there = Set(carried.tables.map { $0.root ?? $0.name })
        let absent = chosen.map(\.name).filter { name in
            !there.contains(name) && !carried.tables.contains { $0.name == name }
        }
        let failures = try TableTrial(on: connection, carried.tables, writes: true).failures()
        return absent.sorted().map { "\(side.rawValue) has no table \($0)" }
            + failures.map {
                $0.isRowSecurity
                    ? "row security of \($0.table.name) on \(side.rawValue) keeps tandem's role from writing"
                    : "\($0.table.name) cannot be written on \(side.rawValue): \($0.error.message)"
            }
    }
}
