// `tandem preflight`, and the hidden `checks`, which prints docs/checks.md.

internal import CommandLine
internal import Configuration
internal import Model
internal import Preflight
internal import Stream

func preflight(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    if arguments.has("grants") { return try grants(workspace, side: arguments.arguments.first) }
    guard arguments.arguments.isEmpty else {
        throw UsageError("a side is only named with `--grants`", hint: "tandem preflight --grants old")
    }
    try workspace.configuration.requireDecided()
    let skipped = try skippedChecks(arguments.values("skip"), reasons: arguments.values("reason"))
    let only = try Set(arguments.values("only").map { try checkName($0) })
    let examination = Examination(only: only, skipping: skipped)
    let reports = try workspace.plans.map { plan in
        try examination.examine(plan, jobs: workspace.configuration.jobs, stop: processStop)
    }
    try refuseUnmatched(reports, workspace)
    if arguments.has("json") {
        Terminal.json(reports.map(PreflightRecord.init))
    } else {
        Terminal.show(reports.map { PreflightScreen($0).text }.joined(separator: "\n\n"))
    }
    return reports.contains(where: \.isBlocked) ? .refused : .done
}

/// With several pairs, a pattern has to match in one of them.
private func refuseUnmatched(_ reports: [PairReport], _ workspace: Workspace) throws {
    let configuration = workspace.configuration
    guard reports.count == configuration.pairs.count, reports.allSatisfy({ $0.sides[0].problem == nil }) else { return }
    let everywhere = reports.map { Set($0.unmatched.map(\.place)) }.reduce(into: Set(reports[0].unmatched.map(\.place)))
    {
        $0.formIntersection($1)
    }
    guard let pattern = reports[0].unmatched.first(where: { everywhere.contains($0.place) }) else { return }
    throw pattern.unmatched(in: configuration, near: reports.flatMap(\.names))
}

/// For psql: one side's script, or one after the other.
private func grants(_ workspace: Workspace, side text: String?) throws -> ExitCode {
    let sides = Side.allCases.filter { text == nil || $0.rawValue == text }
    guard !sides.isEmpty else { throw UsageError("\(mention(text ?? "")) is no side", hint: "`old` or `new`") }
    for plan in workspace.plans {
        let grants = try Grants(plan, stop: processStop)
        for side in sides { Terminal.show(try grants.script(for: side)) }
    }
    return .done
}

func checks(_ arguments: Parsed) throws -> ExitCode {
    Terminal.show(ChecksDocument.text)
    return .done
}

/// `--skip CHECK --reason TEXT`, the first reason for the first check.
private func skippedChecks(_ given: [String], reasons: [String]) throws -> [String: String] {
    let names = try given.map { try checkName($0) }
    guard reasons.count <= names.count else {
        throw UsageError(
            "a `--reason` without its `--skip`", hint: "--skip CHECK --reason 'why it does not matter here'")
    }
    var skipped: [String: String] = [:]
    for (place, name) in names.enumerated() {
        let reason = place < reasons.count ? reasons[place][...].trimmingWhitespace : ""
        guard !reason.isEmpty else {
            throw UsageError(
                "`--skip \(name)` gives no reason, and the report records one",
                hint: "--skip \(name) --reason 'why it does not matter here'")
        }
        guard skipped[name] == nil else { throw UsageError("`--skip \(name)` stands twice", hint: "once is enough") }
        skipped[name] = reason
    }
    return skipped
}

private func checkName(_ text: String) throws -> String {
    guard Check.named(text) == nil else { return text }
    let near = nearest(to: text, among: Check.all.map(\.name))
    throw UsageError(
        "there is no check \(mention(text))",
        hint: near.map { "did you mean `\($0)`?" } ?? "`tandem preflight --json` names checks; docs/checks.md lists all"
    )
}

extension Substring {
    fileprivate var trimmingWhitespace: String {
        var part = self
        while part.first?.isWhitespace == true { part.removeFirst() }
        while part.last?.isWhitespace == true { part.removeLast() }
        return String(part)
    }
}
