// What `verify` found, for people and for machines.

internal import Foundation
internal import Model
internal import Verification

/// 10,000,000
func grouped(_ number: Int) -> String {
    var digits = Array(String(number))
    var place = digits.count - 3
    while place > (number < 0 ? 1 : 0) {
        digits.insert(",", at: place)
        place -= 3
    }
    return String(digits)
}

struct VerifyScreen {
    let result: VerifiedPair

    init(_ result: VerifiedPair) { self.result = result }

    /// Rows named for each table; the rest is in `--json`.
    private static let named = 20

    var text: String {
        var lines = [Terminal.strong("pair \(result.pair)")]
        if let problem = result.problem {
            lines.append("  " + Terminal.alarming("not compared: " + withoutControls(problem)))
            return (lines + [result.hint].compactMap { $0.map { "      \(withoutControls($0))" } }).joined(
                separator: "\n")
        }
        let width = max(12, result.outcomes.map { label($0).count }.max() ?? 0)
        lines.append(row("table", "rows on old", "rows on new", "", width))
        for outcome in result.outcomes {
            let counts =
                outcome.report.map { report in
                    result.direction.sides(source: grouped(report.old.rows), target: grouped(report.new.rows))
                } ?? ("?", "?")
            lines.append(row(label(outcome), counts.0, counts.1, verdict(outcome), width))
            if let hint = outcome.hint { lines.append("      \(withoutControls(hint))") }
        }
        for (place, outcome) in result.outcomes.enumerated() { lines += named(outcome, result.values[place]) }
        if lines.contains("") { lines.append("") }
        for finding in result.findings {
            let text = withoutControls(finding.text)
            lines.append("  " + (finding.isDifference ? Terminal.alarming(text) : text))
            if let remedy = finding.remedy { lines.append("      \(withoutControls(remedy))") }
        }
        lines += result.notes.map { "  \(withoutControls($0))" }
        lines.append("  " + conclusion)
        return lines.joined(separator: "\n")
    }

    private func label(_ outcome: TableOutcome) -> String {
        outcome.table.description + (outcome.kind == .dataB ? " (B)" : "")
    }

    private func row(_ table: String, _ old: String, _ new: String, _ verdict: String, _ width: Int) -> String {
        func right(_ text: String) -> String { String(repeating: " ", count: max(0, 14 - text.count)) + text }
        let name = table.padding(toLength: max(width, table.count), withPad: " ", startingAt: 0)
        return ("  " + name + right(old) + right(new) + (verdict.isEmpty ? "" : "  " + verdict))
    }

    private func verdict(_ outcome: TableOutcome) -> String {
        guard let report = outcome.report else {
            return Terminal.alarming("not compared: " + withoutControls(outcome.problem ?? "?"))
        }
        var parts: [String] = []
        if !report.differences.isEmpty || report.hasMore {
            let more = report.hasMore ? "more than " : ""
            parts.append(
                "\(more)\(counted(report.differences.count, "row")) differ\(report.differences.count == 1 ? "s" : "")")
            if outcome.kind == .dataB { parts.append("Data B may lag behind its batches") }
        }
        if !report.unsettled.isEmpty {
            parts.append(
                "\(counted(report.unsettled.count, "row")) not settled: \(withoutControls(report.reason ?? "?"))")
        }
        if let repair = outcome.repair {
            parts = ["\(counted(repair.repaired, "row")) repaired and equal now"] + parts
            if report.isEqual { return parts[0] }
        }
        return parts.isEmpty ? "equal" : Terminal.alarming(parts.joined(separator: "; "))
    }

    private func named(_ outcome: TableOutcome, _ values: [PerSide<[String]>]?) -> [String] {
        guard let report = outcome.report, !report.differences.isEmpty else { return [] }
        var lines = ["", "  " + Terminal.strong(outcome.table.description)]
        for (place, difference) in report.differences.prefix(Self.named).enumerated() {
            let hashes = result.direction.sides(
                source: RowDifference.text(difference.old), target: RowDifference.text(difference.new))
            lines.append(
                "    \(Self.name(difference, report.key)): \(words(difference)) (old \(hashes.old), new \(hashes.new))"
                    + (result.isDryRun ? "; would \(difference.remedy(result.direction))" : ""))
            if let values {
                let rows = result.direction.sides(source: values[place].old, target: values[place].new)
                lines += rows.old.map { "      old \(withoutControls($0))" }
                lines += rows.new.map { "      new \(withoutControls($0))" }
            }
        }
        let rest = report.differences.count - Self.named
        if rest > 0 { lines.append("    and \(grouped(rest)) more; --json names them") }
        if report.hasMore {
            lines.append("    more were not looked at: `tandem recopy \(outcome.table)` makes the table afresh")
        }
        lines += (outcome.repair?.failures ?? []).prefix(Self.named).map { "    not repaired: \(withoutControls($0))" }
        return lines
    }

    /// `id=5`, or what stands for a key.
    private static func name(_ difference: RowDifference, _ key: [String]) -> String {
        guard !difference.key.isEmpty else { return "a row (the table has no key)" }
        return zip(key, difference.key).map { "\(visible($0))=\(withoutControls($1))" }.joined(separator: ", ")
    }

    private static func visible(_ column: String) -> String { withoutControls(column) }

