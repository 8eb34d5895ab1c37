// Leading one table through its copy up to the snapshot: what an earlier attempt has left is kept or removed, the table is
// locked on the source, then the snapshot is taken. Also: beginning a table again from nothing.

internal import Apply
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

extension CopyWorker {
    func lead(_ oid: UInt32) throws {
        var statements: CopyStatements?
        do {
            try mark()
            let base = try prepareTarget(oid)
            if base == nil { gate.begin(oid) }
            guard let attempt = try begin(oid, base) else { return try recordDropped(oid) }
            try copy(attempt)
            statements = attempt.statements
        } catch is AllThere {
            return putBack(oid, .copied, NotYet(description: "its rows are there"))
        } catch let changed as Changed {
            disconnect()
            context.log.warning("begins again", [.relation: changed.table, .reason: changed.what])
            return try again(oid, changed)
        } catch {
            // Sessions end with their connections, and with them what they had not committed.
            disconnect()
            if base(oid) == nil && board.entry(oid)?.isUncertain != true { gate.set(oid, .waiting) }
            putBack(oid, .waiting, error)
            throw error
        }
        try finish(oid, statements)
    }

    /// When the answer gets lost nobody knows what new holds, and the stream may not be told otherwise before that is known.
    func commit(_ oid: UInt32, _ side: TargetSide, doing: String) throws {
        board.change(oid) { $0.isUncertain = true }
        try side.connection.script("COMMIT", doing: doing)
        board.change(oid) { $0.isUncertain = false }
    }

    func base(_ oid: UInt32) -> CopyBase? { board.entry(oid)?.base }

    // MARK: the target

    /// Waits for whoever still writes rows of it. What may be gone on with stays, anything else is removed.
    private func prepareTarget(_ oid: UInt32) throws -> CopyBase? {
        let side = try target()
        let doing = "clearing the way for a table's copy"
        try side.connection.script("BEGIN", doing: doing)
        guard let claim = try side.claim(oid, exclusively: true, runner: context.runner) else { throw lost(oid) }
        var kept = base(oid)
        switch claim.state {
        case .waiting:
            kept = nil
            if gate.hasNotes(oid) { try side.nowWaiting(oid) }
        case .copying, .copied:
            // What was committed without our hearing of it: the stream has not been told, and did not take notes.
            if claim.snapshot != kept?.snapshot { kept = nil }
            if kept == nil { try remove(oid, side) } else if claim.state == .copied { throw AllThere() }
        case .done, .again: throw lost(oid)
        }
        try side.connection.script("COMMIT", doing: doing)
        board.change(oid) { entry in
            entry.isUncertain = false
            if kept == nil { entry.beginAgain() }
        }
        if kept == nil { gate.set(oid, .waiting) }
        return kept
    }

    /// In the caller's transaction, which has claimed the table.
    private func remove(_ oid: UInt32, _ side: TargetSide) throws {
        if let statements = try statements(oid, side.connection) {
            guard !statements.isShared else { throw lost(oid) }
            try empty(statements.destinationSQL, side.connection)
        }
        try side.nowWaiting(oid)
    }

    /// Nothing that is there fits any more. What was noted so far could be seen on the source, and will be in any snapshot.
    func again(_ oid: UInt32, _ reason: any Error) throws {
        do {
            let side = try target()
            let doing = "beginning a table's copy again"
            try side.connection.script("BEGIN", doing: doing)
            guard try side.claim(oid, exclusively: true, runner: context.runner) != nil else { throw lost(oid) }
            try remove(oid, side)
            try side.connection.script("COMMIT", doing: doing)
            board.change(oid) { $0.beginAgain() }
            gate.set(oid, .waiting)
            putBack(oid, .waiting, reason)
        } catch {
            // Notes are taken as before, until it is known what new has recorded.
            putBack(oid, .waiting, error)
            throw error
        }
    }

    func lost(_ oid: UInt32) -> PostgresError {
        PostgresError(.unexpected, "new's record of table \(oid) makes no sense", doing: "copying a table")
    }

    // MARK: the source

    /// A table locked against what a snapshot does not hold back, and the snapshot.
    struct Sight {
        let leaf: SourceLeaf
        let snapshot: TransactionSnapshot
        let until: LSN
        let exported: String
    }

