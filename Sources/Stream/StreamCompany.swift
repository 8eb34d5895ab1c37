// What runs beside a stream for as long as its runner has the lock, by what the step asks for: the copy of existing rows,
// comparing, Data B in the direction of truth, sequences, and, beside the stream forward, the one back. Begun and ended on the
// runner's thread whenever the step changes.

internal import Apply
internal import Configuration
internal import DataB
internal import InitialCopy
internal import Model
internal import Protocol
internal import State
internal import Telemetry
internal import Threading

final class StreamCompany {
    private let plan: StreamPlan
    private let course: PairCourse
    private let recent: RecentChanges
    private let hasEnd: Bool
    private let acceptsSchema: Bool
    private let shown: (@Sendable (CopyProgress?) -> Void)?
    private let stop: StopSignal
    private let log: Log
    private let unnamed: Log

    private(set) var copy: StreamCopy?
    private var verification: ContinuousVerification?
    private var derived: DataBRun?
    private var derivedDirection: Direction?
    private var sequences: SequenceKeeper?
    private var reverse: ReverseRun?

    init(
        _ plan: StreamPlan, _ course: PairCourse, _ recent: RecentChanges, hasEnd: Bool, acceptsSchema: Bool,
        shown: (@Sendable (CopyProgress?) -> Void)?, stop: StopSignal,
        log: Log, unnamed: Log
    ) {
        (self.plan, self.course, self.recent, self.hasEnd) = (plan, course, recent, hasEnd)
        self.acceptsSchema = acceptsSchema
        (self.shown, self.stop, self.log) = (shown, stop, log)
        self.unnamed = unnamed
    }

    /// As the role of the stream and the step have it.
    func adjust(to role: StreamRole, _ side: TargetSide) throws {
        if role != .apply || !plan.isForward {
            copy?.end()
            copy = nil
        } else if copy == nil {
            copy = try startCopy(side)
        }
        try adjustVerification()
        try adjustSequences()
        guard plan.isForward else { return }
        try adjustDataB(side)
        if reverse == nil {
            let run = ReverseRun(plan.opposite, course, acceptsSchema: acceptsSchema, log: unnamed)
            try run.start()
            reverse = run
        }
    }

    /// To end, without waiting: over a dead network each takes its time, but all take it at once.
    func askToEnd() {
        reverse?.askToEnd()
        derived?.askToEnd()
        sequences?.askToEnd()
        verification?.askToEnd()
    }

    func end() {
        askToEnd()
        reverse?.end()
        derived?.end()
        sequences?.end()
        verification?.end()
        copy?.end()
        (reverse, derived, sequences, verification, copy) = (nil, nil, nil, nil, nil)
    }

    /// The stream back cannot go on, and is needed.
    var failure: (any Error)? { reverse?.failure }

    // MARK: comparing, against the side that counts

    private func adjustVerification() throws {
        let isWanted = !hasEnd && course.row?.truth ?? .old == plan.stream.source
        if !isWanted {
            verification?.end()
            verification = nil
        } else if verification == nil {
            verification = ContinuousVerification(
                plan, recent, locks: { [course] in course.row?.repairLocks ?? false }, log: log)
            try verification?.start()
        }
    }

    // MARK: sequences, back

    /// While new gives out ids and nobody takes any from old, old's sequences follow. Where applications of two modes take
    /// them from both sides, the ranges are apart, and stay so; it is said when they no longer will.
    private func adjustSequences() throws {
        let isWanted = !plan.isForward && course.row?.truth == .new
        let areApart = course.strategy == .dualWrite
        if !isWanted || sequences.map({ $0.areApart != areApart }) ?? false {
            sequences?.end()
            sequences = nil
        } else if sequences == nil {
            let keeper = SequenceKeeper(plan, areApart: areApart, log: log)
            try keeper.start()
            sequences = keeper
        }
    }

    // MARK: Data B

    private func adjustDataB(_ side: TargetSide) throws {
        let direction = course.standing == nil ? .forward : course.row?.carriesDataB
        if direction != derivedDirection, let derived {
            derived.end()
            self.derived = nil
        }
        derivedDirection = direction
        guard derived == nil, let direction else { return }
        let dataB = direction == .forward ? plan.dataB : plan.opposite.dataB
        guard !dataB.tables.isEmpty, try side.binding() != nil else { return }
        var finish: (@Sendable (QualifiedName) throws -> Void)?
        let copy = copy
        if direction == .forward, let schema = copy?.schema { finish = { table in try schema.finish(table) } }
        let run = DataBRun(
            dataB, finish: finish, isCopied: { copy?.run.isComplete ?? true }, atOnce: hasEnd, log: log)
        try run.start()
        derived = run
    }

    /// With an end, that includes one batch of each table; what failed is named.
    func waitForDataB() -> (any Error)? {
        guard hasEnd, let derived else { return nil }
        while !derived.allTried { if stop.wait(seconds: 0.1) { return nil } }
        let failing = derived.failing
        guard !failing.isEmpty else { return nil }
        return DataBError.incomplete(
            "Data B is not complete: \(failing.prefix(10).map(\.description).joined(separator: ", ")) failed")
    }

    // MARK: the copy

    /// Nil when there is nothing that could be copied, now or when it is asked for.
    private func startCopy(_ side: TargetSide) throws -> StreamCopy? {
        guard try side.binding() != nil, let request = try side.copyRequest() else { return nil }
        try side.completeCopyTables()
        let (gate, making) = (CopyGate(), StopSignal())
        let (runner, tables) = try side.takeOverCopy()
        // Who loads new by other means has made its schema, too.
        let schema = plan.initialCopy == .all ? SchemaSteps(plan, stop: making, log: log) : nil
        let run = CopyRun(
            stream: plan.stream, source: plan.source, standby: plan.standby, target: plan.target, settings: plan.copy,
            gate: gate, runner: runner, tables: tables, touched: try side.tablesTouched(),
            isComplete: request.isComplete,
            finisher: schema?.finisher ?? TableFinisher(), shown: shown, log: log)
        do { try run.start() } catch {
            run.end()
            throw error
        }
        return StreamCopy(gate: gate, run: run, making: making, schema: schema)
    }
}
