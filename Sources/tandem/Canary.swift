// `tandem canary`: what the configuration names is tried, on both sides, against what it wants.

internal import Canary
internal import CommandLine
internal import Configuration
internal import Evidence
internal import Foundation
internal import Model
internal import Passage
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

func canary(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    let configured = workspace.configuration.canary
    guard !configured.isEmpty else {
        throw UsageError(
            "`canary` in \(workspace.configuration.file) names nothing to be tried",
            hint: "name what users depend on: canary: [{name: order page, query: 'SELECT … WHERE id = $1', parameters:"
                + " [7]}]")
    }
    let only = arguments.values("only")
    for name in only where !configured.contains(where: { $0.name == name }) {
        let near = nearest(to: name, among: configured.map(\.name))
        throw UsageError(
            "`canary` names no \(mention(name))",
            hint: near.map { "did you mean \(named($0))?" }
                ?? "it names " + configured.map { named($0.name) }.joined(separator: ", "))
    }
    var tried: [TriedPair] = []
    for plan in workspace.plans {
        let probes = configured.filter { $0.isFor(plan.pair) && (only.isEmpty || only.contains($0.name)) }
        guard !probes.isEmpty else { continue }
        let pair = try attempt(plan, alone: workspace.plans.count == 1) {
            try CanaryBench(workspace.configuration, plan).run(probes, records: !arguments.has("dry-run"))
        }
        if !arguments.has("json") { Terminal.show(CanaryScreen(pair).text) }
        tried.append(pair)
    }
    guard !tried.isEmpty else {
        throw UsageError(
            "`canary` names nothing of that for \(workspace.plans.map { "pair \($0.pair)" }.joined(separator: ", "))",
            hint: "what is for one pair only says so in `pair`")
    }
    if arguments.has("json") { Terminal.json(tried.map(TriedPair.Line.init)) }
    let worst = ExitCode.worst(tried.map(\.exitCode))
    guard arguments.has("dry-run") else { return worst }
    _ = DryRun.end()
    return worst
}

/// A probe's name, as the operator gave it.
private func named(_ name: String) -> String { "`\(withoutControls(name))`" }

/// Of several pairs, one that cannot be reached does not keep the others from it.
private func attempt(_ plan: StreamPlan, alone: Bool, _ body: () throws -> TriedPair) throws -> TriedPair {
    do { return try body() } catch {
        guard !alone, !processStop.isRaised else { throw error }
        var pair = TriedPair(pair: plan.pair)
        pair.problem = "\(error)"
        return pair
    }
}

struct TriedPair {
    let pair: String
    /// Nil where nobody could ask.
    var standing: PairStanding?
    var reports: [CanaryReport] = []
    var seconds = 0.0
    var isRecorded = false
    var problem: String?

    init(pair: String) { self.pair = pair }

    var exitCode: ExitCode {
        if problem != nil { return .failed }
        return ExitCode.worst(
            reports.map { report in
                switch report.verdict {
                case .passed: .done
                case .differs: .differs
                case .refused: .refused
                case .unknown: .failed
                }
            })
    }
}

private struct CanaryBench {
    private let configuration: Configuration
    private let plan: StreamPlan
    private let desk: PairDesk

    init(_ configuration: Configuration, _ plan: StreamPlan) throws {
        (self.configuration, self.plan) = (configuration, plan)
        desk = try PairDesk(configuration, plan, as: "canary", stop: processStop)
        for side in Side.allCases { if let problem = desk.problems[side] { throw problem } }
    }

