// `tandem b …`: requests on new, which the runner sees wherever it runs, and the final copy, which this process makes itself.

internal import CommandLine
internal import Configuration
internal import DataB
internal import Evidence
internal import Foundation
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Telemetry

func batchNow(_ arguments: Parsed) throws -> ExitCode {
    try ask(arguments, "b now") { state, tables, _ in
        for table in tables { try state.requestNow(table) }
        return "brought along now, by the runner"
    }
}

func batchPause(_ arguments: Parsed) throws -> ExitCode {
    try ask(arguments, "b pause") { state, tables, isAll in
        if isAll {
            try state.request(paused: true)
        } else {
            for table in tables { try state.request(table, paused: true) }
        }
        return "at rest, as soon as the runner sees it"
    }
}

func batchResume(_ arguments: Parsed) throws -> ExitCode {
    try ask(arguments, "b resume") { state, tables, isAll in
        if isAll {
            try state.request(paused: false)
        } else {
            for table in tables { try state.request(table, paused: false) }
        }
        return "going on, as soon as the runner sees it"
    }
}

private func ask(
    _ arguments: Parsed, _ command: String,
    _ act: (DataBState, [QualifiedName], _ isAll: Bool) throws -> String
) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    for plan in try workspace.plansInCharge() {
        let tables = try chosen(arguments, plan.dataB).map(\.name)
        // Requests are on new, whichever way batches go.
        let new = try Connection(to: plan.new, for: .control, as: "\(plan.stream) \(command)", stop: processStop)
        try requireFollowing(plan, new)
        let state = DataBState(new, plan.dataB.stream)
        let old = Reached(plan.old, as: "\(plan.stream) \(command)").connection
        if command == "b resume" {
            try StepRule.require(
                command, .classifying ... .following,
                instead:
                    "the writers of Data B are stopped from step 2 on; `tandem back` goes back to step 1, and they go on",
                plan, old: old, new: new)
        }
        let names = tables.map(\.description)
        if arguments.has("dry-run") {
            try plan.evidence.examine(old: old, new: new)
            Terminal.show("\(plan.pair): \(try foreseen(command, tables, state, isAll: arguments.arguments.isEmpty))")
            continue
        }
        let done = try plan.evidence.perform(
            command, executed: names, old: old, new: new, note: Terminal.note
        ) {
            try state.install()
            return try act(state, tables, arguments.arguments.isEmpty)
        }
        Terminal.show("\(plan.pair): \(names.joined(separator: ", ")) \(done)")
    }
    return arguments.has("dry-run") ? DryRun.end() : .done
}

/// By what is asked for now.
private func foreseen(
    _ command: String, _ tables: [QualifiedName], _ state: DataBState, isAll: Bool
) throws -> String {
    let names = tables.map(\.description).joined(separator: ", ")
    let isThere = try state.isThere
    let resting = isThere ? Set(try state.requests().filter(\.isPaused).map(\.table)) : []
    let rests = try isThere && state.isPaused()
    switch command {
    case "b now":
        return "would ask the runner to bring along now, and to compare where `deletes` is configured: \(names)"
    case "b pause":
        return isAll && rests || !isAll && resting.isSuperset(of: tables)
            ? "nothing would change: that is at rest already: \(names)"
            : "would let rest\(isAll ? "" : ", by name"), a batch that is at work coming to its end: \(names)"
    default:
        if isAll ? !rests && resting.isEmpty : resting.isDisjoint(with: tables) {
            return "nothing would change: no rest was asked for: \(names)"
        }
        return "would let go on: \(names)"
            + (!isAll && rests ? "; but all of Data B rests, until `tandem b resume`" : "")
    }
}

private func requireFollowing(_ plan: StreamPlan, _ new: Connection) throws {
    let forward = TargetSide(new, plan.isForward ? plan.stream : plan.stream.opposite)
    guard try forward.hasSchema, try forward.binding() != nil else { throw StateError.notPrepared(pair: plan.pair) }
}

/// The tables that were named; all when none was.
private func chosen(_ arguments: Parsed, _ plan: DataBPlan) throws -> [DerivedTable] {
    guard !plan.tables.isEmpty else {
        throw UsageError("the configuration has no `data_b`", hint: "list the tables that batches carry there")
    }
    guard !arguments.arguments.isEmpty else { return plan.tables }
    return try arguments.arguments.map { text in
        // As patterns are read: in quotes or not, in any case of letters.
        let name = try TablePattern(text).literalName
        if let table = plan.tables.first(where: { $0.name == name }) { return table }
        let near = nearest(to: text, among: plan.tables.map(\.name.description))
        throw UsageError(
            "\(mention(text)) is not among the tables of `data_b`",
            hint: near.map { "did you mean \(mention($0))?" }
                ?? "they are: " + plan.tables.map(\.name.description).joined(separator: ", "))
    }
}

// MARK: the final copy

func batchFinal(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    try workspace.configuration.requireDecided()
    var verdicts: [FinalLine] = []
    for plan in try workspace.plansInCharge() {
        let tables = try chosen(arguments, plan.dataB)
        let old = try Connection(to: plan.old, for: .control, as: "\(plan.stream) b final", stop: processStop)
        let new = try Connection(to: plan.new, for: .control, as: "\(plan.stream) b final", stop: processStop)
        try requireFollowing(plan, new)
        if arguments.has("dry-run") {
            try plan.evidence.examine(old: old, new: new)
            let copy = FinalCopy(
                plan.dataB, tables: tables, stop: processStop, log: Log(threshold: .error), tell: Terminal.note)
            for act in try copy.preview() { Terminal.show("\(plan.pair): would \(act)") }
            continue
        }
        let found = try plan.evidence.perform(
            "b final", executed: tables.map { "copy and compare \($0.name)" }, old: old, new: new,
            note: Terminal.note
        ) {
            let copy = FinalCopy(
                plan.dataB, tables: tables, stop: processStop, log: Log(threshold: .error),
                tell: { Terminal.note("\(plan.pair): \($0)") })
            let found = try copy.run()
            // Which rows differ is for the screen: keys are of the data.
            let details = found.map { ($0.table, $0.isIdentical ? "identical, \($0.rows) rows" : "differs") }
            try plan.evidence.record(
                EvidenceLog.Event("b final", .noted, details: details), old: old, new: new)
            return found
        }
        verdicts += found.map { FinalLine(pair: plan.pair, verdict: $0) }
    }
    if arguments.has("dry-run") { return DryRun.end() }
    if arguments.has("json") { Terminal.json(verdicts) } else { for line in verdicts { Terminal.show(line.text) } }
    return verdicts.allSatisfy(\.isIdentical) ? .done : .differs
}

private struct FinalLine: Encodable {
    let pair: String
    let table: String
    let isIdentical: Bool
    let rows: Int
    let difference: String?
    let at: Date

    init(pair: String, verdict: FinalVerdict) {
        (self.pair, table, isIdentical, rows) = (pair, verdict.table, verdict.isIdentical, verdict.rows)
        (difference, at) = (verdict.difference, verdict.at)
    }

    var text: String {
        guard let difference else { return "\(pair): \(table) is identical, \(counted(rows, "row"))" }
        return Terminal.alarming("\(pair): \(table) differs: \(withoutControls(difference))")
    }
}
