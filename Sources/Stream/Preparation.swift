// Publication and slot on old, the stream's binding on new, in an order that a crash at any point leaves repeatable: what
// `prepare` does, and `run` before it copies by itself. The exported snapshot lives as long as the replication connection is held.

internal import Configuration
internal import Evidence
internal import Failpoints
internal import InitialCopy
package import Model
internal import Postgres
internal import State
package import Threading

package final class Preparation {
    package struct Prepared: Sendable {
        package let publication: String
        package let slot: String
        package let position: LSN
        package let snapshot: String
        package let tables: Int
        package let notes: [String]
        /// Why new could not be bound yet, if so.
        package let newProblem: String?
    }

    private let plan: StreamPlan
    private let tables: TableChoice
    private let stop: StopSignal
    /// What exists is to be copied by tandem itself.
    private let copies: Bool
    private let acceptsSchema: Bool
    /// Whether anything else stands in the way, looked at when all that is known here was found well.
    private let check: @Sendable () throws -> Void
    private let say: @Sendable (String) -> Void
    private var replication: Connection?
    /// Keeps the preparation's lock.
    private var control: Connection?

    package init(
        _ plan: StreamPlan, tables: TableChoice, copies: Bool = false, acceptsSchema: Bool = false,
        check: @escaping @Sendable () throws -> Void = {}, stop: StopSignal,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.copies = copies
        self.check = check
        self.acceptsSchema = acceptsSchema
        self.plan = plan
        self.tables = tables
        self.stop = stop
        self.say = say
    }

    /// `afterChecks` runs before anything is made.
    package func prepare(again: Bool, afterChecks: () throws -> Void = {}) throws -> Prepared {
        let control = try Connection(to: plan.source, for: .control, as: "\(plan.stream) prepare", stop: stop)
        self.control = control
        let source = SourceSide(control, plan.stream)
        try lock(source)
        let target = Self.connect(plan, stop)
        let chosen = try choose(source, target)
        try waitForOurselves(source)
        let new = target.side?.connection
        try CarriedSchema.refuseUnchecked(plan, old: control, new: new, accepts: acceptsSchema)
        try check()
        return try plan.evidence.perform(
            "prepare",
            executed: ["publication \(plan.stream) of \(chosen.tables.count) tables", "slot \(plan.stream)"],
            details: [("again", again ? "yes" : "no"), ("tables copied by", copies ? "tandem" : "the operator")],
            old: control, new: new, note: { say($0) }
        ) {
            try make(chosen, source, target, again: again, afterChecks: afterChecks)
        }
    }

    private func choose(
        _ source: SourceSide, _ target: (side: TargetSide?, problem: String?)
    ) throws -> TableChoice.Chosen {
        try checkSource(source)
        if let new = target.side?.connection { try SameDatabase.refuse(source.connection, new) }
        let chosen = try tables.choose(on: source)
        if copies { try checkEmpty(source, target, chosen.tables) }
        return chosen
    }

    // MARK: what it would do

    /// `makesTables`: what the caller would make on new before; it throws what stands in the way of that.
    package func preview(
        again: Bool, makesTables: () throws -> ForeseenActs = { ForeseenActs() }
    ) throws -> ForeseenActs {
        let control = try Connection(to: plan.source, for: .control, as: "\(plan.stream) prepare", stop: stop)
        let source = SourceSide(control, plan.stream)
        if try source.preparationPID() != nil { throw othersPrepare }
        let target = Self.connect(plan, stop)
        let chosen = try choose(source, target)
        try CarriedSchema.refuseUnchecked(plan, old: control, new: target.side?.connection, accepts: acceptsSchema)
        try check()
        try plan.evidence.examine(old: control, new: target.side?.connection)
        // Its own process, killed a moment ago, it would wait for.
        let slot = try source.slot()
        if !(copies && slot?.isActive == true) { try refuseBegun(source, target.side, again: again) }
        var foreseen = try makesTables()
        let isThere = [("old", try source.hasSchema), ("new", try target.side?.hasSchema ?? true)]
        for (side, _) in isThere.filter({ !$0.1 }) { foreseen.would("make schema tandem on \(side)") }
        let published = try source.publishedTables() != nil
        foreseen.would(
            "\(published ? "replace" : "make") publication \(plan.stream) of \(counted(chosen.tables.count, "table")) on old"
        )
        if slot != nil { foreseen.would("drop slot \(plan.stream), which was prepared before, on old") }
        foreseen.would("make slot \(plan.stream) on old, which holds its log from then on")
        foreseeBinding(target, &foreseen)
        if !copies {
            foreseen.would("hold a snapshot of old until interrupted, which holds back vacuum there")
        } else {
            try foreseeCopy(source, chosen.tables, &foreseen)
        }
        for holder in try source.openTransactions() { foreseen.note("the slot would wait for \(holder) on old") }
        chosen.notes.forEach { foreseen.note($0) }
        return foreseen
    }

    private func foreseeBinding(_ target: (side: TargetSide?, problem: String?), _ foreseen: inout ForeseenActs) {
        if let problem = target.problem {
            foreseen.note("new cannot be reached (\(problem)); `tandem run` would bind it")
        } else if plan.initialCopy.startsAtSlot {
            foreseen.would("make replication origin \(plan.stream) on new and bind it to the slot's position")
        }
    }

    private func foreseeCopy(
        _ source: SourceSide, _ tables: [SourceTable], _ foreseen: inout ForeseenActs
    ) throws {
        let leaves = try source.leafTables(of: tables.map(\.name))
        let size = leaves.reduce(0) { $0 + max(0, $1.bytes) } >> 20
        foreseen.would(
            "copy the rows of \(counted(leaves.count, "table")), about \(size) MB on old, \(plan.copy.jobs) at once, beside the"
                + " stream")
        foreseen.would("make keys, indexes and foreign keys on new as rows are there")
    }

    private func make(
        _ chosen: TableChoice.Chosen, _ source: SourceSide, _ target: (side: TargetSide?, problem: String?),
        again: Bool, afterChecks: () throws -> Void
    ) throws -> Prepared {
        try clearWay(source, target.side, again: again)
        try afterChecks()
        try source.install()
        try source.dropPublication()
        try source.publish(chosen.tables)
        let replication = try Connection(to: plan.source, for: .replication, as: "\(plan.stream) prepare", stop: stop)
        self.replication = replication
        let identity = try ReplicationCommands.identify(replication)
        let slot = try SlotCreation(plan: plan, stop: stop, say: say).create(on: replication)
        Failpoint.pass(.afterSlotCreated)
        let binding = Binding(
            systemIdentifier: identity.systemIdentifier, timeline: identity.timeline, start: slot.start)
        let copying = try copies ? copyPlan(source, slot.snapshot) : nil
        try source.bind(binding)
        try bindTarget(target.side, binding, copying, source)
        Failpoint.pass(.afterOriginCreated)
        return Prepared(
            publication: plan.stream.description, slot: plan.stream.description, position: slot.start,
            snapshot: slot.snapshot, tables: chosen.tables.count, notes: chosen.notes,
            newProblem: target.problem)
    }

    /// Until asked to stop; throws when the server ends the session, and with it the snapshot.
    package func hold() throws {
        guard let replication else { return }
        while !stop.isRaised {
            let ready = Poll.wait(for: [.readable(stop.descriptor), .readable(replication.socket)], until: nil)
            if ready.contains(1) && !stop.isRaised {
                throw StateError.refused(
                    "old ended the session that held the snapshot",
                    hint: "what was not loaded by now must be loaded afresh: `tandem prepare --again`")
            }
        }
    }

    private static func connect(_ plan: StreamPlan, _ stop: StopSignal) -> (side: TargetSide?, problem: String?) {
        do {
            let connection = try Connection(
                to: plan.target, for: .control, as: "\(plan.stream) prepare", stop: stop)
            return (TargetSide(connection, plan.stream), nil)
        } catch { return (nil, error.description) }
    }

    // MARK: what must hold

    /// Somebody else may be loading new from a snapshot that belongs to the slot as it is.
    private func lock(_ source: SourceSide) throws {
        // One that was killed lets go of it in a moment.
        for _ in 0..<(copies ? 100 : 1) {
            if try source.tryPreparationLock() { return }
            if copies { stop.wait(seconds: 0.1) }
        }
        throw othersPrepare
    }

    private var othersPrepare: StateError {
        .refused("another `tandem prepare` holds the snapshot of \(plan.stream)", hint: "interrupt that one first")
    }

    private func checkSource(_ source: SourceSide) throws {
        guard copies || plan.initialCopy != .all else { throw StateError.copiesByItself }
        guard try source.walLevel() == "logical" else {
            throw StateError.refused(
                "old runs with wal_level = \(try source.walLevel()), which cannot be decoded",
                hint: "ALTER SYSTEM SET wal_level = 'logical'; and restart old")
        }
    }

    /// What an earlier preparation left. A stream that has begun is never thrown away here.
    private func clearWay(_ source: SourceSide, _ target: TargetSide?, again: Bool) throws {
        try refuseBegun(source, target, again: again)
        guard try source.slot() != nil else { return }
        // First what refers to it: killed in between, nothing claims to have been prepared.
        if try source.binding() != nil { try source.forget() }
        try source.dropSlot()
    }

    private func refuseBegun(_ source: SourceSide, _ target: TargetSide?, again: Bool) throws {
        let (bound, slot) = (try source.binding(), try source.slot())
        if let slot, slot.isActive {
            throw StateError.refused(
                "slot \(plan.stream) is in use by pid \(slot.activePID ?? 0) on old",
                hint: "stop the running `tandem run` or `tandem prepare` first")
        }
        // Also when the slot is gone: a new one would leave a gap that nobody hears of.
        if let start = try target?.binding()?.start ?? bound?.start {
            let progress = try target?.progress(durable: false)
            if (slot?.confirmed ?? .zero) > start || (progress ?? .zero) > start {
                throw StateError.alreadyStreaming(stream: plan.stream.description)
            }
        }
        if let bound, slot != nil, !again {
            throw StateError.alreadyPrepared(stream: plan.stream.description, at: bound.start)
        }
    }

    /// When new cannot be bound, nothing is left that would hold old's log for nobody.
    private func bindTarget(
        _ target: TargetSide?, _ binding: Binding, _ copying: CopyPlan?, _ source: SourceSide
    ) throws {
        guard let target, plan.initialCopy.startsAtSlot else { return }
        do {
            try target.install()
            try target.bind(binding, copying: copying)
        } catch {
            try? source.dropSlot()
            try? source.dropPublication()
            try? source.forget()
            try? target.abandon()
            throw error
        }
    }

    // MARK: what is to be copied

    /// Rows of others would be mixed with those that are copied.
    private func checkEmpty(
        _ source: SourceSide, _ target: (side: TargetSide?, problem: String?), _ tables: [SourceTable]
    ) throws {
        guard let side = target.side else {
            throw PostgresError(.cannotConnect, target.problem ?? "", doing: "looking for rows on new")
        }
        let leaves = try source.leafNames(below: tables.map(\.name))
        let occupied = Set(try side.withRows(Array(Set(tables.map(\.name) + leaves)))).sorted()
        guard occupied.isEmpty else {
            let names = occupied.prefix(20).map(\.description).joined(separator: ", ")
            throw StateError.refused(
                "new has rows already in tables that are to be copied: \(names)"
                    + (occupied.count > 20 ? " and \(occupied.count - 20) more" : ""),
                hint: "empty them: TRUNCATE \(occupied.prefix(20).map(\.pasteable).joined(separator: ", ")); or, when"
                    + " you have loaded new yourself, `initial_copy: none` and `tandem prepare`")
        }
    }

    /// A process of ours that was killed may still be waiting on old for its slot.
    private func waitForOurselves(_ source: SourceSide) throws {
        guard copies else { return }
        var isSaid = false
        while let slot = try source.slot(), slot.isActive, !stop.isRaised {
            if !isSaid { say("waiting for slot \(plan.stream), in use by pid \(slot.activePID ?? 0) on old") }
            isSaid = true
            stop.wait(seconds: 0.5)
        }
    }

    /// Listed after the slot was made: whatever table comes later has all its rows in the stream.
    private func copyPlan(_ source: SourceSide, _ snapshot: String) throws -> CopyPlan {
        let base = try source.contents(ofSnapshot: snapshot)
        return CopyPlan(base: base, tables: try source.publishedLeafTables())
    }
}

extension InitialCopy {
    /// New is loaded from the slot's own snapshot, so the stream starts where the slot does.
    fileprivate var startsAtSlot: Bool { if case .from = self { false } else { true } }
}
