// What was found out about one pair, in the order in which somebody should read it.

package import Configuration
internal import Evidence
package import Model
internal import Postgres
internal import State
internal import Stream

package struct PairReport {
    package struct Line: Sendable {
        package let check: String
        package let severity: Severity
        package let finding: Finding
        package let reason: String
        /// Why it is passed over, when somebody said so.
        package let skipped: String?

        /// Stands in the way.
        package var blocks: Bool { severity == .blocker && skipped == nil }
    }

    /// What a side is, in a few facts.
    package struct SideFacts: Sendable, Encodable {
        package let side: String
        /// As the server says it: 15.4.
        package let version: String?
        package let database: String?
        package let role: String?
        package let problem: String?
    }

    package let pair: String
    package let sides: [SideFacts]
    /// Of old, without partitions.
    package let tables: Int
    package let tablesOnNew: Int
    package let isFollowing: Bool
    package private(set) var lines: [Line] = []
    /// Names of checks, and why.
    package var notLookedAt: [(check: String, why: String)] = []

    package var blockers: [Line] { lines.filter(\.blocks) }
    package var isBlocked: Bool { lines.contains(where: \.blocks) }
    /// Patterns of the configuration that match no table of this pair's old.
    package let unmatched: [TablePattern]
    /// The tables there that are Data A.
    package let names: [QualifiedName]

    init(_ survey: Survey) {
        pair = survey.plan.pair
        sides = Side.allCases.map { side in
            let connection = survey.connection(side)
            return SideFacts(
                side: side.rawValue, version: connection.map { Self.version($0.serverVersion) },
                database: connection?.database, role: connection?.role,
                problem: survey.refusals[side].map { "\($0)" })
        }
        tables = survey.chosen.filter { !$0.isUnlogged }.count
        tablesOnNew = survey.carried[.new]?.tables.filter { $0.root == nil }.count ?? 0
        isFollowing = survey.isFollowing
        unmatched = survey.unmatched
        names = survey.chosen.map(\.name)
    }

    private static func version(_ number: Int) -> String { "\(number / 10_000).\(number % 10_000)" }

    mutating func add(_ findings: [Finding], of check: Check, skipped: String?) {
        lines += findings.map {
            Line(
                check: check.name, severity: $0.severity ?? check.severity, finding: $0, reason: check.reason,
                skipped: skipped)
        }
    }

    /// For the evidence log: of each check that found something, how bad the worst of it is, and what that is about.
    var verdicts: [Verdict] {
        let checks = Dictionary(grouping: lines, by: \.check)
        return checks.sorted { $0.key < $1.key }.compactMap { name, lines in
            guard let worst = lines.map(\.severity).min() else { return nil }
            let objects = lines.filter { $0.severity == worst }.map(\.finding.object)
            let rest = objects.count > 20 ? " and \(objects.count - 20) more" : ""
            return Verdict(
                check: name, severity: worst.rawValue, objects: objects.prefix(20).joined(separator: ", ") + rest)
        }
    }

    var counts: [(String, Int)] {
        [("tables", tables)]
            + Severity.allCases.map { severity in
                (severity.rawValue, lines.filter { $0.severity == severity && $0.skipped == nil }.count)
            }
    }

    /// Blockers first; within one severity, what is passed over last; then as the checks and their objects come.
    mutating func sort() {
        let places = Dictionary(uniqueKeysWithValues: Check.all.enumerated().map { ($1.name, $0) })
        func key(_ line: Line) -> (Int, Int, Int, String) {
            (
                line.skipped == nil ? 0 : 1, Severity.allCases.firstIndex(of: line.severity) ?? 0,
                places[line.check] ?? 0, line.finding.object
            )
        }
        lines = lines.map { (key($0), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
