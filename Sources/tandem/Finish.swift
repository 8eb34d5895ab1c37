// `tandem finish` and `tandem abort`: both end a migration and leave nothing of tandem behind, at different steps.

internal import CommandLine
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream

func abort(_ arguments: Parsed) throws -> ExitCode {
    try end(
        arguments, "abort", .classifying ... .derivedAtRest,
        // Old is in charge and has everything; the way back to step 2 needs both.
        withoutNew: .classifying ... .readingNew,
        instead: "`tandem back` leads to step 2; from step 6, `tandem finish` ends it with new in charge",
        question:
            "This ends replication of pair %: slots, publications, origins and tandem's schema are removed from both sides."
            + " Following again needs new to be loaded again.")
}

func finish(_ arguments: Parsed) throws -> ExitCode {
    try end(
        arguments, "finish", .detached ... .detached, withoutNew: .detached ... .detached,
        instead: "it ends a migration whose new side is in charge. Up to step 2 `tandem abort` takes everything away",
        question:
            "This ends the migration of pair % with new in charge: what follows on old stops, and there is no way back."
    )
}

private func end(
    _ arguments: Parsed, _ command: String, _ steps: ClosedRange<Step>, withoutNew: ClosedRange<Step>, instead: String,
    question: String
) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: command)
    let gone = try arguments.value("without").map { try side(named: $0) }
    func mayEnd(_ old: Connection?, _ new: Connection?) throws {
        try StepRule.require(command, gone == .new ? withoutNew : steps, instead: instead, plan, old: old, new: new)
    }
    // Short-lived: what looks at the step must not keep a slot or an origin from being dropped.
    do {
        let (old, new) = (Reached(plan.old, as: "\(plan.stream) step"), Reached(plan.new, as: "\(plan.stream) step"))
        if let gone, (gone == .old ? old : new).connection != nil {
            throw StateError.refused(
                "\(gone.rawValue) can be reached, so what tandem has there would stay and hold its log",
                hint: "leave `--without` out: it is for a side that is gone for good")
        }
        try mayEnd(old.connection, new.connection)
    }
    if arguments.has("dry-run") {
        let report = try Removal(plan, stop: processStop).preview(without: gone)
        for thing in report.removed { Terminal.show("would remove \(thing)") }
        if report.removed.isEmpty && report.unreachable.isEmpty {
            Terminal.show("nothing of pair \(plan.pair) is there")
        }
        for problem in report.unreachable { Terminal.note("tandem: \(withoutControls(problem))") }
        let outcome = DryRun.end()
        return report.unreachable.isEmpty ? outcome : .failed
    }
    guard try arguments.has("yes") || confirmed(command, question.replacing("%", with: plan.pair), gone) else {
        return .refused
    }
    let report = try Removal(plan, stop: processStop).remove(as: command, without: gone, mayEnd: mayEnd)
    for thing in report.removed { Terminal.show("removed \(thing)") }
    if report.removed.isEmpty && report.unreachable.isEmpty {
        Terminal.show("nothing of pair \(plan.pair) was there")
    }
    if let gone { Terminal.show("\(gone.rawValue) was left out, as asked; that is on record") }
    for problem in report.unreachable { Terminal.note("tandem: \(withoutControls(problem))") }
    guard report.unreachable.isEmpty else {
        Terminal.note(
            "        what tandem has on that side stays; when it is back, repeat `tandem \(command)`. If it is gone for good:"
                + " `tandem \(command) --without old|new`")
        return .failed
    }
    return .done
}

func side(named name: String) throws -> Side {
    guard let side = Side(rawValue: name) else {
        throw UsageError("\(mention(name)) is no side", hint: "`old` or `new`")
    }
    return side
}

private func confirmed(_ command: String, _ question: String, _ gone: Side?) throws -> Bool {
    guard Terminal.isInteractive else {
        throw UsageError("\(command) asks before it acts, and there is no terminal to ask on", hint: "add --yes")
    }
    let left = gone.map { " \($0.rawValue) is not looked at." } ?? ""
    Terminal.note("\(question)\(left) Type `\(command)` to go on:")
    if readLine() == command { return true }
    Terminal.note("Nothing was changed.")
    return false
}
