// Runs checks over one pair and puts what they found in order. What could not be looked at is a finding, too.

internal import Configuration
internal import Evidence
internal import Model
internal import Postgres
internal import SchemaFingerprint
internal import State
package import Stream
package import Threading

package struct Examination {
    private let checks: [Check]
    private let isWhole: Bool
    /// Reasons, by the names of the checks they were given for.
    private let skipped: [String: String]

    /// `only` empty: all of them. Names were checked before.
    package init(only: Set<String> = [], skipping skipped: [String: String] = [:]) {
        checks = Check.all.filter { only.isEmpty || only.contains($0.name) }
        isWhole = only.isEmpty
        self.skipped = skipped
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
        // A part of the checks says nothing about the whole.
        if isWhole { record(&report, survey) }
        report.sort()
        return report
    }

    /// With the schema of both sides as it was seen: what is something else by then is refused when acting.
    private func record(_ report: inout PairReport, _ survey: Survey) {
        func schema(_ side: Side) throws -> SchemaDescription? {
            guard let connection = survey.connection(side) else { return nil }
            return try SchemaReader(connection).describe { survey.plan.tables.carries($0) }
        }
        do {
            try survey.plan.evidence.recordCheck(
                old: schema(.old), new: schema(.new), verdicts: report.verdicts, counts: report.counts,
                oldConnection: survey.connection(.old), newConnection: survey.connection(.new))
        } catch {
            let check = Check.evidenceLog
            let finding = Finding("evidence", "cannot be recorded: \(error)", mend: (error as? any Explained)?.hint)
            report.add([finding], of: check, skipped: skipped[check.name])
        }
    }

    private func findings(of check: Check, _ survey: Survey) throws -> [Finding] {
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
