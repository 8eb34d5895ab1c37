// `abort`: takes everything of a stream out of both databases. Refuses while a runner is at work. Each step is safe to
// repeat, so that an interrupted abort is finished by another.

internal import Failpoints
internal import Model
internal import Postgres
internal import State
package import Threading

package struct Removal {
    private let plan: StreamPlan
    private let stop: StopSignal

    package init(_ plan: StreamPlan, stop: StopSignal) {
        self.plan = plan
        self.stop = stop
    }

    /// What was there, in words; empty when nothing was.
    package func remove() throws -> [String] {
        let source = SourceSide(
            try Connection(to: plan.source, for: .control, as: "\(plan.stream) abort", stop: stop), plan.stream)
        let target = TargetSide(
            try Connection(to: plan.target, for: .control, as: "\(plan.stream) abort", stop: stop), plan.stream)
        try checkIdle(source, target)
        var removed: [String] = []
        if try source.slot() != nil {
            try source.dropSlot()
            removed.append("slot \(plan.stream) on old")
        }
        Failpoint.pass(.duringAbort)
        if try source.publishedTables() != nil {
            try source.dropPublication()
            removed.append("publication \(plan.stream) on old")
        }
        if try target.hasOrigin {
            try target.dropOrigin()
            removed.append("replication origin \(plan.stream) on new")
        }
        if try source.hasSchema {
            try source.forget()
            try source.dropSchemaIfUnused()
            removed.append("tandem's state on old")
        }
        if try target.hasSchema {
            try target.forget()
            try target.dropSchemaIfUnused()
            removed.append("tandem's state on new")
        }
        return removed
    }

    private func checkIdle(_ source: SourceSide, _ target: TargetSide) throws {
        guard try target.tryRunnerLock() else {
            throw StateError.refused(
                "a tandem runs stream \(plan.stream)" + (try target.runnerPID().map { " (pid \($0) on new)" } ?? ""),
                hint: "stop it first")
        }
        guard try source.tryPreparationLock() else {
            throw StateError.refused(
                "a `tandem prepare` holds the snapshot of \(plan.stream)", hint: "interrupt it first")
        }
        if let slot = try source.slot(), slot.isActive {
            throw StateError.refused(
                "slot \(plan.stream) is in use by pid \(slot.activePID ?? 0) on old",
                hint: "stop the `tandem prepare` or `tandem run` that uses it")
        }
    }
}
