// What a comparison found, in the evidence: how each table ended, how many rows were read and their digest, which is the same for
// the same rows whenever and on whatever version they are read. Never a key or a value.

internal import Evidence
internal import Model
internal import Postgres
internal import Stream
internal import Verification

extension VerifiedPair {
    /// Of tables that are equal so many are named; all others always are.
    private static let most = 1000

    /// It does not undo what was found when the log cannot be written: that is said.
    func record(_ plan: StreamPlan, named: Bool) {
        do {
            let old = try Connection(to: plan.old, for: .control, as: "\(plan.stream) verify", stop: processStop)
            let new = try Connection(to: plan.new, for: .control, as: "\(plan.stream) verify", stop: processStop)
            let equal = outcomes.filter(\.isEqual)
            let others = outcomes.filter { !$0.isEqual }
            let details = (others + equal.prefix(Self.most)).map { ("\($0.table)", Self.said($0)) }
            let found = findings.filter(\.isDifference).map { ("beside the rows", withoutControls($0.text)) }
            let event = EvidenceLog.Event(
                "verify", .noted,
                details: [("what", named ? "tables that were named" : "everything")] + details + found,
                counts: [("tables", outcomes.count), ("equal", equal.count)], seconds: seconds)
            try plan.evidence.record(event, old: old, new: new).notes.forEach(Terminal.note)
        } catch {
            Terminal.note("tandem: this comparison is not on record: \(withoutControls("\(error)"))")
        }
    }

    private static func said(_ outcome: TableOutcome) -> String {
        guard let report = outcome.report else { return "not compared" }
        let digest = report.isEqual ? "digest \(report.old)" : "digests \(report.old) and \(report.new)"
        let count = report.differences.count
        let differing = count == 0 ? "" : ", \(report.hasMore ? "more than " : "")\(counted(count, "row")) not the same"
        return "\(outcome.verdict)\(differing), \(report.old.rows) rows, \(digest)"
    }
}
