// The stream back, made and taken away: publication, heartbeat and slot on new, binding and origin on old. Nothing is copied:
// both sides are equal through the stream forward, and what tandem itself writes on new is left out by its origin. So the
// stream back begins at its slot's own consistent point, from which on nothing that applications write on new is missed.
//
// A slot that nobody reads fills new's disk. Whoever makes this stream, or takes it away, holds a lock on new until the epoch
// that wants it so is committed; what is there without that lock, while the step has no stream back, is an orphan, and is
// removed by the next who looks: the runner, `abort`, or the same command again.

internal import Evidence
internal import Failpoints
internal import Model
internal import Postgres
internal import State
package import Threading

package struct ReverseStream {
    private let forward: StreamPlan
    private let plan: StreamPlan
    private let stop: StopSignal
    private let say: @Sendable (String) -> Void

    /// `plan` is that of either direction.
    package init(_ plan: StreamPlan, stop: StopSignal, say: @escaping @Sendable (String) -> Void) {
        self.plan = plan.isForward ? plan.opposite : plan
        forward = plan.isForward ? plan : plan.opposite
        self.stop = stop
        self.say = say
    }

    private var making: StreamMaking { StreamMaking(plan: plan, stop: stop, say: say) }

    private struct Sides {
        let source: SourceSide
        let target: TargetSide
    }

    private func connect() throws -> Sides {
        let new = try Connection(to: plan.source, for: .control, as: "\(plan.stream) prepare", stop: stop)
        let old = try Connection(to: plan.target, for: .control, as: "\(plan.stream) prepare", stop: stop)
        return Sides(source: SourceSide(new, plan.stream), target: TargetSide(old, plan.stream))
    }

    // MARK: making it

    /// Makes what is missing, then runs `body` while nobody can take it for an orphan. True when it was made just now.
    @discardableResult
    package func make(then body: () throws -> Void = {}) throws -> Bool {
        let sides = try connect()
        try lock(sides.source)
        let isMade = try !isWhole(sides)
        if isMade {
            let chosen = try check(sides)
            try plan.evidence.perform(
                "reverse stream",
                executed: ["publication \(plan.stream) of \(chosen.count) tables", "slot \(plan.stream)"],
                old: sides.target.connection, new: sides.source.connection, note: { say($0) }
            ) { try making.make(chosen, sides.source, sides.target) }
        }
        try body()
        return isMade
    }

    /// Both sides have all of it, and the slot has what old lacks.
    private func isWhole(_ sides: Sides) throws -> Bool {
        guard let bound = try sides.target.binding(), let prepared = try sides.source.binding(), bound == prepared,
            let slot = try sides.source.slot(), !slot.isInvalid, let confirmed = slot.confirmed,
            let progress = try sides.target.progress(durable: false)
        else { return false }
        return try confirmed <= progress && sides.source.publicationFault() == nil
    }

    private func check(_ sides: Sides) throws -> [SourceTable] {
        guard try sides.source.walLevel() == "logical" else {
            throw StateError.refused(
                "new runs with wal_level = \(try sides.source.walLevel()), which cannot be decoded, so there is no way back",
                hint: "ALTER SYSTEM SET wal_level = 'logical'; and restart new")
        }
        let carried = try forward.tables.matching(on: SourceSide(sides.target.connection, forward.stream))
        let chosen = try plan.tables.choose(on: sides.source, named: Set(carried.filter { !$0.isUnlogged }.map(\.name)))
        let obstacles = try ReverseObstacles(plan, stop: stop).read(
            chosen.map(\.name), new: sides.source.connection, old: sides.target.connection)
        guard let first = obstacles.first else { return chosen }
        let rest = obstacles.count > 1 ? "; and \(obstacles.count - 1) more tables" : ""
        throw StateError.refused(
            "what is written on new could not come back: \(first.what)\(rest)",
            hint: (first.remedy.map { "\($0) — " } ?? "") + "`tandem preflight --only reverse-tables` lists all of it")
    }

    /// Somebody who was killed lets go of it in a moment.
    private func lock(_ source: SourceSide) throws {
        for _ in 0..<400 {
            if try source.tryPreparationLock() { return }
            if stop.wait(seconds: 0.1) { break }
        }
        throw StateError.refused(
            "somebody else is making or removing \(plan.stream)", hint: "wait for that one, and try again")
    }

    // MARK: taking it away

    /// What was there, in words. `isWanted` is asked once nobody else can make it; then nothing is removed. `isUnread`: the stream
    /// forward is to begin anew, and reads nothing any more of what this one wrote.
    @discardableResult
    package func remove(
        unless isWanted: () throws -> Bool = { false }, isUnread: Bool = false
    ) throws -> [String] {
        let sides = try connect()
        guard try isAnythingThere(sides) else { return [] }
        try lock(sides.source)
        guard try !isWanted(), try isAnythingThere(sides) else { return [] }
        return try plan.evidence.perform(
            "reverse stream", executed: ["remove slot, publication and origin \(plan.stream)"],
            old: sides.target.connection, new: sides.source.connection, note: { say($0) }
        ) {
            try making.removeSlot(sides.source)
            Failpoint.pass(.duringAbort)
            // Under the origin, so that it is nobody's deletion; and before that goes, the stream forward has passed it.
            try sides.target.forgetHeartbeat()
            let isRead = try !isUnread && !waitUntilRead(on: sides.target.connection)
            if isRead { say("origins of \(plan.stream) stay on old until \(forward.stream) has passed what they mark") }
            return try StreamEffects(plan.stream).remove(from: sides.source)
                + StreamEffects(plan.stream).remove(from: sides.target, whileRead: isRead)
        }
    }

    /// It was made, and what it had to read is gone or passed.
    package func isLost() throws -> Bool {
        let sides = try connect()
        return try sides.target.binding() != nil && !isWhole(sides)
    }

    /// Old knows from where it is to go on.
    package func isBound() throws -> Bool { try connect().target.binding() != nil }

    private func isAnythingThere(_ sides: Sides) throws -> Bool {
        if try sides.source.slot() != nil || sides.source.publishedTables() != nil { return true }
        return try sides.source.binding() != nil || sides.target.binding() != nil || sides.target.hasOrigin
    }

    /// Whether the stream forward has passed everything that this one wrote on old. It tells that apart by the name of an
    /// origin; once that is dropped, what comes would be taken for an application's.
    private func waitUntilRead(on old: Connection) throws -> Bool {
        let source = SourceSide(old, forward.stream)
        let position = try source.currentPosition()
        // A stream that begins again, because the step is another one, is away for a moment.
        var away = 0
        for _ in 0..<100 {
            guard let slot = try source.slot(), !slot.isInvalid else { return true }
            if slot.confirmed ?? .zero >= position { return true }
            away = slot.isActive ? 0 : away + 1
            if away > 25 || stop.wait(seconds: 0.2) { break }
        }
        return false
    }
}
