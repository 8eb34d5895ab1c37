// One attempt at streaming: checks both sides, starts the threads, keeps durable progress and status up to date, and
// ends them all when one fails or the work is done. Runs on the runner's thread, with the runner's control connection.
//
//     source ─▶ Receiver ─▶ queue ─▶ Applier ─▶ target        Heart ─▶ source
//                  ▲                    │
//                  └── durable ◀── this (asks the target what is flushed)

internal import Apply
internal import Assembly
internal import Configuration
internal import Failpoints
internal import InitialCopy
internal import Model
internal import Postgres
internal import Protocol
internal import Spill
internal import State
internal import Telemetry
internal import Threading

final class StreamSession {
    enum End {
        case finished
        /// Everything is copied, so where to end can be known now; or there is something to be copied again.
        case copied
        /// An operator asked the stream to rest.
        case paused
        /// The step has something else for the stream.
        case changed
        case stopped
    }

    let plan: StreamPlan
    let role: StreamRole
    let course: PairCourse
    private(set) var manner: PairCourse.Manner?
    private var row: StepRow?
    /// Where applications write both sides, what a watch has seen them touch.
    private(set) var twins: TwinBook?
    private var census: CensusBook?
    private let memory: CensusMemory
    private let control: TargetSide
    private let copy: StreamCopy?
    private let schema: CarriedSchema
    private let chronicle: RunChronicle
    private let recent: RecentChanges
    private let stop: StopSignal
    private let log: Log
    private let textOnly: Bool

    private let ending = StopSignal()
    private struct Outcome {
        var begun = false
        var finished = false
        var error: (any Error)?
        /// The source goes no further, and what came before that is still to be applied.
        var refusal: PostgresError?
    }

    private let outcome = Monitor<Outcome>(Outcome())
    private let changed = Wakeup()
    let health = ReceiverHealth()
    let watch = SourceWatch()
    private let attention = Wakeup()
    private var setAside: [QualifiedName] = []
    private var lastStatus = Monotonic.now.adding(seconds: 0)
    private var threads: [Thread] = []
    /// Whether what arrives may be applied: not before both sides' schemas were looked at.
    private let admission = Monitor(false)
    private let stepOutcome: StepOutcome
    /// Something became durable that was not when it began.
    private(set) var hasProgressed = false
    /// Both servers have taken it in.
    private(set) var hasConnected = false
    /// What ended the pair's other stream for good.
    var failureBeside: () -> (any Error)? = { nil }

    init(
        _ plan: StreamPlan, role: StreamRole, course: PairCourse, control: TargetSide, copy: StreamCopy?,
        schema: CarriedSchema, chronicle: RunChronicle,
        recent: RecentChanges, memory: CensusMemory, textOnly: Bool, stop: StopSignal, log: Log
    ) {
        self.memory = memory
        self.plan = plan
        self.role = role
        self.course = course
        self.copy = copy
        self.schema = schema
        self.chronicle = chronicle
        self.recent = recent
        self.control = control
        self.textOnly = textOnly
        stepOutcome = StepOutcome(plan, course, stop: stop)
        self.stop = stop
        self.log = log
    }

    func run(until: Until?, resolved: inout LSN?, ahead: inout SourceAhead, streaming: () -> Void) throws -> End {
        defer { end() }
        guard let begun = try start(until, &resolved, &ahead) else { return .changed }
        guard try hasBegun() else { return .stopped }
        let manner = role == .watch ? "watching" : begun.isBinary ? "binary" : "text"
        log.info("streaming", [.lsn: begun.start, .detail: manner])
        streaming()
        return try keep(begun, hasEnd: until != nil)
    }

    /// What the threads share that were begun.
    private struct Begun {
        let start: LSN
        let isBinary: Bool
        let isCopying: Bool
        let progress: ApplyProgress
        let positions: StreamPositions
        let spill: SpillDirectory
    }

    // MARK: beginning and ending

    /// Nil when the step has something else for the stream.
    private func start(_ until: Until?, _ resolved: inout LSN?, _ ahead: inout SourceAhead) throws -> Begun? {
        // Where to end is asked once everything is copied: until then new does not hold what old has.
        let isCopying = copy.map { !$0.run.isComplete } ?? false
        let (asking, replication) = try ahead.take()
        hasConnected = true
        let source = SourceSide(asking, plan.stream)
        guard let start = try check(source, replication) else { return nil }
        let missing = try plan.tables.left(out: source)
        if !missing.isEmpty { try compare(source, missing) }
        if resolved == nil, !isCopying, let until {
            switch until {
            case .caughtUp: resolved = try source.currentPosition()
            case .position(let wanted): resolved = wanted
            }
        }
        let begun = Begun(
            start: start,
            // What a watch looks at it reads as text.
            isBinary: try !textOnly && role == .apply && StreamStart.allowsBinary(source), isCopying: isCopying,
            progress: ApplyProgress(applied: start), positions: StreamPositions(durable: start),
            spill: try SpillDirectory(
                path: plan.spill, limit: plan.limits.spill, owner: plan.stream.description,
                systemIdentifier: UInt64(try control.binding()?.systemIdentifier ?? "") ?? 0,
                slot: plan.stream.description))
        setAside = try control.setAside().map(\.name)
        try begin(begun, until: isCopying ? nil : resolved, replication.give())
        // Old reads its log meanwhile.
        if missing.isEmpty { try compare(source, missing) }
        try admit(begun.progress)
        return begun
    }

