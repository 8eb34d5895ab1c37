// Compares both sides for as long as a stream runs, on a thread and connections of its own and mostly at rest: each table
// once in `verify.every`, the one that waited longest first; and every few seconds some of the rows that the stream has just
// changed. What it finds it logs and keeps on new; it repairs nothing. Whatever fails here never ends the stream.

internal import Apply
internal import Configuration
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading
internal import Verification

final class ContinuousVerification: Sendable {
    private let plan: StreamPlan
    private let every: Double
    private let recent: RecentChanges
    private let ending = StopSignal()
    private let log: Log
    private let thread = Monitor<Thread?>(nil)
    /// Whether rows are locked to be compared, at the step that holds.
    private let locks: @Sendable () -> Bool

    /// Nil when the configuration wants none.
    init?(_ plan: StreamPlan, _ recent: RecentChanges, locks: @escaping @Sendable () -> Bool, log: Log) {
        guard let every = plan.verify.every else { return nil }
        self.plan = plan
        self.every = every
        self.recent = recent
        self.locks = locks
        self.log = log
    }

    func start() throws {
        let started = try Thread("verify") { [self] in keepComparing() }
        thread.withLock { $0 = started }
    }

    func askToEnd() { ending.raise() }

    func end() {
        askToEnd()
        thread.withLock { $0 }?.join()
    }

    private var settings: ComparisonSettings {
        var settings = ComparisonSettings()
        settings.rest = 3
        settings.rate = plan.verify.rate
        settings.patience = plan.verify.patience
        settings.locks = locks()
        return settings
    }

    private func keepComparing() {
        var lastProblem = ""
        // A start has enough to do.
        ending.wait(seconds: min(30, every / 4))
        while !ending.isRaised {
            do {
                try compareDue()
                lastProblem = ""
            } catch {
                let problem = "\(error)"
                if !ending.isRaised, problem != lastProblem {
                    log.about(error).warning("not verifying", [.reason: problem])
                }
                lastProblem = problem
            }
            ending.wait(seconds: min(5, max(0.5, every / 4)))
        }
    }

    /// What is due now, then rows that changed lately, over connections that are opened for it.
    private func compareDue() throws {
        let old = try Connection(to: plan.source, for: .control, as: "\(plan.stream) verify", stop: ending)
        let new = try Connection(to: plan.target, for: .control, as: "\(plan.stream) verify", stop: ending)
        let (source, target) = (SourceSide(old, plan.stream), TargetSide(new, plan.stream))
        let records = VerificationRecords(new, plan.stream)
        let comparison = try PairComparison(
            source: plan.source, target: plan.target, stream: plan.stream, as: "\(plan.stream) verify", stop: ending)
        defer { comparison.close() }
        _ = recent.take()
        // Rows that were told of already, for as long as these connections last.
        var told: Set<[String]> = []
        while !ending.isRaised {
            let scope = try plan.verificationScope(source, target)
            let able = scope.items.filter { $0.kind == .dataA && $0.obstacle == nil }
            try lookAtRecent(comparison, able, source, &told)
            let ages = Dictionary(
                try records.last(.whole).map { ($0.table, $0.age) }, uniquingKeysWith: { first, _ in first })
            let due = able.filter { ages[$0.table].map { $0 > every } ?? true }
                .max { (ages[$0.table] ?? .infinity) < (ages[$1.table] ?? .infinity) }
            if let due {
                let one = VerificationScope(items: [due])
                _ = try PairVerification(comparison, one, settings, records: true, owner: .stream).run(told: say)
            } else {
                ending.wait(seconds: 3)
            }
        }
    }

    private func say(_ outcome: TableOutcome) {
        let relation: LogKey = .relation
        guard let report = outcome.report else {
            log.warning(
                "not compared", [relation: outcome.table, .reason: outcome.problem ?? "", .hint: outcome.hint ?? ""])
            return
        }
        if report.isEqual {
            log.debug("equal", [relation: outcome.table, .rows: report.old.rows])
        } else if report.differences.isEmpty && !report.hasMore {
            log.warning("not settled", [relation: outcome.table, .reason: report.reason ?? ""])
        } else {
            log.error(
                "different",
                [relation: outcome.table, .count: report.differences.count, .hint: Self.remedy(outcome.table)])
        }
    }

    private static func remedy(_ table: QualifiedName) -> String {
        "`tandem verify --table \(shellQuoted(table.description))` names the rows, with --repair it mends them"
    }

    // MARK: rows that changed lately

    private func lookAtRecent(
        _ comparison: PairComparison, _ able: [VerificationScope.Item], _ source: SourceSide,
        _ told: inout Set<[String]>
    ) throws {
        let rows = recent.take()
        guard !rows.isEmpty else { return }
        for (name, changed) in Dictionary(grouping: rows, by: \.table) {
            var table = name
            if !able.contains(where: { $0.table == name }) {
                guard let root = try able.first(where: { try source.leafNames(below: [$0.table]).contains(name) })
                else {
                    continue
                }
                table = root.table
            }
            // What cannot be compared is told by the whole comparison of that table.
            guard let report = try? comparison.compare(rows: changed.map(\.key), of: table, settings: settings),
                report.differences.contains(where: { told.insert([table.sql] + $0.key).inserted })
            else { continue }
            log.error(
                "different",
                [
                    .relation: table, .count: report.differences.count, .reason: VerificationRecords.ofSomeRows,
                    .hint: Self.remedy(table),
                ])
            var outcome = TableOutcome(table: table, kind: .dataA)
            outcome.report = report
            outcome.problem = VerificationRecords.ofSomeRows
            try PairVerification(comparison, VerificationScope(items: []), settings, records: true, owner: .stream)
                .note(outcome)
        }
    }
}
