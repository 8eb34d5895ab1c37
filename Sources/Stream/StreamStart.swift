// Whether, and from where, a stream may go on: everything that must be true of both sides before the first byte is asked
// for. A source that cannot continue from exactly where the target stands is a hard stop: going on would lose or double
// rows without anybody noticing.

internal import Apply
internal import Configuration
internal import Model
internal import Postgres
internal import State

struct StreamStart {
    let source: SourceSide
    let target: TargetSide
    let replication: Connection
    let initialCopy: InitialCopy
    let pair: String

    private var stream: StreamName { source.stream }

    /// The position to continue from. Binds the target when this is the first start after `prepare`.
    func check() throws -> LSN {
        let identity = try ReplicationCommands.identify(replication)
        let binding = try target.binding() ?? adopt(identity)
        guard let progress = try target.progress(durable: true) else {
            throw StateError.unsafe(
                "new has no replication origin \(stream): it no longer knows how far it has come",
                hint: "was new restored or the origin dropped? `tandem abort`, then prepare and load new again")
        }
        try check(identity, binding, progress)
        try checkSlot(progress)
        if let fault = try source.publicationFault() { throw fault }
        return progress
    }

    /// Values may travel in binary when every type that is published can.
    func allowsBinary() throws -> Bool {
        guard source.connection.serverMajor >= 14 else { return false }
        return try source.publishedTypes().allSatisfy(WireTypes.travelsInBinary)
    }

    // MARK: the first start

    private func adopt(_ identity: SystemIdentity) throws -> Binding {
        guard initialCopy != .all, let prepared = try source.binding(), let slot = try source.slot() else {
            throw StateError.notPrepared(pair: pair)
        }
        guard prepared.systemIdentifier == identity.systemIdentifier else {
            throw StateError.unsafe(
                "old is not the server that was prepared (system identifier \(identity.systemIdentifier), was"
                    + " \(prepared.systemIdentifier))",
                hint: "`tandem abort`, then prepare again")
        }
        let start = try startPosition(prepared)
        guard let confirmed = slot.confirmed, confirmed <= start, !slot.isInvalid else {
            throw StateError.unsafe(
                "slot \(stream) has moved on to \(slot.confirmed ?? .zero), but new has no record of having followed",
                hint: "was new restored from a backup? `tandem abort`, then prepare and load new again")
        }
        let binding = Binding(
            systemIdentifier: prepared.systemIdentifier, timeline: prepared.timeline, start: start)
        try target.install()
        try target.bind(binding)
        return binding
    }

    private func startPosition(_ prepared: Binding) throws -> LSN {
        guard case .from(let position) = initialCopy else { return prepared.start }
        guard position >= prepared.start else {
            throw StateError.refused(
                "initial_copy starts from \(position), but slot \(stream) only reaches back to \(prepared.start)",
                hint: "restore new to a point at or after \(prepared.start), and name that point")
        }
        return position
    }

    // MARK: identity and position

    private func check(_ identity: SystemIdentity, _ binding: Binding, _ progress: LSN) throws {
        guard identity.systemIdentifier == binding.systemIdentifier else {
            throw StateError.unsafe(
                "old is another server: system identifier \(identity.systemIdentifier), bound to"
                    + " \(binding.systemIdentifier)",
                hint: "does its address point elsewhere now? Otherwise `tandem abort` and prepare again")
        }
        if identity.timeline != binding.timeline { try follow(identity, binding, progress) }
        guard identity.position >= progress else {
            throw StateError.unsafe(
                "old is at \(identity.position), behind what new has applied already (\(progress)): it lost writes that"
                    + " new has",
                hint: "a standby that was behind was promoted, or old was restored: compare both sides before going on")
        }
    }

    private func follow(_ identity: SystemIdentity, _ binding: Binding, _ progress: LSN) throws {
        let left = try ReplicationCommands.end(of: binding.timeline, on: replication, timeline: identity.timeline)
        guard identity.timeline > binding.timeline, let left, left >= progress else {
            throw StateError.unsafe(
                "old is on timeline \(identity.timeline), which left timeline \(binding.timeline)"
                    + (left.map { " at \($0)" } ?? " never") + ", before what new has applied (\(progress))",
                hint: "the promoted standby lacked writes that new has: compare both sides before going on")
        }
        try target.followTimeline(identity.timeline)
    }

    private func checkSlot(_ progress: LSN) throws {
        guard let slot = try source.slot() else {
            throw StateError.unsafe(
                "old has no slot \(stream): the changes since \(progress) are gone",
                hint: "`tandem resync` makes a new one and new level again; tandem never does so on its own")
        }
        guard !slot.isInvalid else {
            throw StateError.unsafe(
                "slot \(stream) is lost: old has removed log that new still needs (after \(progress))",
                hint: "raise max_slot_wal_keep_size, then `tandem resync`")
        }
        guard slot.plugin == "pgoutput" else {
            throw StateError.unsafe(
                "slot \(stream) is not tandem's: its plugin is \(slot.plugin)", hint: "drop or rename that slot")
        }
        if let confirmed = slot.confirmed, confirmed > progress {
            throw StateError.unsafe(
                "slot \(stream) was moved to \(confirmed), past what new has applied (\(progress)): the changes between"
                    + " are gone",
                hint: "was the slot recreated or advanced, or new restored? `tandem resync` makes new level again")
        }
    }
}
