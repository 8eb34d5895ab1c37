// `tandem verify`: one pair after the other, with progress on a terminal.

internal import CommandLine
internal import Configuration
internal import Evidence
internal import Foundation
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading
internal import Verification

func verify(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    try workspace.configuration.requireDecided()
    let named = try arguments.values("table").map(tableName)
    let runs = workspace.plans.map { PairRun(pair: $0.pair) }
    for (run, plan) in zip(runs, workspace.plans) {
        try run.attempt(alone: runs.count == 1) {
            let verifier = PairVerifier(try plan.inCharge(), arguments)
            run.ready = (verifier, try verifier.scope(named))
        }
    }
    // A pair that did not answer may have it.
    if runs.allSatisfy({ $0.ready != nil }) { try refuse(named, unknownIn: runs.compactMap(\.ready?.scope)) }
    if arguments.has("dry-run"), !arguments.has("repair") {
        return preview(runs, isJSON: arguments.has("json"))
    }
    for run in runs {
        try run.attempt(alone: runs.count == 1) {
            guard let (verifier, scope) = run.ready, named.isEmpty || named.contains(where: scope.known.contains)
            else { return }
            run.result = try verifier.run(scope, isWhole: named.isEmpty)
        }
        if let result = run.result, !arguments.has("json") { Terminal.show(VerifyScreen(result).text) }
    }
    let results = runs.compactMap(\.result)
    if arguments.has("json") { Terminal.json(results.map(VerifiedPair.Line.init)) }
    if arguments.has("repair") { try RepairNews(workspace)?.tell(results, workspace) }
    if let refusal = results.compactMap(\.wouldRefuse).first {
        Terminal.complain(refusal)
        return .refused
    }
    return ExitCode.worst(results.map(\.exitCode))
}

/// What would be compared; nothing is, and nothing is recorded. 1 when something could not be.
private func preview(_ runs: [PairRun], isJSON: Bool) -> ExitCode {
    var isWhole = true
    var lines: [ForeseenComparison] = []
    for run in runs {
        guard let scope = run.ready?.scope else {
            isWhole = false
            Terminal.note("\(run.pair): \(withoutControls(run.result?.problem ?? "cannot be looked at"))")
            continue
        }
        let able = scope.items.filter { $0.obstacle == nil }
        let obstacles = scope.items.compactMap(\.obstacle)
        isWhole = isWhole && obstacles.isEmpty
        if isJSON {
            lines.append(
                ForeseenComparison(
                    pair: run.pair, tables: able.map(\.table.description), obstacles: obstacles.map { "\($0)" }))
            continue
        }
        let names = able.prefix(20).map(\.table.description).joined(separator: ", ")
        Terminal.show(
            "\(run.pair): would compare \(counted(able.count, "table")), and record what was found"
                + (able.isEmpty ? "" : ": \(names)\(able.count > 20 ? " …" : "")"))
        for obstacle in obstacles { Terminal.note("\(run.pair): \(withoutControls("\(obstacle)"))") }
        for note in scope.notes { Terminal.note("\(run.pair): \(withoutControls(note))") }
    }
    if isJSON { Terminal.json(lines) }
    let outcome = DryRun.end()
    return isWhole ? outcome : .failed
}

private struct ForeseenComparison: Encodable {
    let pair: String
    let tables: [String]
    let obstacles: [String]
}

/// One pair's turn. Of several, one that cannot be compared does not keep the others from it.
private final class PairRun {
    let pair: String
    var ready: (verifier: PairVerifier, scope: VerificationScope)?
    var result: VerifiedPair?

    init(pair: String) { self.pair = pair }

    func attempt(alone: Bool, _ body: () throws -> Void) throws {
        do { try body() } catch {
            guard !alone, !processStop.isRaised, !(error is UsageError) else { throw error }
            var result = VerifiedPair(pair: pair, direction: .forward)
            result.problem = "\(error)"
            result.hint = (error as? any Explained)?.hint
            self.result = result
            ready = nil
        }
    }
}

private func tableName(_ text: String) throws -> QualifiedName {
    guard let name = try TablePattern(text).literalName else {
        throw UsageError("\(mention(text)) is a pattern", hint: "name each table that is to be compared")
    }
    return name
}

/// A table of several pairs may be in one of them alone; in none it was typed wrong, and nothing is compared.
private func refuse(_ named: [QualifiedName], unknownIn scopes: [VerificationScope]) throws {
    let known = scopes.flatMap(\.known)
    guard let name = named.first(where: { !known.contains($0) }) else { return }
    let near = nearest(to: name.description, among: known.map(\.description))
    throw UsageError(
        "\(mention(name.description)) is no table that the configuration carries and old has",
        hint: near.map { "did you mean \(mention($0))?" } ?? "`tandem config show` lists them")
}

