// `tandem abort`

internal import CommandLine
internal import Model
internal import Stream

func abort(_ arguments: Parsed) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: "abort")
    if !arguments.has("yes") {
        guard Terminal.isInteractive else {
            throw UsageError("abort asks before it acts, and there is no terminal to ask on", hint: "add --yes")
        }
        Terminal.note(
            "This ends replication of pair \(plan.pair): slot, publication, origin and tandem's schema are removed."
                + " Following again needs new to be loaded again. Type `abort` to go on:")
        guard readLine() == "abort" else {
            Terminal.note("Nothing was changed.")
            return .refused
        }
    }
    let report = try Removal(plan, stop: processStop).remove()
    for thing in report.removed { Terminal.show("removed \(thing)") }
    if report.removed.isEmpty && report.unreachable.isEmpty {
        Terminal.show("nothing of pair \(plan.pair) was there")
    }
    for problem in report.unreachable { Terminal.note("tandem: \(withoutControls(problem))") }
    guard report.unreachable.isEmpty else {
        Terminal.note("        what tandem has on that side stays; when it is back, repeat `tandem abort`")
        return .failed
    }
    return .done
}
