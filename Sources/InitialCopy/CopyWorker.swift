// One worker: a thread with a connection to either side. Takes what the board gives it: a table, a range of a table that
// another worker leads, or what is left to do once a table's rows are there. What fails is put back and tried again.
//
// A table's rows are read in one snapshot, taken after the table was locked against TRUNCATE and rewrites, which a snapshot
// would not show. Rows and the record that they are there are committed together.

internal import Apply
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

final class CopyWorker {
    let number: Int
    let context: CopyContext
    private(set) var signal = StopSignal()
    private var sourceConnection: Connection?
    private var standbyConnection: Connection?
    private var targetConnection: Connection?
    /// What this session commits on new carries tandem's mark.
    private(set) var isMarked = false

    init(_ number: Int, _ context: CopyContext) {
        self.number = number
        self.context = context
    }

    var board: CopyBoard { context.board }
    var gate: CopyGate { context.gate }

    func run() {
        context.started(number, signal)
        while let job = board.next() {
            do {
                switch job {
                case .table(let oid): try lead(oid)
                case .range(let attempt, let range): help(attempt, range)
                case .finish(let oid): try finish(oid)
                }
            } catch {
                guard !context.isOver else { return }
            }
            // Another one may need the mark.
            if isMarked { disconnect() }
            if signal.isRaised {
                guard !context.isOver else { return }
                disconnect()
                signal = StopSignal()
                context.started(number, signal)
            }
        }
    }

    // MARK: connections

    func source() throws -> SourceSide {
        SourceSide(try open(&sourceConnection, context.source, .control), context.stream)
    }

    /// From which rows are read.
    func reader(_ attempt: CopyAttempt) throws -> Connection {
        guard attempt.isFromStandby, let standby = context.standby else { return try source().connection }
        return try open(&standbyConnection, standby, .standby)
    }

    func standby(_ address: ConnectionTarget) throws -> Connection {
        try open(&standbyConnection, address, .standby)
    }

    func target() throws -> TargetSide {
        TargetSide(try open(&targetConnection, context.target, .apply), context.stream)
    }

    private func open(
        _ known: inout Connection?, _ address: ConnectionTarget, _ purpose: SessionPurpose
    ) throws -> Connection {
        if let known, !known.isBroken { return known }
        let opened = try Connection(
            to: address, for: purpose, as: "\(context.stream) copy \(number)", stop: signal)
        if purpose == .apply { isMarked = false }
        known = opened
        return opened
    }

    /// After a failure nobody knows what state they are in.
    func disconnect() {
        sourceConnection = nil
        standbyConnection = nil
        targetConnection = nil
        isMarked = false
    }

    /// Once the stream that goes the other way decodes new, rows that are copied must not come back by it. One session at a
    /// time can mark what it commits, so then one copies.
    func mark() throws {
        let side = try target()
        guard !isMarked, try side.isDecodedByOpposite else { return }
        guard try side.tryCopyOrigin() else {
            throw NotYet(description: "another table is copied, and only one at a time can be marked", pause: 2)
        }
        isMarked = true
    }

    // MARK: what went wrong

    private static let tooWide =
        "one of its rows is wider than 1 GB in all, which PostgreSQL can neither send nor dump; make it narrower on old and it is"
        + " tried again, or leave the table out (`exclude`) and carry it otherwise"

    /// Puts a table back, with a pause that grows.
    func putBack(_ oid: UInt32, _ phase: CopyBoard.Phase, _ error: any Error) {
        disconnect()
        guard !context.isOver else { return }
        let isTooWide = (error as? PostgresError)?.isTooWide == true
        let hint = isTooWide ? Self.tooWide : (error as? any Explained)?.hint
        let isQuiet = error is NotYet || error is SnapshotOverdue
        // What was promoted stays so, until somebody says what to read instead.
        let isTransient =
            (error as? PostgresError).map { $0.isTransient && $0.stranger != .primary }
            ?? (isQuiet || error is GaveWay || error is Locked || error is Changed || error is StandbyBehind)
        var pause = 0.0
        var isNews = false
        var name = QualifiedName(schema: "", name: "\(oid)")
        board.change(oid) { entry in
            entry.attempt = nil
            entry.phase = phase
            if phase == .waiting { (entry.rows, entry.bytes) = entry.kept }
            entry.isTransient = isTransient
            name = entry.name
            if isQuiet {
                entry.notBefore = Monotonic.now.adding(seconds: (error as? NotYet)?.pause ?? 0)
                return
            }
            entry.failures += 1
            isNews = entry.problem?.message != "\(error)"
            entry.problem = ("\(error)", hint)
            pause = min(0.5 * Double(1 << min(entry.failures, 6)), 30)
            entry.notBefore = Monotonic.now.adding(seconds: pause)
        }
        if isNews {
            let log = context.log.with(.relation, name).about(error)
            if isTransient {
                log.warning("table not copied yet", [.reason: "\(error)"])
            } else {
                log.error("table cannot be copied", [.reason: "\(error)", .hint: hint ?? ""])
            }
        }
    }
}

/// Nothing is wrong, but the time has not come.
struct NotYet: Explained {
    let description: String
    /// Seconds until it may be tried again.
    var pause = 0.1
}

/// What all workers share.
final class CopyContext: Sendable {
    let stream: StreamName
    let source: ConnectionTarget
    let standby: ConnectionTarget?
    let target: ConnectionTarget
    let settings: CopySettings
    let board: CopyBoard
    let gate: CopyGate
    let rate: RateLimit
    let log: Log
    let finisher: TableFinisher
    /// Which run of the copy this is.
    let runner: Int
    /// Somebody looks at it on a terminal.
    let isShown: Bool
    /// Makes the watch look at once.
    let moved: Wakeup
    let rest: FinalWork
    private let signals = Monitor<(isOver: Bool, signals: [Int: StopSignal])>((false, [:]))

    init(
        stream: StreamName, source: ConnectionTarget, standby: ConnectionTarget?, target: ConnectionTarget,
        settings: CopySettings, runner: Int, board: CopyBoard, gate: CopyGate, finisher: TableFinisher, isShown: Bool,
        log: Log
    ) {
        self.isShown = isShown
        let moved = Wakeup()
        self.moved = moved
        rest = FinalWork(moved)
        self.stream = stream
        self.source = source
        self.standby = standby
        self.target = target
        self.settings = settings
        self.runner = runner
        self.board = board
        self.gate = gate
        self.finisher = finisher
        self.log = log
        rate = RateLimit(bytesPerSecond: settings.rate)
    }

    var isOver: Bool { signals.withLock { $0.isOver } }

    func started(_ worker: Int, _ signal: StopSignal) {
        let isOver = signals.withLock { state in
            state.signals[worker] = signal
            return state.isOver
        }
        if isOver { signal.raise() }
    }

    func end() {
        board.end()
        let all = signals.withLock { state in
            state.isOver = true
            return Array(state.signals.values)
        }
        for signal in all { signal.raise() }
    }
}