extension ExitCode {
    /// A proven difference outweighs what could not be looked at.
    static func worst(_ codes: [ExitCode]) -> ExitCode {
        [.differs, .refused, .failed].first(where: codes.contains) ?? .done
    }
}

/// What came of one pair.
struct VerifiedPair {
    let pair: String
    /// From the side that counts to the one that is held against it.
    let direction: Direction
    var outcomes: [TableOutcome] = []
    var notes: [String] = []
    /// What is not the same beside the rows.
    var findings: [SideFinding] = []
    var seconds = 0.0
    /// Why nothing came of it.
    var problem: String?
    var hint: String?
    /// What a repair would do is shown.
    var isDryRun = false
    /// Why that repair would be refused.
    var wouldRefuse: StateError?
    /// By place in `outcomes`, when they were asked for.
    var values: [Int: [PerSide<[String]>]] = [:]

    var exitCode: ExitCode {
        if problem != nil { return .failed }
        let differ = outcomes.contains { $0.report.map { !$0.differences.isEmpty || $0.hasMore } ?? false }
        if differ || findings.contains(where: \.isDifference) { return .differs }
        return outcomes.allSatisfy(\.isEqual) ? .done : .failed
    }
}

private struct PairVerifier {
    let plan: StreamPlan
    let arguments: Parsed

    init(_ plan: StreamPlan, _ arguments: Parsed) {
        self.plan = plan
        self.arguments = arguments
    }

    func run(_ scope: VerificationScope, isWhole: Bool) throws -> VerifiedPair {
        let begun = Monotonic.now
        var result = VerifiedPair(pair: plan.pair, direction: plan.stream.direction)
        result.notes = scope.notes
        let comparison = try PairComparison(
            source: plan.source, target: plan.target, stream: plan.stream, as: "\(plan.stream) verify",
            stop: processStop, readsOnly: arguments.has("dry-run"))
        defer { comparison.close() }
        var settings = ComparisonSettings()
        settings.rate = plan.verify.rate
        settings.patience = plan.verify.patience
        settings.readsOnly = arguments.has("dry-run")
        settings.locks = try PairEpochs(plan, stop: processStop).row()?.repairLocks ?? false
        let line = ProgressLine()
        defer { line.clear() }
        let verification = PairVerification(
            comparison, scope, settings, records: true, afresh: arguments.has("afresh"), progress: line.show)
        result.outcomes = try verification.run()
        result.notes += verification.continued.map {
            "\($0): went on where a comparison was cut off within the last hour; `--afresh` begins again"
        }
        line.clear()
        if isWhole {
            let tables = plan.tables
            result.findings = try SideFindings(comparison) { tables.carries($0) }.read(
                // Where nothing applies nobody brings them along; the flip sets them apart.
                sequences: !settings.locks && (plan.isForward ? plan.initialCopy == .all : plan.strategy == .pause))
        }
        result.seconds = begun.age
        if !arguments.has("dry-run") { result.record(plan, named: !isWhole) }
        if arguments.has("repair") { try repair(&result, comparison, settings, verification) }
        result.seconds = begun.age
        if arguments.has("show-values") {
            for (place, outcome) in result.outcomes.enumerated() {
                guard let report = outcome.report, !report.differences.isEmpty else { continue }
                result.values[place] = try comparison.values(of: report.differences, in: outcome.table)
            }
        }
        return result
    }

    // MARK: repairing

    private func repair(
        _ result: inout VerifiedPair, _ comparison: PairComparison, _ settings: ComparisonSettings,
        _ verification: PairVerification
    ) throws {
        let places = result.outcomes.indices.filter { !(result.outcomes[$0].report?.differences.isEmpty ?? true) }
        guard !places.isEmpty else { return }
        if arguments.has("dry-run") {
            result.isDryRun = true
            do { try refuseMuch(places.map { result.outcomes[$0] }) } catch { result.wouldRefuse = error }
            return
        }
        let found = places.map { result.outcomes[$0] }
        try allow(found)
        let old = try Connection(to: plan.old, for: .control, as: "\(plan.stream) verify", stop: processStop)
        let new = try Connection(to: plan.new, for: .control, as: "\(plan.stream) verify", stop: processStop)
        try keepInPlace(old, new)
        try plan.evidence.perform(
            "verify --repair", executed: found.map(said), old: old, new: new, note: Terminal.note
        ) {
            let repair = try PairRepair(comparison, target: plan.target, settings, stop: processStop)
            defer { repair.close() }
            for place in places {
                result.outcomes[place] = try repair.repair(result.outcomes[place])
                try verification.note(result.outcomes[place])
            }
        }
    }

