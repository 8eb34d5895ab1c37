// `abort`: takes everything of a stream out of both databases. Refuses while a runner is at work. Each step is safe to
// repeat, so that an interrupted abort is finished by another. A side that is gone does not keep the other from being
// freed: that is when old's log fills its disk.

internal import Evidence
internal import Failpoints
internal import Model
internal import Postgres
internal import State
package import Threading

package struct Removal {
    package struct Report: Sendable {
        /// What was there, in words; empty when nothing was.
        package fileprivate(set) var removed: [String] = []
        /// Sides that could not be reached, and so were left as they are.
        package fileprivate(set) var unreachable: [String] = []
    }

    private let plan: StreamPlan
    private let stop: StopSignal

    package init(_ plan: StreamPlan, stop: StopSignal) {
        self.plan = plan
        self.stop = stop
    }

    package func remove() throws -> Report {
        var report = Report()
        let source = connect(plan.source, &report).map { SourceSide($0, plan.stream) }
        let target = connect(plan.target, &report).map { TargetSide($0, plan.stream) }
        if let target { try checkIdle(target) }
        if let source { try checkIdle(source) }
        return try plan.evidence.perform(
            "abort", executed: ["remove slot, publication, origin and schema tandem of \(plan.stream)"],
            details: report.unreachable.map { ("unreachable", $0) }, old: source?.connection, new: target?.connection
        ) { try remove(source, target, report) }
    }

    private func remove(_ source: SourceSide?, _ target: TargetSide?, _ found: Report) throws -> Report {
        var report = found
        if let source { try removeSlot(source, &report) }
        Failpoint.pass(.duringAbort)
        if let source { try remove(source, &report) }
        if let target { try remove(target, &report) }
        return report
    }

    private func connect(_ side: ConnectionTarget, _ report: inout Report) -> Connection? {
        do {
            return try Connection(to: side, for: .control, as: "\(plan.stream) abort", stop: stop)
        } catch {
            report.unreachable.append(error.description)
            return nil
        }
    }

    // MARK: what must hold

    private func checkIdle(_ target: TargetSide) throws {
        guard try target.tryRunnerLock() else {
            throw StateError.refused(
                "a tandem runs stream \(plan.stream)" + (try target.runnerPID().map { " (pid \($0) on new)" } ?? ""),
                hint: "stop it first")
        }
    }

    private func checkIdle(_ source: SourceSide) throws {
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

    // MARK: removing

    private func removeSlot(_ source: SourceSide, _ report: inout Report) throws {
        guard try source.slot() != nil else { return }
        try source.dropSlot()
        report.removed.append("slot \(plan.stream) on old")
    }

    private func remove(_ source: SourceSide, _ report: inout Report) throws {
        if try source.publishedTables() != nil {
            try source.dropPublication()
            report.removed.append("publication \(plan.stream) on old")
        }
        if try source.hasSchema {
            try source.forget()
            try EpochBook(source.connection, plan.stream).forget()
            try source.dropSchemaIfUnused()
            report.removed.append("tandem's state on old")
        }
    }

    private func remove(_ target: TargetSide, _ report: inout Report) throws {
        if try target.hasOrigin {
            try target.dropOrigin()
            report.removed.append("replication origin \(plan.stream) on new")
        }
        if try target.hasSchema {
            try target.forget()
            try EpochBook(target.connection, plan.stream).forget()
            try target.dropSchemaIfUnused()
            report.removed.append("tandem's state on new")
        }
    }
}
