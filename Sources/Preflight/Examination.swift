// Runs checks over one pair and puts what they found in order. What could not be looked at is a finding, too.

internal import Configuration
internal import Evidence
internal import Foundation
internal import Model
internal import Postgres
internal import SchemaFingerprint
internal import State
package import Stream
package import Threading

package struct Examination {
    private let checks: [Check]
    /// On whose behalf it is recorded; nil when it is not, because a part of the checks says nothing about the whole.
    private let recordedBy: String?
    /// Reasons, by the names of the checks they were given for.
    private let skipped: [String: String]

    /// `only` empty: all of them. Names were checked before.
    package init(only: Set<String> = [], skipping skipped: [String: String] = [:]) {
        checks = Check.all.filter { only.isEmpty || only.contains($0.name) }
        recordedBy = only.isEmpty ? "preflight" : nil
        self.skipped = skipped
    }

    /// What would stop `run`, and nothing else. It makes a slot itself, and says who holds that up, for as long as it takes.
    private init(beforeRunSkipping skipped: [String: String], records: Bool) {
        checks = Check.all.filter { $0.severity == .blocker && $0.name != Check.slotCreation.name }
        recordedBy = records ? "run" : nil
        self.skipped = skipped
    }

    /// Before everything is made and copied. What the newest preflight on record passed over is passed over here.
    package static func beforeRun(_ plan: StreamPlan, jobs: Int, records: Bool = true, stop: StopSignal) throws {
        let skipped = try plan.evidence.lastCheck()?.skipped ?? [:]
        let report = try Examination(beforeRunSkipping: skipped, records: records).examine(plan, jobs: jobs, stop: stop)
        guard let first = report.blockers.first else { return }
        let shown = report.blockers.prefix(5).map { "\($0.finding.object) \($0.finding.what) [\($0.check)]" }
        let rest = report.blockers.count > 5 ? "; and \(report.blockers.count - 5) more" : ""
        throw StateError.refused(
            "preflight found what stands in the way: \(shown.joined(separator: "; "))\(rest)",
            hint: (first.finding.remedy.map { "\($0) — " } ?? "")
                + "`tandem preflight` explains all of it; `tandem preflight --skip CHECK --reason TEXT` passes over a check, for"
                + " `tandem run`, too")
    }

    package func examine(_ plan: StreamPlan, jobs: Int, stop: StopSignal) throws -> PairReport {
        let survey = try Survey(plan, jobs: jobs, stop: stop)
        var report = PairReport(survey)
        for check in checks {
            if let missing = Side.allCases.first(where: {
                check.reading.sides.contains($0) && survey.refusals[$0] != nil
            }) {
                report.notLookedAt.append((check.name, "\(missing.rawValue) cannot be looked at"))
                continue
            }
            report.add(try findings(of: check, survey), of: check, skipped: skipped[check.name])
        }
        if let recordedBy { record(&report, survey, by: recordedBy) }
        report.sort()
        return report
    }

    /// With the schema of both sides as it was seen: what is something else by then is refused when acting.
    private func record(_ report: inout PairReport, _ survey: Survey, by command: String) {
        func schema(_ side: Side) throws -> SchemaDescription? {
            guard let connection = survey.connection(side) else { return nil }
            return try SchemaReader(connection).describe { survey.plan.tables.carries($0) }
        }
        do {
            try survey.plan.evidence.recordCheck(
                RecordedCheck(old: schema(.old), new: schema(.new), skipped: skipped, by: command),
                verdicts: report.verdicts, counts: report.counts, old: survey.connection(.old),
                new: survey.connection(.new))
        } catch {
            let check = Check.evidenceLog
            if Self.isSilenced(check) { return }
            let finding = Finding("evidence", "cannot be recorded: \(error)", mend: (error as? any Explained)?.hint)
            report.add([finding], of: check, skipped: skipped[check.name])
        }
    }

    /// Checks that find nothing, by name, to see which test notices; not in a binary for use.
    private static func isSilenced(_ check: Check) -> Bool {
        #if DEBUG
            (ProcessInfo.processInfo.environment["TANDEM_SILENT_CHECK"] ?? "").split(separator: " ")
                .contains { $0 == check.name }
        #else
            false
        #endif
    }

    private func findings(of check: Check, _ survey: Survey) throws -> [Finding] {
        if Self.isSilenced(check) { return [] }
        do { return try look(check, survey) } catch let error as PostgresError {
            if error.kind == .interrupted || error.isConnectionLost { throw error }
            return [Finding("check \(check.name)", "could not be made: \(error)", mend: error.hint)]
        } catch let error as any Explained where error.exitCode == .refused {
            return [Finding("check \(check.name)", "\(error)", mend: error.hint)]
        }
    }

    private func look(_ check: Check, _ survey: Survey) throws -> [Finding] {
        func rows(_ question: Question, _ side: Side) throws -> [Row] {
            try survey.ask(question, of: side, doing: check.name)
        }
        switch check.reading {
        case .old(let question):
            return try check.verdict(Answer(side: .old, rows: rows(question, .old), others: []), survey)
        case .new(let question):
            return try check.verdict(Answer(side: .new, rows: rows(question, .new), others: []), survey)
        case .each(let question):
            return try Side.allCases.filter { survey.connection($0) != nil }.flatMap { side in
                try check.verdict(Answer(side: side, rows: rows(question, side), others: []), survey)
            }
        case .both(let question):
            return try check.verdict(
                Answer(side: .old, rows: rows(question, .old), others: rows(question, .new)), survey)
        case .tried:
            return try check.verdict(.nothing, survey)
        }
    }
}
