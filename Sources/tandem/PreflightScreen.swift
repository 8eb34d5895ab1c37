// The report of one pair for people, and the same for machines.

internal import Model
internal import Preflight

struct PreflightScreen {
    private let report: PairReport
    /// Of one check; the rest is counted, and `--json` has it all.
    private static let shown = 20

    init(_ report: PairReport) { self.report = report }

    var text: String {
        var lines = [Terminal.strong("pair \(report.pair)")]
        for side in report.sides { lines.append("  \(side.side)  \(facts(side))") }
        lines.append("  \(tables)")
        for group in groups {
            lines += ["", heading(group[0])] + group.prefix(Self.shown).flatMap(self.lines) + rest(group)
        }
        if !report.notLookedAt.isEmpty {
            let names = report.notLookedAt.map(\.check).joined(separator: ", ")
            lines += ["", "not looked at, because a side cannot be reached: \(names)"]
        }
        return (lines + ["", summary]).joined(separator: "\n")
    }

    private func facts(_ side: PairReport.SideFacts) -> String {
        guard let version = side.version, let database = side.database, let role = side.role else {
            return Terminal.alarming("not reached")
        }
        return "PostgreSQL \(version), database \(visiblyQuoted(database)), as \(visiblyQuoted(role))"
    }

    private var tables: String {
        guard report.sides.allSatisfy({ $0.version != nil }) else { return "tables were not looked at" }
        let chosen = counted(report.tables, "table") + " of Data A"
        if report.isFollowing { return chosen + "; the stream was started already" }
        return report.tablesOnNew == 0
            ? chosen + "; new has none of them, so there is nothing to compare yet"
            : chosen + ", \(report.tablesOnNew) of them on new already"
    }

    /// Lines of one check and severity stand together.
    private var groups: [[PairReport.Line]] {
        report.lines.reduce(into: []) { groups, line in
            if let last = groups.last?.last, last.check == line.check, last.severity == line.severity {
                groups[groups.count - 1].append(line)
            } else {
                groups.append([line])
            }
        }
    }

    private func heading(_ line: PairReport.Line) -> String {
        let severity = line.severity.rawValue.uppercased()
        if let reason = line.skipped {
            return "skipped \(line.check) (\(line.severity.rawValue)): \(withoutControls(reason))"
        }
        let label = "\(severity) \(line.check)"
        return (line.severity == .blocker ? Terminal.alarming(label) : Terminal.strong(label)) + "  \(line.reason)"
    }

    private func lines(_ line: PairReport.Line) -> [String] {
        ["  \(line.finding.object) \(line.finding.what)"] + (line.finding.remedy.map { ["      → \($0)"] } ?? [])
    }

    private func rest(_ group: [PairReport.Line]) -> [String] {
        group.count > Self.shown ? ["  and \(group.count - Self.shown) more; --json has them all"] : []
    }

    private var summary: String {
        let counts = Severity.allCases.map { severity in
            counted(report.lines.filter { $0.severity == severity && $0.skipped == nil }.count, severity.rawValue)
        }.joined(separator: ", ")
        return report.isBlocked ? Terminal.alarming(counts) : counts
    }
}

struct PreflightRecord: Encodable {
    struct Line: Encodable {
        let check: String
        let severity: String
        let object: String
        let finding: String
        let reason: String
        let remedy: String?
        let skippedBecause: String?
    }

    struct NotLookedAt: Encodable {
        let check: String
        let because: String
    }

    let pair: String
    let isBlocked: Bool
    let isFollowing: Bool
    let sides: [PairReport.SideFacts]
    let tables: Int
    let tablesOnNew: Int
    let findings: [Line]
    let notLookedAt: [NotLookedAt]

    init(_ report: PairReport) {
        pair = report.pair
        isBlocked = report.isBlocked
        isFollowing = report.isFollowing
        sides = report.sides
        tables = report.tables
        tablesOnNew = report.tablesOnNew
        findings = report.lines.map {
            Line(
                check: $0.check, severity: $0.severity.rawValue, object: $0.finding.object, finding: $0.finding.what,
                reason: $0.reason, remedy: $0.finding.remedy, skippedBecause: $0.skipped)
        }
        notLookedAt = report.notLookedAt.map { NotLookedAt(check: $0.check, because: $0.why) }
    }
}
