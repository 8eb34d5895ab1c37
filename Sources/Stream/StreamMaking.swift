// A stream made where there is nothing to copy, because both sides are equal: publication and slot on its source, binding and
// origin on its target. It begins at its slot's own consistent point. Whoever calls holds the preparation's lock.

internal import Failpoints
internal import Model
internal import Postgres
internal import State
package import Threading

struct StreamMaking {
    let plan: StreamPlan
    let stop: StopSignal
    let say: @Sendable (String) -> Void

    func make(_ tables: [SourceTable], _ source: SourceSide, _ target: TargetSide) throws {
        try removeSlot(source)
        try source.forgetBinding()
        try source.install()
        try source.dropPublication()
        try source.publish(tables)
        let replication = try Connection(to: plan.source, for: .replication, as: "\(plan.stream) prepare", stop: stop)
        let identity = try ReplicationCommands.identify(replication)
        let slot = try SlotCreation(plan: plan, stop: stop, say: say).create(on: replication)
        Failpoint.pass(.afterSlotCreated)
        let binding = Binding(
            systemIdentifier: identity.systemIdentifier, timeline: identity.timeline, start: slot.start)
        do {
            try source.bind(binding)
            try target.install()
            try target.bind(binding)
        } catch {
            try? source.dropSlot()
            throw error
        }
        Failpoint.pass(.afterOriginCreated)
    }

    /// The runner lets go of it within a second or two of hearing that the step has no such stream.
    func removeSlot(_ source: SourceSide) throws {
        for _ in 0..<100 {
            guard let slot = try source.slot() else { return }
            if !slot.isActive { return try source.dropSlot() }
            if stop.wait(seconds: 0.2) { break }
        }
        throw StateError.refused(
            "slot \(plan.stream) is in use by pid \(try source.slot()?.activePID ?? 0) on \(plan.stream.source)",
            hint: "stop the `tandem run` that uses it")
    }
}

/// A stream forward that only watches, made afresh once old is another server: both sides have just been made equal, and what
/// it would have seen before is of a server that is gone.
package struct ForwardWatch {
    private let plan: StreamPlan
    private let making: StreamMaking
    private let stop: StopSignal

    package init(_ plan: StreamPlan, stop: StopSignal, say: @escaping @Sendable (String) -> Void) {
        self.plan = plan.isForward ? plan : plan.opposite
        self.stop = stop
        making = StreamMaking(plan: self.plan, stop: stop, say: say)
    }

    package func make() throws {
        let old = try Connection(to: plan.source, for: .control, as: "\(plan.stream) prepare", stop: stop)
        let new = try Connection(to: plan.target, for: .control, as: "\(plan.stream) prepare", stop: stop)
        let (source, target) = (SourceSide(old, plan.stream), TargetSide(new, plan.stream))
        guard try source.tryPreparationLock() else {
            throw StateError.refused("somebody prepares or resyncs this stream already", hint: "wait for that one")
        }
        try making.make(plan.tables.choose(on: source).tables, source, target)
        try target.forgetWatched()
    }
}