    func run(_ probes: [CanaryProbe], records: Bool) throws -> TriedPair {
        guard let old = desk.old, let new = desk.new else { throw StateError.notPrepared(pair: plan.pair) }
        guard desk.standing.step > .classifying else {
            throw StateError.refused(
                "new of pair \(plan.pair) does not follow yet: there is nothing to ask it",
                hint: "`tandem run` copies and follows; `tandem status` shows when all rows are there")
        }
        var pair = TriedPair(pair: plan.pair)
        pair.standing = desk.standing
        let begun = Monotonic.now
        let trial = CanaryTrial(
            old: try asker(.old, plan.old), new: try asker(.new, plan.new), truth: desk.standing.truth,
            patience: plan.verify.patience, environment: environment,
            stream: StreamInCharge(desk, old: old, new: new, beats: records), stop: processStop)
        let kept = CanaryRecords(new, plan.stream)
        let line = ProgressLine()
        defer { line.clear() }
        do {
            for (place, probe) in probes.enumerated() {
                line.show("\(plan.pair): trying \(probe.name) (\(place + 1) of \(probes.count))")
                let report = try trial.run(probe)
                // At once: what comes after it may take long, or end all.
                if records { try kept.note(record(report)) }
                pair.reports.append(report)
            }
        } catch {
            line.clear()
            pair.seconds = begun.age
            // What was found is told all the same; why it ended is what the command says in the end.
            if records, !pair.reports.isEmpty { try? tell(pair, old: old, new: new) }
            throw error
        }
        line.clear()
        pair.seconds = begun.age
        guard records else { return pair }
        try kept.forget(allBut: configuration.canary.filter { $0.isFor(plan.pair) }.map(\.name))
        try tell(pair, old: old, new: new)
        pair.isRecorded = true
        return pair
    }

    private var environment: [String: String] {
        let standing = desk.standing
        return [
            "TANDEM_MIGRATION": configuration.migration, "TANDEM_PAIR": plan.pair,
            "TANDEM_STRATEGY": standing.strategy.rawValue, "TANDEM_STEP": "\(standing.step.rawValue)",
            "TANDEM_IN_CHARGE": standing.truth.rawValue,
        ]
    }

    private func asker(_ side: Side, _ target: ConnectionTarget) throws -> CanaryDesk {
        try CanaryDesk(
            side,
            Connection(to: target, for: .application, as: "\(plan.stream) canary", stop: processStop))
    }

    private func record(_ report: CanaryReport) -> CanaryRecord {
        CanaryRecord(
            name: report.probe.name, form: report.probe.form, verdict: report.verdict,
            epoch: desk.standing.epoch?.number ?? 0, detail: report.breaches.first?.text)
    }

    /// For the evidence.
    private func tell(_ pair: TriedPair, old: Connection, new: Connection) throws {
        let found = pair.reports.map(record)
        let event = EvidenceLog.Event(
            "canary", .noted,
            details: found.map {
                ($0.name, $0.verdict.rawValue + ($0.detail.map { ": " + withoutControls($0) } ?? ""))
            },
            counts: [("tried", found.count), ("passed", found.filter { $0.verdict == .passed }.count)],
            seconds: pair.seconds)
        try plan.evidence.record(event, old: old, new: new).notes.forEach(Terminal.note)
    }
}

/// The stream from the side in charge to the other one. Where none applies, applications write both sides themselves, and there is
/// nothing to be waited for.
private final class StreamInCharge: CanaryStream {
    private let source: SourceSide
    private let target: TargetSide
    private let applies: Bool
    private let beats: Bool
    private(set) var stands = false

    init(_ desk: PairDesk, old: Connection, new: Connection, beats: Bool) {
        let truth = desk.standing.truth
        let stream = truth == .old ? desk.plan.stream : desk.plan.stream.opposite
        applies = desk.standing.row?.role(of: stream.direction) == .apply
        let (here, there) = truth == .old ? (old, new) : (new, old)
        (source, target) = (SourceSide(here, stream), TargetSide(there, stream))
        self.beats = beats
    }

    func catchUp(by end: Monotonic, meanwhile: () throws -> Void) throws -> Bool {
        guard applies else { return true }
        let position = try source.currentPosition()
        // On an idle server the stream moves with the next beat, which nobody need wait for.
        if beats { _ = try? source.beat() }
        while let applied = try target.progress(durable: false) {
            stands = applied < position
            guard stands else { return true }
            guard Monotonic.now < end, !processStop.wait(seconds: 0.001) else { return false }
            try meanwhile()
        }
        stands = true
        return false
    }
}
