// What the bookstore says of itself, for people and machines: a line a second, and a verdict at the end.

internal import Bookstore
internal import Foundation
internal import Ledger
internal import Model

enum InstanceLine {
    static func manner(_ report: InstanceReport) -> String {
        let manner =
            report.strategy == "pause"
            ? "on \(report.address)" : report.mode.map { "mode \($0)" } ?? "changing its mode"
        return report.rate > 0 ? "\(manner), \(Int(report.rate))/s asked" : manner
    }

    static func text(_ report: InstanceReport) -> String {
        let head = "\(report.instance)  \(manner(report))"
        return head + "  " + figures(report.counts, seconds: report.seconds)
            + (report.waiting > 0.5 ? "  somebody waits \(readable(seconds: report.waiting))" : "")
            + "  longest wait \(readable(seconds: report.longestWait))"
    }

    static func figures(_ counts: ServiceCounts, seconds: Double) -> String {
        let rate = seconds > 0 ? Double(counts.served) / seconds : 0
        var parts = [String(format: "%4.0f/s", rate)]
        for (name, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            parts.append("\(name) \(counts.latencies.percentile(share).map { readable(seconds: $0) } ?? "–")")
        }
        for (name, states) in [
            ("errors", counts.errors), ("unknown", counts.unknown), ("retried", counts.retries),
            ("swallowed", counts.swallowed),
        ] where !states.isEmpty {
            let list = states.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            let text = "\(name) \(list)"
            parts.append(name == "errors" || name == "unknown" ? Terminal.alarming(text) : text)
        }
        return parts.joined(separator: "  ")
    }

    static func summary(_ counts: ServiceCounts, seconds: Double, longestWait: Double) -> String {
        "\(grouped(counts.writes)) writes acknowledged, \(grouped(counts.reads)) readings,"
            + " \(grouped(counts.declined)) declined, \(counted(counts.failures, "error")), longest wait"
            + " \(readable(seconds: longestWait)), in \(readable(seconds: seconds))"
    }
}

struct VerdictLine: Encodable {
    struct Found: Encodable {
        let kind: String
        let subject: String
        let text: String
    }

    let database: String
    let isClean: Bool
    let acknowledged: Int
    let failed: Int
    let unknown: Int
    let unknownThere: Int
    let readings: Int
    let valuesRead: Int
    let takenBack: Int
    let rows: Int
    let findings: [Found]
    let more: Int

    init(_ verdict: LedgerVerdict) {
        (database, isClean, more) = (verdict.label, verdict.isClean, verdict.more)
        (acknowledged, failed) = (verdict.acknowledged, verdict.failed)
        (unknown, unknownThere) = (verdict.doubtful, verdict.doubtfulThere)
        (readings, valuesRead, takenBack) = (verdict.readings, verdict.sights, verdict.takenBack)
        rows = verdict.rows
        findings = verdict.findings.map { Found(kind: $0.kind.rawValue, subject: $0.subject, text: $0.text) }
    }

    private static let shown = 20

    var text: String {
        var lines = ["\(Terminal.strong(database)): " + (isClean ? Terminal.strong("clean") : Terminal.alarming(count))]
        for finding in findings.prefix(Self.shown) {
            lines.append("  \(Terminal.alarming(finding.kind)): \(withoutControls(finding.text))")
        }
        let rest = findings.count + more - Self.shown
        if rest > 0 { lines.append("  and \(grouped(rest)) more; --json names them") }
        let doubt = unknown > 0 ? ", \(grouped(unknown)) unknown (\(unknownThere) of them there)" : ""
        lines.append(
            "  \(grouped(acknowledged)) acknowledged transactions, \(grouped(failed)) failed\(doubt);"
                + " \(grouped(readings)) readings of \(grouped(valuesRead)) values"
                + (rows > 0 ? "; \(grouped(rows)) rows" : "")
                + (takenBack > 0 ? "; \(takenBack) values seen and taken back" : ""))
        return lines.joined(separator: "\n")
    }

    private var count: String { "\(counted(findings.count + more, "thing")) wrong" }
}
