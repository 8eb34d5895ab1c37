// One attempt at copying one table: its snapshot, what is left of it, who works on it. One worker leads and holds the
// snapshot; others may take ranges. When any of them fails, all of them do; a table that is told apart by a key goes on with
// what is left in another snapshot, any other from its beginning. An attempt that has held its snapshot for long enough
// hands out no more.

internal import Apply
internal import Model
internal import State
internal import Threading

final class CopyAttempt: Sendable {
    private struct State {
        var parts: PartQueue
        var rows = 0
        var bytes = 0
        var signals: [Int: StopSignal] = [:]
        var sessions: [Int: Int] = [:]
    }

    let leaf: SourceLeaf
    let statements: CopyStatements
    /// As it was exported by the session that holds it.
    let exported: String
    let snapshot: TransactionSnapshot
    let until: LSN
    /// Whatever the rows that are read may show ends at or before it.
    let seen: LSN
    /// Its rows are read on a standby of the source, in a snapshot that shows at least what this one does.
    let isFromStandby: Bool
    /// The first snapshot of a table that may be gone on with, as it is recorded.
    let base: CopyBase?
    /// Nothing of the table was on new before.
    let isFirst: Bool
    let began = Monotonic.now
    /// Why it has to be copied in one snapshot, if so.
    let indivisible: String?
    private let most: Double
    private let state: Monitor<State>

    init(
        _ leaf: SourceLeaf, _ statements: CopyStatements, exported: String, snapshot: TransactionSnapshot, until: LSN,
        seen: LSN? = nil, base: CopyBase?, isFirst: Bool, atMost seconds: Double, indivisible: String? = nil,
        ranges: [PageRange]
    ) {
        self.base = base
        self.isFirst = isFirst
        self.indivisible = indivisible
        most = base == nil ? .infinity : seconds
        self.leaf = leaf
        self.statements = statements
        self.exported = exported
        self.snapshot = snapshot
        self.until = until
        self.seen = seen ?? until
        isFromStandby = seen != nil
        state = Monitor(State(parts: PartQueue(ranges)))
    }

    // MARK: ranges

    var hasPending: Bool { state.withLock { $0.parts.hasPending } }

    /// Its snapshot holds back vacuum for as long as it may.
    var isOverdue: Bool { began.age > most }

    /// The leader's next range.
    func takeRange() throws -> PageRange? {
        try state.withLock { try $0.parts.take(unless: isOverdue) }
    }

    func open() { state.change { $0.parts.open() } }

    /// A helper's; it must `leave` afterwards.
    func join() -> PageRange? {
        state.change { $0.parts.join(unless: isOverdue) }
    }

    func leave(_ failure: (any Error)?) {
        state.change { state in
            state.parts.leave()
            if let failure { state.parts.fail(failure) }
        }
        if let failure { fail(failure) }
    }

    /// Until no helper works on it, whatever came of it.
    func waitForHelpers() { _ = state.wait { $0.parts.helping == 0 ? true : nil } }

    func result() throws -> (rows: Int, bytes: Int) {
        try state.withLock { state in
            if let failure = state.parts.failure { throw failure }
            return (state.rows, state.bytes)
        }
    }

    func count(rows: Int, bytes: Int) {
        state.withLock { state in
            state.rows += rows
            state.bytes += bytes
        }
    }

    // MARK: giving up

    /// Sessions on the source that hold its lock, and what makes each let go.
    func enter(_ worker: Int, session: Int?, _ signal: StopSignal) {
        let isLate = state.withLock { state in
            state.signals[worker] = signal
            state.sessions[worker] = session
            return state.parts.failure != nil
        }
        if isLate { signal.raise() }
    }

    func exit(_ worker: Int) {
        state.withLock { state in
            state.signals[worker] = nil
            state.sessions[worker] = nil
        }
    }

    var sessions: [Int] { state.withLock { Array($0.sessions.values) } }

    var failure: (any Error)? { state.withLock { $0.parts.failure } }

    func fail(_ error: any Error) {
        let signals = state.change { state in
            state.parts.fail(error)
            return Array(state.signals.values)
        }
        for signal in signals { signal.raise() }
    }
}

/// What a table that may be gone on with in another snapshot began with.
struct CopyBase: Sendable {
    let snapshot: TransactionSnapshot
    let until: LSN
    let form: String
    let pages: Int
}

/// Given up for now: the snapshot was held for as long as it may. What is committed stays.
struct SnapshotOverdue: Explained {
    let table: QualifiedName
    var description: String {
        "\(table) goes on in another snapshot: this one was held for as long as limits.snapshot allows"
    }
}

/// Nothing of what was copied can be kept.
struct Changed: Explained {
    let table: QualifiedName
    let what: String
    var description: String { "\(table) \(what) while it was copied: it begins again" }
}

/// Not begun yet.
struct Locked: Explained {
    let table: QualifiedName
    let who: String
    var description: String { "\(table) is locked on old by \(who)" }
}

/// Given up for now, for the application's sake.
struct GaveWay: Explained {
    let table: QualifiedName
    let who: String
    var description: String { "\(who) waits for a lock on \(table): its copy gave way and begins again later" }
}
