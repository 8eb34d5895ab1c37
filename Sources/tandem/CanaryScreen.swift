// What `canary` found, for people and for machines. Never a value of a row.

internal import Canary
internal import Configuration
internal import Foundation
internal import Model
internal import Passage
internal import Protocol
internal import State

struct CanaryScreen {
    private let pair: TriedPair

    init(_ pair: TriedPair) { self.pair = pair }

    /// Findings of a kind for each probe.
    private static let named = 3

    var text: String {
        let title = Terminal.strong("pair \(pair.pair)")
        if let problem = pair.problem {
            return title + "\n  " + Terminal.alarming("not tried: " + withoutControls(problem))
        }
        var lines = [title + (pair.standing.map { ", \($0.step): \($0.truth) is in charge" } ?? "")]
        let width = max(12, pair.reports.map { Self.name($0).count }.max() ?? 0)
        lines.append(row("probe", "rows", "old", "new", "", width))
        for report in pair.reports {
            lines.append(
                row(
                    Self.name(report), report.sets > 0 ? grouped(report.rows) : "-",
                    Self.time(report.old.median),
                    Self.time(report.new.median), verdict(report), width))
            var told: [CanaryReport.Kind: Int] = [:]
            for finding in report.findings {
                told[finding.kind, default: 0] += 1
                guard told[finding.kind, default: 0] <= Self.named else { continue }
                let said = "      \(withoutControls(finding.text))"
                lines.append(finding.isBreach ? Terminal.alarming(said) : said)
                if finding.kind == .plan { lines += plans(report) }
            }
            let rest = told.values.reduce(0) { $0 + max(0, $1 - Self.named) }
            if rest > 0 { lines.append("      and \(rest) more like these; --json has them all") }
        }
        let passed = pair.reports.filter { $0.verdict == .passed }.count
        lines.append(
            "  \(passed) of \(counted(pair.reports.count, "probe")) passed, in \(readable(seconds: pair.seconds))"
                + (pair.isRecorded ? "" : "; nothing is recorded"))
        return lines.joined(separator: "\n")
    }

    private static func name(_ report: CanaryReport) -> String { withoutControls(report.probe.name) }

    private func plans(_ report: CanaryReport) -> [String] {
        [("old", report.planOld), ("new", report.planNew)].compactMap { side, plan in
            plan.map { "        \(side): \(withoutControls($0.text))" }
        }
    }

    private func verdict(_ report: CanaryReport) -> String {
        let sets = report.sets > 1 ? ", \(report.sets) sets of parameters" : ""
        return switch report.verdict {
        case .passed: "passed" + sets
        case .differs: Terminal.alarming("different answers")
        case .refused: Terminal.alarming("not as wanted") + sets
        case .unknown: Terminal.alarming("not known")
        }
    }

    private func row(
        _ name: String, _ rows: String, _ old: String, _ new: String, _ verdict: String, _ width: Int
    ) -> String {
        func right(_ text: String) -> String { String(repeating: " ", count: max(1, 11 - text.count)) + text }
        let first = name.padding(toLength: max(width, name.count), withPad: " ", startingAt: 0)
        return "  " + first + right(rows) + right(old) + right(new) + (verdict.isEmpty ? "" : "  " + verdict)
    }

    private static func time(_ seconds: Double?) -> String { seconds.map(shortly(seconds:)) ?? "-" }
}

extension TriedPair {
    struct Line: Encodable {
        struct Probe: Encodable {
            struct Finding: Encodable {
                let kind: String
                let text: String
                let breach: Bool
            }

            struct Times: Encodable {
                /// Milliseconds.
                let median: Double?
                let longest: Double?
                let first: Double?

                init(_ times: CanaryReport.Times) {
                    func thousandths(_ seconds: Double?) -> Double? {
                        seconds.map { ($0 * 1_000_000).rounded() / 1000 }
                    }
                    median = thousandths(times.median)
                    longest = thousandths(times.longest)
                    first = thousandths(times.first)
                }
            }

            let name: String
            let verdict: String
            let sets: Int
            let rows: Int
            let old: Times
            let new: Times
            let planOld: [String]?
            let planNew: [String]?
            let findings: [Finding]
            let seconds: Double
        }

        let pair: String
        let step: Int?
        let inCharge: String?
        let problem: String?
        let probes: [Probe]
        let recorded: Bool

        init(_ pair: TriedPair) {
            self.pair = pair.pair
            (step, inCharge) = (pair.standing?.step.rawValue, pair.standing?.truth.rawValue)
            (problem, recorded) = (pair.problem, pair.isRecorded)
            probes = pair.reports.map { report in
                Probe(
                    name: report.probe.name, verdict: report.verdict.rawValue, sets: report.sets, rows: report.rows,
                    old: Probe.Times(report.old), new: Probe.Times(report.new), planOld: report.planOld?.lines,
                    planNew: report.planNew?.lines,
                    findings: report.findings.map {
                        Probe.Finding(kind: $0.kind.rawValue, text: $0.text, breach: $0.isBreach)
                    }, seconds: report.seconds)
            }
        }
    }
}
