// After the slot was lost, the side that follows brought level again without copying the world: another slot, whose snapshot
// shows the source at exactly its position; every table compared with that snapshot and made equal to it, while nobody writes
// the target; then the stream is bound to that position. The same in both directions. Killed before that, nothing claims to be level: the next `resync` begins with a new slot.
// A table of which too much differs is asked to be copied again, which the next run does.

internal import Configuration
internal import Evidence
internal import Failpoints
package import Model
internal import Postgres
internal import Protocol
internal import State
package import Threading
package import Verification

package final class Resynchronization {
    package struct Outcome: Sendable {
        package let position: LSN
        package let tables: [TableOutcome]
        /// To be copied again by the next run.
        package let again: [QualifiedName]
        package let notes: [String]
    }

    /// Rows of a table that are made equal one by one.
    private static let most = 200_000

    private let plan: StreamPlan
    /// The side that is known to be another server by now; nil when both shall be what they were.
    private let adopting: Side?
    /// A table of which too much differs may be emptied: nobody else writes it.
    private let copiesAgain: Bool
    private let stop: StopSignal
    private let say: (String) -> Void
    private let progress: (PairVerification.Progress) -> Void

    package init(
        _ plan: StreamPlan, adopting: Side? = nil, copiesAgain: Bool = true, stop: StopSignal,
        say: @escaping (String) -> Void,
        progress: @escaping (PairVerification.Progress) -> Void
    ) {
        self.plan = plan
        self.adopting = adopting
        self.copiesAgain = copiesAgain && plan.isForward
        self.stop = stop
        self.say = say
        self.progress = progress
    }

    package func run() throws -> Outcome {
        try withSides { old, new, source, target in
            try plan.evidence.perform(
                adopting == nil ? "resync" : "adopt",
                executed: ["slot \(plan.stream)", "compare every table with its snapshot, repair what differs"],
                old: old, new: new, note: say
            ) { try begin(source, target) }
        }
    }

    /// Whether it could be done, and with how many tables. Changes nothing.
    package func preview() throws -> Int {
        try withSides { old, new, source, target in
            try plan.evidence.examine(old: old, new: new)
            return try plan.verificationScope(source, target).items.count { $0.kind == .dataA && !isSetAside($0) }
        }
    }

    private func withSides<Outcome>(
        _ body: (Connection, Connection, SourceSide, TargetSide) throws -> Outcome
    ) throws -> Outcome {
        let old = try Connection(to: plan.old, for: .control, as: "\(plan.stream) resync", stop: stop)
        let new = try Connection(to: plan.new, for: .control, as: "\(plan.stream) resync", stop: stop)
        let source = SourceSide(plan.isForward ? old : new, plan.stream)
        let target = TargetSide(plan.isForward ? new : old, plan.stream)
        try SameDatabase.refuse(old, new)
        // Whoever runs the pair holds the lock of the stream forward, on new.
        let runner = TargetSide(new, plan.isForward ? plan.stream : plan.stream.opposite)
        guard try runner.tryRunnerLock() else {
            throw StateError.refused(
                "a `tandem run` holds the stream (pid \(try runner.runnerPID() ?? 0) on new)", hint: "stop it first")
        }
        try check(source, target)
        return try body(old, new, source, target)
    }

    // MARK: what must hold

    private func check(_ source: SourceSide, _ target: TargetSide) throws {
        guard try target.hasSchema, let binding = try target.binding() else {
            throw StateError.notPrepared(pair: plan.pair)
        }
        guard try source.tryPreparationLock() else {
            throw StateError.refused("somebody prepares or resyncs this stream already", hint: "wait for that one")
        }
        let replication = try Connection(to: plan.source, for: .replication, as: "\(plan.stream) resync", stop: stop)
        let identity = try ReplicationCommands.identify(replication)
        guard adopting == plan.stream.source || identity.systemIdentifier == binding.systemIdentifier else {
            throw StateError.unsafe(
                "\(plan.stream.source) is another server: system identifier \(identity.systemIdentifier), bound to"
                    + " \(binding.systemIdentifier)", hint: "does its address point elsewhere now?")
        }
        if adopting == nil, let slot = try source.slot(), !slot.isInvalid, let confirmed = slot.confirmed,
            let applied = try target.progress(durable: true), confirmed <= applied,
            try source.publicationFault() == nil,
            try !hasOnlyWatched(target)
        {
            throw StateError.refused(
                "nothing is lost: slot \(plan.stream) is there, and has all that \(plan.stream.target) lacks",
                hint: "`tandem run` goes on")
        }
        if try target.copiedTables().contains(where: { $0.state != .done && $0.state != .again }) {
            throw StateError.refused(
                "the copy was not complete when the slot was lost", hint: "`tandem abort`, and begin again")
        }
    }

    /// Changes that the stream was to apply passed it while it still watched: the slot is well, and the rows are not.
    private func hasOnlyWatched(_ target: TargetSide) throws -> Bool {
        let course = PairCourse()
        try PairEpochs(plan, stop: stop).read(into: course)
        guard let charge = course.position(on: plan.stream.source), let last = try target.lastWatched() else {
            return false
        }
        return course.role(of: plan.stream.direction) == .apply && last > charge.end
    }

    // MARK: a new beginning

    private func begin(_ source: SourceSide, _ target: TargetSide) throws -> Outcome {
        try source.dropSlot()
        try source.install()
        let chosen = try choose(source, target)
        if try source.publicationFault() != nil {
            try source.dropPublication()
            try source.publish(chosen.tables)
        }
        let replication = try Connection(to: plan.source, for: .replication, as: "\(plan.stream) resync", stop: stop)
        let identity = try ReplicationCommands.identify(replication)
        let holders = try source.openTransactions()
        if !holders.isEmpty {
            say("the slot waits for transactions open on \(plan.stream.source): " + holders.joined(separator: "; "))
        }
        let slot = try ReplicationCommands.createSlot(plan.stream, on: replication)
        Failpoint.pass(.afterSlotCreated)
        say("comparing with \(plan.stream.source) at \(slot.start)")
        let binding = Binding(
            systemIdentifier: identity.systemIdentifier, timeline: identity.timeline, start: slot.start)
        let tables = try makeEqual(source, target, snapshot: slot.snapshot)
        // What cannot be told row by row is copied afresh; the stream waits for it there.
        let again = tables.filter { !$0.isEqual }
        if let failed = again.first(where: { !copiesAgain || $0.report?.hasMore != true }) { throw refusal(failed) }
        try source.bind(binding)
        try target.bind(binding)
        // All of that is in the snapshot.
        try target.forgetWatched()
        Failpoint.pass(.afterOriginCreated)
        for outcome in again { try copyAgain(outcome.table, source, target) }
        return Outcome(position: slot.start, tables: tables, again: again.map(\.table), notes: chosen.notes)
    }

    private func refusal(_ failed: TableOutcome) -> StateError {
        let command = adopting == nil ? "resync" : "adopt"
        let much = failed.report?.hasMore == true ? "more than \(Self.most) of its rows differ" : "rows differ"
        return .refused(
            "\(failed.table) could not be made equal: \(failed.problem ?? failed.repair?.failures.first ?? much)",
            hint: failed.hint ?? "mend that, and `tandem \(command)` again: nothing follows yet")
    }

    private func choose(_ source: SourceSide, _ target: TargetSide) throws -> TableChoice.Chosen {
        guard !plan.isForward else { return try plan.tables.choose(on: source) }
        let carried = try plan.tables.matching(on: SourceSide(target.connection, plan.stream.opposite))
        let names = Set(carried.filter { !$0.isUnlogged }.map(\.name))
        return TableChoice.Chosen(tables: try plan.tables.choose(on: source, named: names), notes: [])
    }

    private func makeEqual(_ source: SourceSide, _ target: TargetSide, snapshot: String) throws -> [TableOutcome] {
        let scope = try plan.verificationScope(source, target)
        let able = scope.items.filter { $0.kind == .dataA && !isSetAside($0) }
        let comparison = try PairComparison(
            source: plan.source, target: plan.target, stream: plan.stream, as: "\(plan.stream) resync", stop: stop,
            snapshot: snapshot)
        defer { comparison.close() }
        var settings = ComparisonSettings()
        settings.most = Self.most
        settings.rate = plan.verify.rate
        let verification = PairVerification(
            comparison, VerificationScope(items: able), settings, records: false, progress: progress)
        let repair = try PairRepair(comparison, target: plan.target, settings, stop: stop)
        defer { repair.close() }
        return try verification.run().map { outcome in
            guard let report = outcome.report, !report.isEqual, !report.hasMore else { return outcome }
            return try repair.repair(outcome)
        }
    }

    /// New keeps nothing of it anyway.
    private func isSetAside(_ item: VerificationScope.Item) -> Bool {
        if case .notComparedYet? = item.obstacle { return true }
        return false
    }

    private func copyAgain(_ table: QualifiedName, _ source: SourceSide, _ target: TargetSide) throws {
        try target.startCopying()
        let below = try source.leafNames(below: [table]) + [table]
        for leaf in try source.publishedLeafTables() where below.contains(leaf.name) {
            _ = try target.requestAgain(leaf)
        }
    }
}
