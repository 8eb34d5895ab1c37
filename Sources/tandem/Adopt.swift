// `tandem adopt --side old|new`

internal import CommandLine
internal import Configuration
internal import Model
internal import Passage
internal import Stream

func adopt(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    try workspace.configuration.requireDecided()
    let plan = try workspace.onePlan(for: "adopt")
    let side = try side(named: arguments.value("side") ?? "")
    let adoption = try Adoption(
        side, acceptsLoss: arguments.has("accept-loss"), workspace.configuration, plan, stop: processStop
    ) { Terminal.note($0) }
    let (known, now) = try adoption.check()
    Terminal.show("\(side.rawValue) of \(plan.pair) was server \(known), and is \(now) now")
    if let noticed = adoption.noticed { Terminal.show(noticed) }
    if arguments.has("dry-run") {
        for act in try adoption.preview() { Terminal.show("would \(act)") }
        return DryRun.end()
    }
    if !arguments.has("yes") {
        guard Terminal.isInteractive else {
            throw UsageError("adopt asks before it acts, and there is no terminal to ask on", hint: "add --yes")
        }
        Terminal.note(
            "This makes other slots and makes every carried table on the side that is not in charge what it is on the other at"
                + " that moment. Type `adopt` to go on:")
        guard readLine() == "adopt" else {
            Terminal.note("Nothing was changed.")
            return .refused
        }
    }
    let line = ProgressLine()
    let outcome = try adoption.adopt(progress: line.show)
    line.clear()
    show(outcome, adoption.plan)
    Terminal.show("\(side.rawValue) of \(plan.pair) is taken in")
    return .done
}
