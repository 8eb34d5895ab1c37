// `tandem prepare`

internal import CommandLine
internal import Configuration
internal import Model
internal import Stream

func prepare(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    try workspace.configuration.requireDecided()
    let plan = try workspace.onePlan(for: "prepare")
    let preparation = Preparation(plan, tables: TableChoice(workspace.configuration), stop: processStop) {
        Terminal.note($0)
    }
    if arguments.has("dry-run") {
        DryRun.show(try preparation.preview(again: arguments.has("again")), of: plan.pair)
        return DryRun.end()
    }
    let prepared = try preparation.prepare(again: arguments.has("again"))
    Terminal.show("publication \(prepared.publication)")
    Terminal.show("slot \(prepared.slot)")
    Terminal.show("snapshot \(prepared.snapshot)")
    Terminal.show("position \(prepared.position)")
    if let problem = prepared.newProblem {
        Terminal.note("new cannot be reached yet (\(problem)); `tandem run` will bind it to this position")
    }
    for note in prepared.notes { Terminal.note(note) }
    Terminal.note("\(counted(prepared.tables, "table")) published. Holding the snapshot until interrupted (Ctrl-C).")
    try preparation.hold()
    Terminal.note("The snapshot is released; publication and slot stay. Next: `tandem run`.")
    return .done
}