    /// What is written is right as long as the same side counts: nobody moves the pair meanwhile.
    private func keepInPlace(_ old: Connection, _ new: Connection) throws {
        for connection in [old, new] {
            guard try EpochBook(connection, plan.stream).tryLock() else {
                throw StateError.refused(
                    "another tandem is moving pair \(plan.pair) just now", hint: "`tandem step`; then again")
            }
        }
        guard try plan.inCharge().stream == plan.stream else {
            throw StateError.refused("the other side is in charge by now", hint: "`tandem verify` again")
        }
    }

    /// For the evidence: how many rows of which kind, never their keys or values.
    private func said(_ outcome: TableOutcome) -> String {
        let differences = outcome.report?.differences ?? []
        let kinds = Dictionary(grouping: differences, by: \.kind.rawValue).sorted { $0.key < $1.key }
        return "repair \(outcome.table): " + kinds.map { "\($1.count) \($0)" }.joined(separator: ", ")
    }

    /// Rows, when they are so many that somebody has to say so.
    @discardableResult
    private func refuseMuch(_ found: [TableOutcome]) throws(StateError) -> String? {
        if let more = found.first(where: { $0.report?.hasMore ?? false }) {
            throw StateError.refused(
                "\(more.table): so many rows differ that not all were named",
                hint: plan.isForward
                    ? "`tandem recopy \(more.table)` makes the table afresh"
                    : "find out why before anything is written: new is what counts, and old is far from it")
        }
        let rows = found.reduce(0) { $0 + ($1.report?.differences.count ?? 0) }
        guard rows > plan.verify.repairLimit, !arguments.has("yes") else { return nil }
        let what = "\(grouped(rows)) rows differ, more than verify.repair_limit (\(grouped(plan.verify.repairLimit)))"
        // Somebody may be asked.
        if Terminal.isInteractive { return what }
        throw StateError.refused(what, hint: "look at some of them, then add `--yes`; nothing was written")
    }

    private func allow(_ found: [TableOutcome]) throws {
        guard let what = try refuseMuch(found) else { return }
        FileHandle.standardError.write(Data("\(what): write them on \(plan.stream.target)? [y/N] ".utf8))
        if ["y", "yes"].contains(readLine()?.lowercased()) { return }
        throw StateError.refused(what, hint: "look at some of them, then add `--yes`; nothing was written")
    }

    func scope(_ named: [QualifiedName]) throws -> VerificationScope {
        let old = try Connection(to: plan.source, for: .control, as: "\(plan.stream) verify", stop: processStop)
        let new = try Connection(to: plan.target, for: .control, as: "\(plan.stream) verify", stop: processStop)
        try SameDatabase.refuse(old, new)
        var scope = try plan.verificationScope(
            SourceSide(old, plan.stream), TargetSide(new, plan.stream), only: named)
        if let since = arguments.value("since").flatMap({ LSN($0) }) {
            let proven = try VerificationRecords(new, plan.stream).last(.equal)
            let recent = Set(proven.filter { $0.oldPosition >= since }.map(\.table))
            let left = scope.items.filter { recent.contains($0.table) }.count
            scope.items.removeAll { recent.contains($0.table) }
            if left > 0 {
                scope.notes.append("\(counted(left, "table")) proven equal at \(since) or later: not compared again")
            }
        }
        return scope
    }
}

/// One line on a terminal's standard error that is written over again; nothing elsewhere.
final class ProgressLine {
    private let isShown = isatty(STDERR_FILENO) == 1
    private var last: Monotonic?

    func show(_ progress: PairVerification.Progress) {
        guard last.map({ $0.age > 0.2 }) ?? true else { return }
        var text =
            "\(progress.table) (\(progress.number) of \(progress.tables)): \(Int(progress.part.share * 100)) %,"
            + " \(grouped(progress.part.rows)) rows"
        if let left = progress.secondsLeft { text += ", \(readable(seconds: left)) left" }
        show(text)
    }

    func show(_ text: String) {
        guard isShown else { return }
        last = .now
        FileHandle.standardError.write(Data(("\r\u{1b}[K" + withoutControls(text).prefix(Terminal.width - 1)).utf8))
    }

    func clear() {
        if last != nil { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    }
}