    /// From where on; nil when the step has something else for the stream.
    private func check(_ source: SourceSide, _ replication: Connection) throws -> LSN? {
        if let former = try StateLayout.bringUpToDate(source.connection) {
            log.info(
                "schema brought up to date", [.side: plan.stream.source, .from: former, .to: StateLayout.current])
        }
        let start = StreamStart(
            source: source, target: control, replication: replication, initialCopy: plan.initialCopy,
            pair: plan.pair)
        let sides = plan.sides(source: source.connection, target: control.connection)
        try SameDatabase.refuse(sides.old, sides.new)
        try StepOutcome(plan, course, stop: stop).waitUntilKnown(source: source.connection, control)
        guard course.role(of: plan.stream.direction) ?? role == role else { return nil }
        manner = course.manner(of: plan.stream.direction)
        row = course.row
        census = row?.repaired != nil ? CensusBook(memory) : nil
        twins = role == .watch && row?.repaired != nil ? TwinBook() : nil
        return try start.check(from: role == .apply ? course.position(on: plan.stream.source) : nil)
    }

    /// Both sides' schemas with what the stream last knew; and what is to be carried with what is published.
    private func compare(_ source: SourceSide, _ missing: [QualifiedName]) throws {
        let sides = plan.sides(source: source.connection, target: control.connection)
        if plan.isForward { try FirstEpoch(plan, old: sides.old, new: sides.new).ensure() }
        let isCopied = copy.map(\.run.isComplete) ?? true
        try schema.check(source: source.connection, target: isCopied ? control.connection : nil)
        guard !missing.isEmpty else { return }
        if let copy, plan.initialCopy == .all {
            try NewTables(source: source, target: control, evidence: plan.evidence, log: log).adopt(
                missing, into: copy)
        }
        let leftOut = try plan.tables.left(out: source)
        guard !leftOut.isEmpty else { return }
        log.warning(
            "not carried",
            [
                .relation: leftOut.map(\.description).joined(separator: ", "), .count: leftOut.count,
                .reason: "made after `tandem prepare`: not in the publication",
            ])
    }

    /// Reading and applying; nothing is applied before it is admitted.
    private func begin(_ begun: Begun, until: LSN?, _ replication: GivenConnection) throws {
        let memory = MemoryPlan(limit: plan.limits.memory)
        let queue = BoundedQueue<Delivery>(limit: memory.queue)
        let shortcut = Shortcut()
        let book = ShapeBook()
        let (plan, health, attention, ending, log) = (plan, health, attention, ending, log)
        let (outcome, changed, gate, recent) = (outcome, changed, copy?.gate ?? CopyGate(), recent)
        let (role, twins, isBinary) = (role, twins, begun.isBinary)
        let (progress, positions) = (begun.progress, begun.positions)
        let mayApply: @Sendable () -> Bool = { [admission] in
            _ = admission.wait { $0 || ending.isRaised ? true : nil }
            return !ending.isRaised
        }
        let hasTwins = role == .apply && manner?.repaired == plan.stream.target
        let receiving = Receiver.Setup(
            stream: plan.stream, start: begun.start, isBinary: isBinary, until: until, book: book,
            limits: Assembler.Limits(memory: memory.open, small: memory.large), spill: begun.spill,
            isAdmitted: { [admission] in admission.withLock { $0 } }, census: census)
        try spawn("receive") {
            let connection = try replication.take(as: "\(plan.stream) receive", stop: ending)
            let receiver = try Receiver(
                connection, receiving, queue: queue, shortcut: shortcut, positions: positions, health: health,
                stop: ending, log: log)
            try receiver.run { refusal in outcome.withLock { $0.refusal = refusal } }
        }
        try spawn("apply", finishes: true) {
            let setup = ApplySetup(
                stream: plan.stream, source: plan.source, target: plan.target, book: book, isBinary: isBinary,
                gate: gate, recent: recent, hasTwins: hasTwins)
            if role == .watch {
                let watcher = try Watcher(
                    setup, queue: queue, progress: progress, twins: twins, stop: ending, log: log)
                outcome.withLock { $0.begun = true }
                changed.raise()
                return mayApply() ? try watcher.run() : ()
            }
            let applier = try Applier(
                setup, queue: queue, shortcut: shortcut, progress: progress,
                limits: Applier.Limits(bytes: memory.batch),
                attention: attention, stop: ending, log: log)
            outcome.withLock { $0.begun = true }
            changed.raise()
            if mayApply() { try applier.run() }
        }
    }

    /// What is applied from here on, and what writes beside it.
    private func admit(_ progress: ApplyProgress) throws {
        admission.change { $0 = true }
        let (plan, course, watch, ending, log) = (plan, course, watch, ending, log)
        if let twins, let row {
            try spawn("twins") { [census] in
                try TwinRepair(plan, row, twins, census, stop: ending, log: log)?.run()
            }
        }
        try spawn("heart") {
            try Heart(
                plan.source, plan.stream, course: course, progress: progress, watch: watch,
                walHeldLimit: plan.limits.walHeld, stop: ending, log: log
            ).run()
        }
    }

