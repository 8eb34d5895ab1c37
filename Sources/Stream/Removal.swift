// `abort`: takes everything of a pair's streams out of both databases, the one forward and the one back. Refuses while a runner
// is at work. Each step is safe to repeat, so that an interrupted abort is finished by another. A side that is gone does not keep the other from being
// freed: that is when old's log fills its disk.

internal import Evidence
internal import Failpoints
internal import Fence
package import Model
package import Postgres
internal import State
package import Threading

package struct Removal {
    package struct Report: Sendable {
        /// What was there, in words; empty when nothing was.
        package fileprivate(set) var removed: [String] = []
        /// Sides that could not be reached, and so were left as they are.
        package fileprivate(set) var unreachable: [String] = []
    }

    /// Of the stream forward.
    private let plan: StreamPlan
    private let back: StreamName
    private let stop: StopSignal

    package init(_ plan: StreamPlan, stop: StopSignal) {
        self.plan = plan.isForward ? plan : plan.opposite
        back = self.plan.stream.opposite
        self.stop = stop
    }

    /// `gone`: a side that will not come back, and is left out. `mayEnd` throws where the pair must not end as it stands; it is
    /// asked once nobody else can move it.
    package func remove(
        as command: String = "abort", without gone: Side? = nil,
        mayEnd: (_ old: Connection?, _ new: Connection?) throws -> Void = { _, _ in }
    ) throws -> Report {
        var report = Report()
        let old = gone == .old ? nil : connect(plan.old, &report)
        let new = gone == .new ? nil : connect(plan.new, &report)
        try lock(old, new)
        try mayEnd(old, new)
        if let new { try checkIdle(TargetSide(new, plan.stream)) }
        if let old { try checkIdle(SourceSide(old, plan.stream)) }
        if let new { try checkIdle(SourceSide(new, back)) }
        return try plan.evidence.perform(
            command, executed: ["remove slots, publications, origins and schema tandem of \(plan.stream.pairKey)"],
            details: report.unreachable.map { ("unreachable", $0) } + (gone.map { [("without", $0.rawValue)] } ?? []),
            old: old, new: new
        ) { try remove(old, new, report) }
    }

    /// What `remove` would take away, in words; refuses where that would, and changes nothing.
    package func preview(without gone: Side? = nil) throws -> Report {
        var report = Report()
        let old = gone == .old ? nil : connect(plan.old, &report)
        let new = gone == .new ? nil : connect(plan.new, &report)
        try lock(old, new)
        if let new { try checkIdle(TargetSide(new, plan.stream)) }
        try plan.evidence.examine(old: old, new: new)
        if let old { report.removed += try inventory(old, SourceSide(old, plan.stream), TargetSide(old, back)) }
        if let new { report.removed += try inventory(new, SourceSide(new, back), TargetSide(new, plan.stream)) }
        return report
    }

    private func inventory(_ connection: Connection, _ source: SourceSide, _ target: TargetSide) throws -> [String] {
        try checkIdle(source)
        let (side, written) = (source.stream.source, target.stream)
        let all: [(Bool, String)] = [
            (try source.slot() != nil, "slot \(source.stream) on \(side)"),
            (try source.publishedTables() != nil, "publication \(source.stream) on \(side)"),
            (try target.hasOrigin, "replication origin \(written) on \(side)"),
            (
                try FenceInstallation(connection, plan.stream, on: side, stop: stop).isAnythingThere,
                "the fence's triggers on \(side)"
            ),
            (try source.hasSchema || target.hasSchema, "tandem's state on \(side)"),
        ]
        return all.filter(\.0).map(\.1)
    }

    private func remove(_ old: Connection?, _ new: Connection?, _ found: Report) throws -> Report {
        var report = found
        // First what holds a server's log.
        if let old { try removeSlot(SourceSide(old, plan.stream), &report) }
        if let new { try removeSlot(SourceSide(new, back), &report) }
        Failpoint.pass(.duringAbort)
        if let old {
            try remove(old, SourceSide(old, plan.stream), TargetSide(old, back), &report)
        }
        if let new {
            try remove(new, SourceSide(new, back), TargetSide(new, plan.stream), &report)
        }
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

    /// That of whoever moves the pair: nothing is made for a step, or written down of it, while all is taken away.
    private func lock(_ old: Connection?, _ new: Connection?) throws {
        for book in [old, new].compactMap({ $0.map { EpochBook($0, plan.stream) } }) {
            for attempt in 1... {
                if try book.tryLock() { break }
                guard attempt < 15, !stop.wait(seconds: 0.1) else {
                    throw StateError.refused(
                        "another tandem is moving or ending pair \(plan.pair) just now"
                            + (try book.holder().map { " (pid \($0))" } ?? ""),
                        hint: "wait for that one; `tandem step` shows where the pair stands")
                }
            }
        }
    }

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
                source.stream.direction == .forward
                    ? "a `tandem prepare` holds the snapshot of \(source.stream)"
                    : "somebody is making or removing \(source.stream)", hint: "interrupt it first")
        }
        if let slot = try source.slot(), slot.isActive {
            throw StateError.refused(
                "slot \(source.stream) is in use by pid \(slot.activePID ?? 0) on \(source.stream.source)",
                hint: "stop the `tandem prepare` or `tandem run` that uses it")
        }
    }

    // MARK: removing

    private func removeSlot(_ source: SourceSide, _ report: inout Report) throws {
        guard try source.slot() != nil else { return }
        try source.dropSlot()
        report.removed.append("slot \(source.stream) on \(source.stream.source)")
    }

    /// A side is what one stream reads and the other one writes.
    private func remove(
        _ connection: Connection, _ source: SourceSide, _ target: TargetSide, _ report: inout Report
    ) throws {
        let isThere = try source.hasSchema || target.hasSchema
        // Before the schema that its function is in: what goes with that goes without waiting for anybody.
        report.removed += try FenceInstallation(connection, plan.stream, on: source.stream.source, stop: stop).remove()
        report.removed += try StreamEffects(source.stream).remove(from: source)
        report.removed += try StreamEffects(target.stream).remove(from: target)
        try EpochBook(connection, plan.stream).forget()
        guard isThere else { return }
        try source.dropSchemaIfUnused()
        report.removed.append("tandem's state on \(source.stream.source)")
    }
}