    /// In a transaction that goes on. Nil when the source has the table no more. `locksOnly`: rows are read elsewhere, and no
    /// snapshot is held.
    func look(_ oid: UInt32, locksOnly: Bool = false) throws -> Sight? {
        let side = try source()
        let connection = side.connection
        guard let known = try side.leaf(oid) else {
            try connection.script(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: "looking for a table that is gone")
            return nil
        }
        let doing = "locking \(known.name) on \(connection.label)"
        let isolation = locksOnly ? "READ COMMITTED" : "REPEATABLE READ"
        try connection.script(
            "BEGIN ISOLATION LEVEL \(isolation) READ ONLY; SET LOCAL lock_timeout = '2s'", doing: doing)
        do {
            try connection.script("LOCK TABLE ONLY \(known.name.sql) IN ACCESS SHARE MODE", doing: doing)
        } catch {
            guard error.sqlState == "55P03" else { throw error }
            throw Locked(table: known.name, who: try holders(oid) ?? "somebody")
        }
        let exported =
            locksOnly
            ? "" : try connection.script("SELECT pg_catalog.pg_export_snapshot()", doing: doing).string(0, 0)
        let snapshot = try side.snapshot()
        let position = try side.currentPosition()
        guard let leaf = try side.leaf(oid), leaf.name == known.name else {
            throw NotYet(description: "\(known.name) was renamed just now")
        }
        return Sight(leaf: leaf, snapshot: snapshot, until: position, exported: exported)
    }

    private func begin(_ oid: UInt32, _ base: CopyBase?) throws -> CopyAttempt? {
        guard let (sight, statements) = try lookAndLayOver(oid) else {
            guard base == nil else { throw Changed(table: name(oid), what: "was dropped on old") }
            return nil
        }
        let leaf = sight.leaf
        let standby = try sight.exported.isEmpty ? context.standby.map { try look(at: $0, beyond: sight) } : nil
        try check(oid, sight.snapshot)
        if let base, base.form != leaf.form { throw Changed(table: leaf.name, what: "was rewritten or altered on old") }
        guard base == nil || statements.key != nil else {
            throw Changed(table: leaf.name, what: "was altered on new or old")
        }
        let first = CopyBase(snapshot: sight.snapshot, until: sight.until, form: leaf.form, pages: leaf.pages)
        let attempt = CopyAttempt(
            leaf, statements, exported: standby?.exported ?? sight.exported, snapshot: sight.snapshot,
            until: sight.until, seen: standby?.seen, base: base ?? (statements.key == nil ? nil : first),
            isFirst: base == nil,
            atMost: context.settings.snapshot, indivisible: statements.indivisible,
            ranges: try ranges(leaf, statements, base))
        attempt.enter(number, session: try source().connection.backendPID, signal)
        board.change(oid) { entry in
            entry.name = leaf.name
            entry.measure(leaf)
            entry.expectedRows = leaf.rows
            entry.attempt = attempt
        }
        Failpoint.pass(.afterTableSnapshot)
        return attempt
    }

    /// Only what may be read in several snapshots may be read on a standby, whose snapshots nobody can describe.
    private func lookAndLayOver(_ oid: UInt32) throws -> (Sight, CopyStatements)? {
        func layOver(_ leaf: SourceLeaf) throws -> CopyStatements {
            try CopyStatements(
                leaf, stream: context.stream, source: context.source, on: source().connection,
                target: target().connection, stop: signal)
        }
        guard let sight = try look(oid, locksOnly: context.standby != nil) else { return nil }
        let statements = try layOver(sight.leaf)
        guard context.standby != nil, statements.key == nil else { return (sight, statements) }
        try source().connection.script("COMMIT", doing: "letting go of \(sight.leaf.name)")
        guard let held = try look(oid) else { return nil }
        return (held, try layOver(held.leaf))
    }

    private func name(_ oid: UInt32) -> QualifiedName {
        board.entry(oid)?.name ?? QualifiedName(schema: "", name: "\(oid)")
    }

    private func holders(_ oid: UInt32) throws -> String? {
        let connection = try Connection(
            to: context.source, for: .control, as: "\(context.stream) copy \(number)", stop: signal)
        return try SourceSide(connection, context.stream).holders(of: oid)
    }

