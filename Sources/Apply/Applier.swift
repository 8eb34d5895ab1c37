// The applying thread: takes whole transactions in commit order, lets what has gathered become one target transaction,
// and keeps the target busy without ever being more than one batch ahead of it. While a batch runs on the target the
// next one fills; an idle target is fed at once.
//
//     fill ──▶ statements sent ──▶ all counts right? ──▶ COMMIT ──▶ progress
//                                   │ no: roll back
//                                   ├─ transient: wait, the same batch again
//                                   └─ anything else: exact replay, in halves, then one by one (Applier+Replay)
//
// COMMIT of one batch and the statements of the next travel together; the next is only committed after the first was
// seen to be. A small batch that nothing is ahead of is a transaction by itself: there the server sees to it that the
// counts are right. Much that waits goes beside what is under way, on a second connection (Applier+Lanes), and is committed
// after it. Progress is a row written by the very transaction that applies. Nothing is skipped: what cannot be applied
// blocks here, before it, until somebody has mended the cause or set the table aside.

package import Assembly
internal import Batching
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import State
package import Telemetry
package import Threading

package final class Applier {
    package struct Limits: Sendable {
        let changes: Int
        let bytes: Int

        package init(changes: Int = 20_000, bytes: Int) {
            self.changes = changes
            self.bytes = bytes
        }

        var small: Limits { Limits(changes: min(changes, 500), bytes: min(bytes, 1 << 20)) }
    }

    let writer: BatchWriter
    let mappings: Mappings
    let side: TargetSide
    let stream: StreamName
    let progress: ApplyProgress
    let log: Log
    let stop: StopSignal
    let attention: Wakeup
    let reread: SourceRows
    let gate: CopyGate
    /// The transaction in front cannot be seen on the source yet.
    var isUnseen = false
    /// The transaction in front may not be applied before the gate moves.
    var isHeld = false
    /// The mark behind which nothing is taken in until it is known what became of the step; and whether that was said.
    var (halt, isHaltAnnounced): (Sentinel?, Bool) = (nil, false)
    lazy var marks = SentinelReader(setup)
    let setup: ApplySetup
    let limits: Limits
    private let queue: BoundedQueue<Delivery>
    let shortcut: Shortcut
    var intake: Intake

    var filling = Batch()
    /// The statements of `filling`, when it is full and waits.
    var planned: [PlannedStatement]?
    /// What is on its way, in the source's order; at most one is being committed, the first.
    var flights: [Flight] = []
    /// `writer`, and what may run beside it.
    var lanes: Lanes
    /// How often the target was looked at afresh: batches planned before no longer fit it.
    private(set) var looks = 0
    /// A batch of at most so many changes does not wait for its answers before it commits.
    static let small = 200
    var lastProgress = Monotonic.now
    /// Of a large transaction; the connection is then outside its pipeline.
    var copying: OpenCopy?
    /// Somebody has set a table aside since we last looked.
    var needsAttention = false

    package init(
        _ setup: ApplySetup, queue: BoundedQueue<Delivery>, shortcut: Shortcut, progress: ApplyProgress, limits: Limits,
        attention: Wakeup, stop: StopSignal, log: Log
    ) throws {
        let connection = try Connection(
            to: setup.target, for: .apply, as: setup.applicationName("apply"), stop: stop)
        side = TargetSide(connection, setup.stream)
        stream = setup.stream
        reread = SourceRows(setup, stop: stop)
        gate = setup.gate
        let mapper = Mapper(
            catalog: TargetCatalog(connection: connection), source: reread, book: setup.book,
            isBinary: setup.isBinary)
        mappings = Mappings(mapper: mapper, book: setup.book, log: log)
        writer = BatchWriter(connection, mappings, stream: setup.stream, hasTwins: setup.hasTwins, stop: stop)
        lanes = Lanes(writer)
        self.setup = setup
        intake = Intake(queue)
        self.queue = queue
        self.shortcut = shortcut
        self.progress = progress
        self.limits = setup.hasTwins ? limits.small : limits
        self.attention = attention
        self.stop = stop
        self.log = log
        try side.attachOrigin()
        try reopenLane()
        if setup.hasTwins {
            // Users may look on, and applications want the same rows: one transaction at a time, and never for long.
            lanes.areImpossible = true
            try connection.script(BatchWriter.givingWay, doing: "preparing to give way on \(connection.label)")
        }
        // A runner that was killed may have had a commit under way when our starting point was read: only with the origins
        // in hand can nobody else move it.
        guard try side.progress(durable: false) == progress.applied else { throw ProgressMoved(target: stream.target) }
        try learnSetAside()
        try writer.prepareEachTime()
        try connection.enterPipeline()
    }

    /// Until the input has ended and everything is applied, or something throws.
    package func run() throws {
        while true {
            try payAttention()
            try fill()
            try launch()
            if isIdle {
                switch try idle() {
                case .worked: continue
                case .nothingToDo: break
                case .finished: return
                }
            }
            try settle()
        }
    }

    private var isIdle: Bool { flights.isEmpty && filling.isEmpty }
    var isFull: Bool { filling.changes >= limits.changes || filling.bytes >= limits.bytes }

    // MARK: filling

    /// Takes in what is there, up to the first transaction that needs something first.
    private func fill() throws {
        isHeld = false
        while !isFull, !gate.isAsking, halt == nil, let transaction = intake.peek() {
            guard case .slice = transaction.content, try admit(transaction, isTaken: false), fits(transaction),
                try admit(transaction, isTaken: true), fits(transaction)
            else { return }
            halt = marks.halt(in: transaction)
            do {
                try filling.add(transaction, plans: mappings.plan)
                intake.advance()
            } catch {
                // The batch holds part of it now: everything in it goes through exact replay, which finds the culprit.
                damaged = true
                intake.advance()
                return
            }
        }
    }

    private func fits(_ transaction: Transaction) -> Bool {
        guard case .slice = transaction.content else { return false }
        return missingShape(transaction) == nil
    }

    /// The batch being filled cannot be sent as it is: a transaction could not be taken in whole, or the target looks
    /// different now. Its transactions are replayed instead.
    var damaged = false

    func fillingIsStale() {
        looks += 1
        damaged = !filling.isEmpty
        planned = nil
    }

    func missingShape(_ transaction: Transaction) -> Int? {
        var missing: Int?
        transaction.visitShapes { shape in
            if missing == nil && mappings.plan(shape) == nil { missing = shape }
        }
        return missing
    }

    // MARK: answers

    /// Reads outcomes; waits for one when there is nothing else to do.
    private func settle() throws {
        var ready = false
        for lane in lanes.all {
            while let outcome = try lane.poll() {
                ready = true
                try land(outcome, on: lane)
                try proceed()
            }
        }
        if !ready { try wait() }
    }

    /// What the answer says about the first flight on that lane.
    private func land(_ outcome: BatchWriter.Outcome, on lane: BatchWriter) throws {
        guard let flight = flights.first(where: { $0.lane === lane && $0.isUnderWay }) else { return }
        switch (flight.state, outcome) {
        case (.sent, .done): flight.state = .ready
        case (.sent, .failed(let failure)): flight.state = .failed(failure)
        case (_, .done):
            flights.removeFirst()
            committed(flight.batch)
        case (_, .failed(let failure)): try recover(failure)
        }
    }

    /// What is in front commits when it may, and what has gathered follows it.
    private func proceed() throws {
        if let front = flights.first {
            switch front.state {
            case .ready:
                Failpoint.pass(.beforeTargetCommit)
                if front.isBeside, let commit = front.batch.end {
                    try front.lane.queueProgress(commit.end, commit.time)
                }
                try front.lane.queueCommit()
                front.state = .committing
            case .failed(let failure): try recover(failure)
            case .grounded: try startAgain()
            case .sent, .whole, .committing: break
            }
        }
        try fill()
        try launch()
        for flight in flights { _ = try flight.lane.connection.push(doing: "applying") }
    }

    /// Until nothing is on its way; without sending more.
    func landAll() throws {
        while let front = flights.first {
            try land(try front.lane.wait(doing: "applying"), on: front.lane)
        }
    }

    private func wait() throws {
        try letPass()
        let busy = lanes.busy
        var interests: [Poll.Interest] = []
        for lane in busy {
            let drained = try lane.connection.push(doing: "applying")
            interests.append(drained ? .readable(lane.connection.socket) : .both(lane.connection.socket))
        }
        interests += [.readable(stop.descriptor), .readable(gate.moved.descriptor)]
        if halt != nil { interests.append(.readable(progress.goesOn.descriptor)) }
        planAhead()
        let rest = rest()
        guard rest != .none else { return }
        if !needsAttention { interests.append(.readable(attention.descriptor)) }
        var stream: Int?
        if rest == .untilAnswerOrInput {
            interests.append(.readable(queue.filled.descriptor))
            if let socket = shortcut.socket {
                stream = interests.count
                interests.append(.readable(socket))
            }
        } else {
            shortcut.close()
        }
        let ready = Poll.wait(for: interests, until: Monotonic.now.adding(seconds: isUnseen ? 0.02 : 1))
        isUnseen = false
        gate.moved.lower()
        if attention.take() { needsAttention = true }
        guard !stop.isRaised else {
            for lane in busy { lane.connection.cancel() }
            throw PostgresError(.interrupted, "stopped on request", doing: "applying")
        }
        for index in ready {
            if index < busy.count { try busy[index].connection.pull(doing: "applying") }
            if index == stream { shortcut.read() }
        }
    }

    private func rest() -> Rest {
        if halt != nil { return .untilAnswer }
        if gate.isAsking { return isIdle ? .none : .untilAnswer }
        return isHeld ? .untilAnswer : intake.rest(isFull: isFull, isIdle: isIdle, fits: fits)
    }

    /// What runs comes home first; a stream that is never idle must hear it too.
    private func payAttention() throws {
        guard needsAttention, flights.isEmpty else { return }
        needsAttention = false
        try changed()
    }

    // MARK: after a batch

    func committed(_ batch: Batch) {
        guard let end = batch.end else { return }
        Failpoint.pass(.afterTargetCommit)
        progress.committed(through: end.end, transactions: batch.transactions.count, changes: batch.changes)
        gate.nowPassed(end.end)
        lastProgress = Monotonic.now
        lanes.rest -= lanes.rest > 0 ? 1 : 0
        noteBeat(batch)
        setup.recent.note(batch) { mappings.mapping(ofTarget: $0) }
        for case .buffer(let buffer) in batch.transactions.map(\.content) { buffer.discard() }
        recovered()
    }

    func recovered() {
        guard let problem = progress.clearProblem() else { return }
        log.info("recovered", [.detail: problem.message])
    }

    func again(_ batch: Batch, _ first: ApplyFailure) throws {
        var failure = first
        var pause = Backoff()
        while failure.isTransient {
            if try giveWay(failure, batch.transactions.first, &pause) { break }
            try sendPart(batch, writer.plan(batch))
            guard let next = try perform(batch) else { return }
            failure = next
        }
        log.debug("replaying", [.transactions: batch.transactions.count, .reason: failure.message(stream)])
        try replay(batch)
    }

    /// The statements are queued and closed; brings them home and commits.
    func perform(_ batch: Batch) throws -> ApplyFailure? {
        if case .failed(let failure) = try writer.wait(doing: "applying") {
            try writer.rollback()
            return failure
        }
        return try commit(batch)
    }

    func commit(_ batch: Batch) throws -> ApplyFailure? {
        Failpoint.pass(.beforeTargetCommit)
        try writer.queueCommit()
        if case .failed(let failure) = try writer.wait(doing: "committing") { return failure }
        committed(batch)
        return nil
    }

    // MARK: nothing to send

    private enum Idle {
        case worked, nothingToDo, finished
    }

    /// Work that needs the connection to itself.
    private func idle() throws -> Idle {
        if attention.take() { needsAttention = true }
        if needsAttention { return .worked }
        if isHalted() { return .nothingToDo }
        try settleGate()
        guard let transaction = intake.peek() else {
            gate.nowPassed(intake.quiet)
            try confirmQuiet(atOnce: intake.hasEnded)
            return intake.hasEnded ? .finished : .nothingToDo
        }
        guard try admit(transaction, isTaken: false) else { return .nothingToDo }
        if missingShape(transaction) != nil, try resolveAll(transaction) { return .worked }
        // Large, or not to be mapped: replay takes it whole, or reports it and waits.
        intake.advance()
        halt = marks.halt(in: transaction)
        try replay([transaction])
        return .worked
    }

    /// Looks up every table of a transaction; false when one cannot be mapped, which replay then reports and waits for.
    private func resolveAll(_ transaction: Transaction) throws -> Bool {
        var shapes: [Int] = []
        var seen = Set<Int>()
        transaction.visitShapes { if seen.insert($0).inserted { shapes.append($0) } }
        return try resolve(shapes) == nil
    }
}
