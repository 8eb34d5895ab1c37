// One attempt at copying one table: its snapshot, what is left of it, who works on it. One worker leads and holds the
// snapshot; others may take ranges. When any of them fails, all of them do: nothing goes on in another snapshot.

internal import Apply
internal import Model
internal import State
internal import Threading

final class CopyAttempt: Sendable {
    private struct State {
        var pending: [PageRange]
        var helping = 0
        var rows = 0
        var bytes = 0
        var failure: (any Error)?
        var signals: [Int: StopSignal] = [:]
        var sessions: [Int: Int] = [:]
    }

    let leaf: SourceLeaf
    let statements: CopyStatements
    /// As it was exported by the session that holds it.
    let exported: String
    let snapshot: TransactionSnapshot
    let until: LSN
    let began = Monotonic.now
    private let state: Monitor<State>

    init(
        _ leaf: SourceLeaf, _ statements: CopyStatements, exported: String, snapshot: TransactionSnapshot, until: LSN,
        ranges: [PageRange]
    ) {
        self.leaf = leaf
        self.statements = statements
        self.exported = exported
        self.snapshot = snapshot
        self.until = until
        state = Monitor(State(pending: ranges))
    }

    // MARK: ranges

    var hasPending: Bool { state.withLock { $0.failure == nil && !$0.pending.isEmpty } }

    /// The leader's next range.
    func takeRange() throws -> PageRange? {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.pending.isEmpty ? nil : state.pending.removeFirst()
        }
    }

    /// A helper's; it must `leave` afterwards.
    func join() -> PageRange? {
        state.change { state in
            guard state.failure == nil, !state.pending.isEmpty else { return nil }
            state.helping += 1
            return state.pending.removeFirst()
        }
    }

    func leave(_ failure: (any Error)?) {
        state.change { state in
            state.helping -= 1
            if state.failure == nil { state.failure = failure }
        }
        if let failure { fail(failure) }
    }

    /// Until no helper works on it, whatever came of it.
    func waitForHelpers() { _ = state.wait { $0.helping == 0 ? true : nil } }

    func result() throws -> (rows: Int, bytes: Int) {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
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
    func enter(_ worker: Int, session: Int, _ signal: StopSignal) {
        let isLate = state.withLock { state in
            state.signals[worker] = signal
            state.sessions[worker] = session
            return state.failure != nil
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

    var failure: (any Error)? { state.withLock { $0.failure } }

    func fail(_ error: any Error) {
        let signals = state.change { state in
            if state.failure == nil { state.failure = error }
            return Array(state.signals.values)
        }
        for signal in signals { signal.raise() }
    }
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
