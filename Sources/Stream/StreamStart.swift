// Whether, and from where, a stream may go on: everything that must be true of both sides before the first byte is asked
// for. A source that cannot continue from exactly where the target stands is a hard stop: going on would lose or double
// rows without anybody noticing.

internal import Apply
internal import Configuration
internal import Model
internal import Postgres
internal import Protocol
internal import State

struct StreamStart {
    let source: SourceSide
    let target: TargetSide
    let replication: Connection
    let initialCopy: InitialCopy
    let pair: String
    /// Nothing is written down: only whether it could begin, and from where.
    var isLooking = false

    private var stream: StreamName { source.stream }

    /// The position to continue from. Binds the target when this is the first start after `prepare`. `charge` is from where on
    /// the stream is to apply: what ended there or before is on the target already, whoever brought it.
    func check(from charge: ChargePosition? = nil) throws -> LSN {
        let identity = try ReplicationCommands.identify(replication)
        let binding = try target.binding() ?? adopt(identity)
        let known = try target.progress(durable: !isLooking)
        guard let progress = try known ?? (isLooking && target.binding() == nil ? binding.start : nil) else {
            throw StateError.unsafe(
                "\(stream.target) has no replication origin \(stream): it no longer knows how far it has come",
                hint: "was \(stream.target) restored or the origin dropped? \(stream.startingOver)")
        }
        try check(identity, binding, progress)
        try checkSlot(progress)
        if let fault = try source.publicationFault() { throw fault }
        guard let charge else { return progress }
        try checkWatched(charge)
        guard charge.end > progress else { return progress }
        try check(identity, charge)
        if !isLooking { try target.start(from: charge.end) }
        return charge.end
    }

    /// What the stream is to apply it must not have let pass before, when it only watched.
    private func checkWatched(_ charge: ChargePosition) throws {
        guard let last = try target.lastWatched(), last > charge.end else { return }
        throw StateError.unsafe(
            "\(stream) is to apply what came after \(charge.end), and has only watched changes up to \(last): they are not on"
                + " \(stream.target)", hint: "`tandem resync` makes both sides equal again")
    }

    private func check(_ identity: SystemIdentity, _ charge: ChargePosition) throws {
        guard charge.systemIdentifier == identity.systemIdentifier else {
            throw StateError.unsafe(
                "\(stream) is to start from \(charge.end) of another \(stream.source) (system identifier"
                    + " \(charge.systemIdentifier), now \(identity.systemIdentifier))",
                hint: "does its address point elsewhere now?")
        }
        guard charge.timeline != identity.timeline else { return }
        let left = try ReplicationCommands.end(of: charge.timeline, on: replication, timeline: identity.timeline)
        guard let left, left >= charge.end else {
            throw StateError.unsafe(
                "\(stream.source) is on timeline \(identity.timeline), which left timeline \(charge.timeline)"
                    + (left.map { " at \($0)" } ?? " never")
                    + ", before \(charge.end), from where \(stream) is to start",
                hint: "the promoted standby lacked writes: compare both sides before going on")
        }
    }

    /// Values may travel in binary when every type that is published can.
    static func allowsBinary(_ source: SourceSide) throws -> Bool {
        guard source.connection.serverMajor >= 14 else { return false }
        return try source.publishedTypes().allSatisfy(WireTypes.travelsInBinary)
    }

    // MARK: the first start

    private func adopt(_ identity: SystemIdentity) throws -> Binding {
        guard stream.direction == .forward else {
            throw StateError.unsafe(
                "\(stream.target) has no record of \(stream)", hint: stream.startingOver)
        }
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
        guard !isLooking else { return binding }
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
                "\(stream.source) is another server: system identifier \(identity.systemIdentifier), bound to"
                    + " \(binding.systemIdentifier)",
                hint:
                    "does its address point elsewhere now? If it was restored or went through pg_upgrade: `tandem adopt --side"
                    + " \(stream.source)`. Otherwise: \(stream.startingOver)")
        }
        if identity.timeline != binding.timeline { try follow(identity, binding, progress) }
        guard identity.position >= progress else {
            throw StateError.unsafe(
                "\(stream.source) is at \(identity.position), behind what \(stream.target) has applied already (\(progress)): it"
                    + " lost writes that \(stream.target) has",
                hint:
                    "a standby that was behind was promoted, or \(stream.source) was restored: compare both sides before going on"
            )
        }
    }

    private func follow(_ identity: SystemIdentity, _ binding: Binding, _ progress: LSN) throws {
        let left = try ReplicationCommands.end(of: binding.timeline, on: replication, timeline: identity.timeline)
        guard identity.timeline > binding.timeline, let left, left >= progress else {
            throw StateError.unsafe(
                "\(stream.source) is on timeline \(identity.timeline), which left timeline \(binding.timeline)"
                    + (left.map { " at \($0)" } ?? " never")
                    + ", before what \(stream.target) has applied (\(progress))",
                hint: "the promoted standby lacked writes that \(stream.target) has: compare both sides before going on"
            )
        }
        if !isLooking { try target.followTimeline(identity.timeline) }
    }

    private func checkSlot(_ progress: LSN) throws {
        guard let slot = try source.slot() else {
            throw StateError.unsafe(
                "\(stream.source) has no slot \(stream): the changes since \(progress) are gone",
                hint: "`tandem resync` makes another one and both sides equal again; tandem never does so on its own")
        }
        guard !slot.isInvalid else {
            throw StateError.unsafe(
                "slot \(stream) is lost: \(stream.source) has removed log that \(stream.target) still needs (after"
                    + " \(progress))",
                hint: "raise max_slot_wal_keep_size, then `tandem resync`")
        }
        guard slot.plugin == "pgoutput" else {
            throw StateError.unsafe(
                "slot \(stream) is not tandem's: its plugin is \(slot.plugin)", hint: "drop or rename that slot")
        }
        if let confirmed = slot.confirmed, confirmed > progress {
            throw StateError.unsafe(
                "slot \(stream) was moved to \(confirmed), past what \(stream.target) has applied (\(progress)): the changes"
                    + " between are gone",
                hint:
                    "was the slot recreated or advanced, or \(stream.target) restored? `tandem resync` makes both sides equal again"
            )
        }
    }
}
