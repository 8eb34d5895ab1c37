// `tandem resync`

internal import CommandLine
internal import Configuration
internal import Model
internal import Passage
internal import Postgres
internal import Stream
internal import Verification

func resync(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    try workspace.configuration.requireDecided()
    let plan = try workspace.onePlan(for: "resync").inCharge()
    let levelling = try Levelling(
        workspace.configuration, plan.isForward ? plan : plan.opposite, stop: processStop, say: { Terminal.note($0) })
    try refuseChangedSchema(plan)
    if arguments.has("dry-run") { return try preview(plan, levelling) }
    if !arguments.has("yes") {
        guard Terminal.isInteractive else {
            throw UsageError("resync asks before it acts, and there is no terminal to ask on", hint: "add --yes")
        }
        Terminal.note(
            "This makes another slot for pair \(plan.pair) and makes every carried table on \(plan.stream.target) what it is on"
                + " \(plan.stream.source) at that moment.\(levelling.map { " \($0.noticed)." } ?? "") Type `resync` to go on:"
        )
        guard readLine() == "resync" else {
            Terminal.note("Nothing was changed.")
            return .refused
        }
    }
    if plan.isForward, try remakeWayBack(plan) { return .done }
    let line = ProgressLine()
    let outcome: Resynchronization.Outcome
    if let levelling {
        Terminal.note(levelling.noticed)
        outcome = try levelling.level(progress: line.show)
    } else {
        outcome = try Resynchronization(plan, stop: processStop, say: Terminal.note, progress: line.show).run()
    }
    line.clear()
    show(outcome, plan)
    return .done
}

private func refuseChangedSchema(_ plan: StreamPlan) throws {
    try CarriedSchema.refuseChanged(
        plan, old: try Connection(to: plan.old, for: .control, as: "\(plan.stream) resync", stop: processStop),
        new: try Connection(to: plan.new, for: .control, as: "\(plan.stream) resync", stop: processStop))
}

private func preview(_ plan: StreamPlan, _ levelling: Levelling?) throws -> ExitCode {
    if plan.isForward, try ReverseStream(plan, stop: processStop, say: Terminal.note).isLost() {
        Terminal.show(
            "the slot of the way back, \(plan.opposite.stream) on new, would be made again; no rows are compared")
    } else {
        let count = try Resynchronization(plan, stop: processStop, say: Terminal.note) { _ in }.preview()
        Terminal.show(
            "slot \(plan.stream) would be made again on \(plan.stream.source); \(counted(count, "table")) would be compared with"
                + " what it shows, and rows of \(plan.stream.target) made equal")
    }
    if let levelling { Terminal.show(levelling.noticed) }
    return DryRun.end()
}

/// What was made equal to what, and from where it goes on.
func show(_ outcome: Resynchronization.Outcome, _ plan: StreamPlan) {
    let repaired = outcome.tables.reduce(0) { $0 + ($1.repair?.repaired ?? 0) }
    for table in outcome.tables where (table.repair?.repaired ?? 0) > 0 {
        Terminal.show("\(table.table): \(counted(table.repair?.repaired ?? 0, "row")) made equal")
    }
    for table in outcome.again { Terminal.show("\(table): too much differs; the next `tandem run` copies it again") }
    for note in outcome.notes { Terminal.note(withoutControls(note)) }
    Terminal.show(
        "\(plan.stream.target) holds what \(plan.stream.source) had at \(outcome.position): \(counted(outcome.tables.count, "table")),"
            + " \(counted(repaired, "row")) made equal. `tandem run` goes on from there")
}

/// A stream back that only watches carries nothing yet: a slot is all it takes. False when that is not what was lost.
private func remakeWayBack(_ plan: StreamPlan) throws -> Bool {
    let back = ReverseStream(plan, stop: processStop, say: Terminal.note)
    guard try back.isLost() else { return false }
    try back.make()
    Terminal.show(
        "the way back from new to old is there again, from now on: what was written on new meanwhile was not seen."
            + " `tandem verify` compares both sides")
    return true
}