    /// Waits until new takes changes; false when asked to stop before.
    private func hasBegun() throws -> Bool {
        while !stop.isRaised {
            let outcome = outcome.withLock { $0 }
            if let error = outcome.error { throw error }
            if outcome.begun { return true }
            Poll.wait(for: [.readable(stop.descriptor), .readable(changed.descriptor)], until: nil)
            changed.lower()
        }
        return false
    }

    private func spawn(_ name: String, finishes: Bool = false, _ body: @escaping @Sendable () throws -> Void) throws {
        let (outcome, changed) = (outcome, changed)
        threads.append(
            try Thread(name) {
                do {
                    try body()
                    outcome.withLock { if finishes { $0.finished = true } }
                } catch {
                    outcome.withLock { if $0.error == nil { $0.error = error } }
                }
                changed.raise()
            })
    }

    private func end() {
        ending.raise()
        admission.change { _ in }
        for thread in threads { thread.join() }
    }

    // MARK: keeping

    private func keep(_ begun: Begun, hasEnd: Bool) throws -> End {
        let (progress, positions) = (begun.progress, begun.positions)
        while true {
            try makeDurable(progress, positions)
            if lastStatus <= Monotonic.now {
                lastStatus = Monotonic.now.adding(seconds: 1)
                positions.spilled = begun.spill.bytesOnDisk
                let status = status(progress, positions)
                try control.write(status: status.encoded())
                try census?.write { try CensusRecords(control.connection, plan.stream).add($0) }
                chronicle.note(status.state == .blocked ? status.problem : nil, target: control.connection)
                try noticeSetAside()
                if let end = try hear() { return end }
                try mindTheLog()
            }
            let isHalted = progress.halt != nil
            if isHalted {
                Failpoint.pass(.afterSentinelDurable)
                if try stepOutcome.isKnown(control), course.manner(of: plan.stream.direction) == manner {
                    progress.goOn()
                }
            }
            if course.manner(of: plan.stream.direction) != manner { return .changed }
            if let error = failureBeside() { throw error }
            let outcome = outcome.withLock { $0 }
            if let error = outcome.error { throw error }
            if hasEnd, let (problem, isBlocked) = progress.problem, isBlocked { throw StreamBlocked(problem: problem) }
            if outcome.finished && positions.durable >= progress.applied {
                if let refusal = outcome.refusal { throw refusal }
                return .finished
            }
            if hasEnd && begun.isCopying, let copy {
                if copy.run.isComplete { return .copied }
                if let obstacle = copy.run.obstacle { throw StreamBlocked(problem: obstacle) }
            }
            if stop.isRaised { return .stopped }
            let wait = Monotonic.now.adding(seconds: isHalted ? 0.02 : 0.25)
            Poll.wait(
                for: [.readable(stop.descriptor), .readable(changed.descriptor), .readable(progress.moved.descriptor)],
                until: wait)
            changed.lower()
            progress.moved.lower()
            if !isHalted { pace() }
        }
    }

    /// What operators ask for, and what the step has for the stream.
    private func hear() throws -> End? {
        try PairEpochs.note(control.connection, plan.stream.target, plan.stream, in: course)
        guard plan.isForward else { return course.areStreamsResting ? .paused : nil }
        course.tellNews(log)
        let request = try control.copyRequest()
        course.areStreamsResting = request?.isStreamPaused == true
        if request?.isStreamPaused == true { return .paused }
        return copy == nil && request != nil && role == .apply ? .copied : nil
    }

    /// A flush on the target costs all its writers: ten a second are enough for the source.
    private func pace() {
        guard !stop.isRaised, outcome.withLock({ !$0.finished && $0.error == nil }) else { return }
        Poll.wait(
            for: [.readable(stop.descriptor), .readable(changed.descriptor)], until: Monotonic.now.adding(seconds: 0.1))
    }

    private func makeDurable(_ progress: ApplyProgress, _ positions: StreamPositions) throws {
        guard progress.applied > positions.durable else { return }
        guard let durable = try control.progress(durable: true) else {
            throw StateError.unsafe(
                "replication origin \(plan.stream) vanished from \(plan.stream.target)", hint: "who dropped it?")
        }
        positions.nowDurable(durable)
        hasProgressed = true
    }

    private func noticeSetAside() throws {
        let names = try control.setAside().map(\.name)
        guard names != setAside else { return }
        setAside = names
        log.info("set aside", [.relation: names.map(\.description).joined(separator: ", ")])
        attention.raise()
    }

    /// Past `limits.wal_held` the heart has raised its alarm; with `on_wal_held: drop` old comes first.
    private func mindTheLog() throws {
        guard plan.limits.onWALHeld == .drop, let held = watch.current.held, held > plan.limits.walHeld else { return }
        throw LogHeldTooLong(held: held, limit: plan.limits.walHeld)
    }
}