    /// A table that was added to the publication later: transactions that were open then may have been published without it.
    private func check(_ oid: UInt32, _ snapshot: TransactionSnapshot) throws {
        guard let after = board.entry(oid)?.after, snapshot.xmin < after else { return }
        throw NotYet(description: "waiting for transactions on old that began before the table was published")
    }

    func statements(_ oid: UInt32, _ target: Connection) throws -> CopyStatements? {
        let side = try source()
        guard let leaf = try side.leaf(oid) else { return nil }
        return try CopyStatements(
            leaf, stream: context.stream, source: context.source, on: side.connection, target: target, stop: signal)
    }

    // MARK: parts

    /// Parts of about the configured size, of what is not there yet. Nothing when the table goes as a whole.
    private func ranges(_ leaf: SourceLeaf, _ statements: CopyStatements, _ base: CopyBase?) throws -> [PageRange] {
        // With what lies outside of them.
        let bytesOfPage = max(CopyBase.pageSize, leaf.bytes / max(1, leaf.pages))
        var usual = max(1, context.settings.range / bytesOfPage)
        if !statements.readsRanges { usual = min(usual, CopyBase.listedPages) }
        let step = board.entry(leaf.oid)?.step
        if let base {
            let there = try target().copiedRanges(leaf.oid)
            return PageRange.missing(from: there, pages: base.pages, step: step ?? usual)
        }
        guard statements.readsRanges || statements.key != nil, !statements.isShared else { return [] }
        guard leaf.bytes > 2 * context.settings.range || step != nil && statements.key != nil else { return [] }
        let all = PageRange.missing(from: [], pages: leaf.pages, step: step ?? usual)
        // In one snapshot the last part ends the table, however far it grew.
        guard statements.key == nil, let last = all.last else { return all }
        return all.dropLast() + [PageRange(first: last.first, end: nil)]
    }

    /// The source dropped it: nothing is left to copy, and what the stream still brings of it is over.
    private func recordDropped(_ oid: UInt32) throws {
        let side = try source()
        let snapshot = try side.snapshot()
        let position = try side.currentPosition()
        try side.connection.script("COMMIT", doing: "looking for a table that is gone")
        let target = try target()
        try target.connection.script("BEGIN", doing: "recording a table that is gone")
        guard try target.claim(oid, exclusively: true, runner: context.runner)?.state == .waiting else {
            throw lost(oid)
        }
        try target.nowCopied(oid, snapshot, until: position, form: nil, rows: 0, bytes: 0)
        try target.nowDone(oid)
        try target.connection.script("COMMIT", doing: "recording a table that is gone")
        settle(oid, snapshot, position)
        context.log.warning("table is gone", [.relation: "\(oid)", .reason: "old dropped it before it was copied"])
    }

    /// In the caller's transaction. Where something on new refers to the table, TRUNCATE is refused.
    func empty(_ table: String, _ target: Connection) throws {
        let doing = "removing what an earlier attempt has copied"
        try target.script("SAVEPOINT truncation", doing: doing)
        do { try target.script("TRUNCATE \(table)", doing: doing) } catch {
            guard error.sqlState == "0A000" else { throw error }
            try target.script("ROLLBACK TO truncation", doing: doing)
            try target.script("LOCK TABLE \(table) IN EXCLUSIVE MODE; DELETE FROM \(table)", doing: doing)
        }
    }
}

/// All rows are on new, as it turned out.
private struct AllThere: Error {}

extension CopyBase {
    /// PostgreSQL's usual one, for the size of parts.
    static let pageSize = 8192
    /// Of a part, where each place on its pages has to be named.
    static let listedPages = 2048
}

extension PageRange {
    /// What is left of so many pages, in parts of at most so many.
    static func missing(from there: [CopiedRange], pages: Int, step: Int) -> [PageRange] {
        var ranges: [PageRange] = []
        var next = 0
        for range in there + [CopiedRange(first: pages, end: pages)] {
            while next < min(range.first, pages) {
                let end = min(next + step, range.first, pages)
                ranges.append(PageRange(first: next, end: end))
                next = end
            }
            next = max(next, range.end)
        }
        return ranges
    }
}