    private func words(_ difference: RowDifference) -> String {
        let counts = result.direction.sides(source: difference.old.count, target: difference.new.count)
        return switch difference.kind {
        case .missing: "missing on \(result.direction.target)"
        case .extra: "only on \(result.direction.target)"
        case .different: "different"
        case .count: "\(counted(counts.old, "row")) on old, \(counts.new) on new"
        }
    }

    private var conclusion: String {
        let compared = result.outcomes.filter { $0.report != nil }
        let differing = compared.filter { !($0.report?.differences.isEmpty ?? true) || ($0.report?.hasMore ?? false) }
        let rows = compared.reduce(0) { $0 + ($1.report?.old.rows ?? 0) }
        let time = readable(seconds: result.seconds)
        let failed = result.outcomes.count - compared.count
        let open = compared.filter(\.isUnsettled).count
        let missing =
            (failed > 0 ? ["\(counted(failed, "table")) could not be compared"] : [])
            + (open > 0 ? ["\(counted(open, "table")) did not settle"] : [])
        let repaired = compared.reduce(0) { $0 + ($1.repair?.repaired ?? 0) }
        let mended = repaired > 0 ? ", \(counted(repaired, "row")) repaired" : ""
        let beside = result.findings.filter(\.isDifference).count
        if differing.isEmpty && beside > 0 {
            return Terminal.alarming("different")
                + ": rows are equal\(mended), \(counted(beside, "thing")) beside them not"
                + missing.map { ", \($0)" }.joined() + ", in \(time)"
        }
        if differing.isEmpty && missing.isEmpty {
            return Terminal.strong("equal") + mended
                + ": \(counted(compared.count, "table")), \(grouped(rows)) rows, in \(time)"
        }
        if differing.isEmpty {
            return Terminal.alarming("not proven") + ": " + missing.joined(separator: ", ") + ", in \(time)"
        }
        let found = differing.reduce(0) { $0 + ($1.report?.differences.count ?? 0) }
        return Terminal.alarming("different") + ": \(counted(found, "row")) in \(counted(differing.count, "table"))"
            + " of \(result.outcomes.count)" + mended + missing.map { ", \($0)" }.joined() + ", in \(time)"
    }
}

// MARK: for machines

extension VerifiedPair {
    struct Line: Encodable {
        let pair: String
        let verdict: String
        /// Why the pair could not be compared.
        let problem: String?
        let hint: String?
        let seconds: Double
        let tables: [Table]
        let findings: [Finding]
        let notes: [String]

        struct Finding: Encodable {
            let text: String
            let remedy: String?
            let differs: Bool
        }

        init(_ result: VerifiedPair) {
            pair = result.pair
            (problem, hint) = (result.problem, result.hint)
            verdict = result.exitCode == .done ? "equal" : result.exitCode == .differs ? "different" : "not proven"
            seconds = result.seconds
            let (isDryRun, direction) = (result.isDryRun, result.direction)
            tables = result.outcomes.enumerated().map {
                Table($1, result.values[$0], isDryRun: isDryRun, direction)
            }
            findings = result.findings.map { Finding(text: $0.text, remedy: $0.remedy, differs: $0.isDifference) }
            notes = result.notes
        }
    }

    struct Table: Encodable {
        struct Row: Encodable {
            let key: [String]
            let kind: String
            let old: String
            let new: String
            /// What a repair would do.
            let would: String?
            let oldValues: [String]?
            let newValues: [String]?
        }

        let table: String
        let `class`: String
        let verdict: String
        let problem: String?
        let hint: String?
        let keyColumns: [String]?
        let rowsOld: Int?
        let rowsNew: Int?
        let digestOld: String?
        let digestNew: String?
        let differences: [Row]
        let more: Bool
        let unsettled: [[String]]
        /// Rows that were on their way when they were first read.
        let settled: Int?
        let repaired: Int?
        let notRepaired: [String]?
        let seconds: Double?

        init(_ outcome: TableOutcome, _ values: [PerSide<[String]>]?, isDryRun: Bool, _ direction: Direction) {
            let report = outcome.report
            table = outcome.table.description
            `class` = "data_" + outcome.kind.rawValue
            verdict = outcome.verdict
            problem = outcome.problem ?? report?.reason
            hint = outcome.hint
            keyColumns = report?.key
            let digests = direction.sides(source: report?.old, target: report?.new)
            rowsOld = digests.old?.rows
            rowsNew = digests.new?.rows
            digestOld = digests.old?.description
            digestNew = digests.new?.description
            differences = (report?.differences ?? []).enumerated().map { place, difference in
                let hashes = direction.sides(
                    source: RowDifference.text(difference.old), target: RowDifference.text(difference.new))
                let rows = direction.sides(source: values?[place].old, target: values?[place].new)
                return Row(
                    key: difference.key, kind: difference.kind.rawValue, old: hashes.old, new: hashes.new,
                    would: isDryRun ? difference.remedy(direction) : nil, oldValues: rows.old, newValues: rows.new)
            }
            more = report?.hasMore ?? false
            unsettled = report?.unsettled ?? []
            settled = report?.settled
            repaired = outcome.repair?.repaired
            notRepaired = outcome.repair?.failures
            seconds = report?.seconds
        }
    }
}
