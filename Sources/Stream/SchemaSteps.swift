// Old's schema on new, around the copy of rows: tables before anything, a table's keys and indexes when its rows are there,
// the rest at the end. Looked at once and shared by the copy's workers; after a failure both sides are looked at afresh,
// because somebody may have mended something.

internal import Evidence
internal import Fence
internal import Foundation
internal import InitialCopy
internal import Model
internal import Postgres
internal import SchemaCopy
internal import State
internal import Telemetry
internal import Threading

final class SchemaSteps: Sendable {
    private struct State {
        var copy: SchemaCopy?
        var isBusy = false
    }

    private let plan: StreamPlan
    private let stop: StopSignal
    private let log: Log
    private let state = Monitor(State())
    private let turn = Monitor(false)
    /// This start, not the first one: a copy goes on through several.
    private let begun = Date()
    private let builds = BuildBoard()

    init(_ plan: StreamPlan, stop: StopSignal, log: Log) {
        self.plan = plan
        self.stop = stop
        self.log = log
    }

    var finisher: TableFinisher {
        TableFinisher(
            table: { [self] table, _ in try perform { try $0.finish(table: table, progress: report) } },
            all: { [self] stop in
                try inTurn { try perform { try $0.finishAll(progress: report) } }
                let target = try Connection(to: plan.target, for: .control, as: "\(plan.stream) schema", stop: stop)
                try CarriedSchema(plan, accepts: false, log: log).record(target)
                let tables = try TargetSide(target, plan.stream).copiedTables()
                let counts = [
                    ("tables", tables.count), ("rows", tables.map(\.rows).reduce(0, +)),
                    ("bytes", tables.map(\.bytes).reduce(0, +)),
                ]
                try plan.evidence.record(
                    EvidenceLog.Event(
                        "run", .noted, details: [("what", "every table is copied")], counts: counts,
                        seconds: Date().timeIntervalSince(begun)),
                    old: nil, new: target)
            },
            keeper: { [log, stream = plan.stream] in
                let sequences = SequenceCopy(log: log)
                return { source, target in
                    // Never behind the back of whoever gives out ids there meanwhile.
                    _ = try FenceShare(target, stream).whileInCharge(stream.source) { () throws(PostgresError) in
                        try sequences.carry(from: source, to: target)
                    }
                }
            }, builds: builds)
    }

    /// Keys and indexes of a table that is not copied with the others.
    func finish(_ table: QualifiedName) throws {
        try inTurn { try perform { try $0.finish(table: table, progress: report) } }
    }

    /// The end of the schema makes what is left, of tables of Data B, too, which finish in their own time: what one of them
    /// has just made is not left for the other.
    private func inTurn(_ body: () throws -> Void) throws {
        _ = turn.wait { isTaken -> Bool? in
            guard !isTaken else { return nil }
            isTaken = true
            return true
        }
        defer { turn.change { $0 = false } }
        try body()
    }

    /// Before a slot is made.
    func makeTables() throws {
        let copy = SchemaCopy(
            source: plan.source, target: plan.target, jobs: plan.copy.jobs, stop: stop, log: log,
            carries: { [tables = plan.tables] in tables.carries($0) })
        let found = try copy.survey()
        for note in found.notes { log.warning("different on new", [.detail: note]) }
        for left in found.notCarried { log.warning("not carried", [.detail: left]) }
        log.info("making tables", [.count: found.tables.count])
        try copy.makeTables(progress: report)
        state.change { $0.copy = copy }
    }

    /// What `makeTables` would make, and what would come after the rows; it throws what would stand in the way.
    func preview() throws -> ForeseenActs {
        let copy = SchemaCopy(
            source: plan.source, target: plan.target, jobs: plan.copy.jobs, stop: stop, log: log,
            carries: { [tables = plan.tables] in tables.carries($0) })
        let found = try copy.survey()
        var foreseen = ForeseenActs()
        if !found.tables.isEmpty {
            foreseen.would("make \(counted(found.tables.count, "table")) on new, with all that belongs to them")
        }
        if found.objects > found.tables.count {
            foreseen.note("\(counted(found.objects, "object")) of old's schema are not on new yet")
        }
        for note in found.notes { foreseen.note("different on new: \(note)") }
        for left in found.notCarried { foreseen.note("not carried: \(left)") }
        return foreseen
    }

    private func perform(_ body: (SchemaCopy) throws -> Void) throws {
        let copy = try surveyed()
        do { try body(copy) } catch {
            state.change { if $0.copy === copy { $0.copy = nil } }
            throw error
        }
    }

    /// One looks, the others wait for it.
    private func surveyed() throws -> SchemaCopy {
        let known: SchemaCopy?? = state.wait { state in
            if let copy = state.copy { return .some(copy) }
            guard !state.isBusy else { return nil }
            state.isBusy = true
            return .some(nil)
        }
        if let copy = known ?? nil { return copy }
        defer { state.change { $0.isBusy = false } }
        let copy = SchemaCopy(
            source: plan.source, target: plan.target, jobs: plan.copy.jobs, stop: stop, log: log,
            carries: { [tables = plan.tables] in tables.carries($0) })
        _ = try copy.survey()
        state.change { $0.copy = copy }
        return copy
    }

    @Sendable private func report(_ progress: SchemaProgress) {
        switch progress.state {
        case .began:
            builds.began(progress.object)
            log.debug("making", [.detail: progress.object])
        case .building(let phase, let done, let of): builds.at(progress.object, phase: phase, done: done, of: of)
        case .made(let seconds):
            builds.ended(progress.object)
            log.debug("made", [.detail: progress.object, .seconds: seconds])
        case .failed: builds.ended(progress.object)
        }
    }
}
