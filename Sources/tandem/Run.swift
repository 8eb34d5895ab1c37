// `tandem run`: one runner a pair, each on its own thread; ends when all have.

internal import CommandLine
internal import Configuration
internal import Model
internal import Passage
internal import Preflight
internal import Stream
internal import Telemetry
internal import Threading

func run(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    try workspace.configuration.requireDecided()
    let until = try until(arguments)
    if arguments.has("dry-run") { return try preview(workspace, until, arguments) }
    let company = try RunCompany(workspace, arguments)
    let log = company.log
    let isPlain = arguments.value("log") == "json" || arguments.has("log-file")
    let display = isPlain ? nil : CopyDisplay(log)
    let results = Monitor<[ExitCode]>([])
    let jobs = workspace.configuration.jobs
    let told = company.runnerEnded
    let threads = try workspace.plans.map { plan in
        try Thread("run \(plan.pair)") {
            let failure = StreamRunner(
                plan, until: until, acceptsSchema: arguments.has("accept-schema"),
                firstCheck: { try Examination.beforeRun(plan, jobs: jobs, stop: processStop) }, stop: processStop,
                shown: display?.place(of: plan.pair), log: log
            ).run()
            told(plan.pair, failure)
            results.withLock { $0.append(report(failure, log.with(.stream, plan.stream))) }
        }
    }
    // What a command that was killed left behind is seen to here, whether this one runs the streams or stands by.
    let attendance = StopSignal()
    let attendants =
        until != nil
        ? []
        : try workspace.plans.map { plan in
            try Thread("attend \(plan.pair)") { [configuration = workspace.configuration] in
                Attendant(configuration, plan, stop: attendance, log: log).run()
            }
        }
    for thread in threads { thread.join() }
    attendance.raise()
    for thread in attendants { thread.join() }
    company.end()
    return results.withLock { $0.max { $0.rawValue < $1.rawValue } ?? .done }
}

/// Pair by pair; one that would be refused says nothing of the others.
private func preview(_ workspace: Workspace, _ until: Until?, _ arguments: Parsed) throws -> ExitCode {
    var outcome = ExitCode.done
    let jobs = workspace.configuration.jobs
    for plan in workspace.plans {
        let preview = RunPreview(
            plan, until: until, acceptsSchema: arguments.has("accept-schema"),
            firstCheck: { try Examination.beforeRun(plan, jobs: jobs, records: false, stop: processStop) },
            stop: processStop, log: Log(threshold: .warning))
        do { DryRun.show(try preview.look(), of: plan.pair) } catch {
            guard !processStop.isRaised else { throw error }
            Terminal.complain(error)
            let code = (error as? any Explained)?.exitCode ?? .failed
            outcome = code.rawValue > outcome.rawValue ? code : outcome
        }
    }
    if outcome == .done, let address = workspace.configuration.listen {
        Terminal.show("would serve metrics and status at \(address)")
    }
    _ = DryRun.end()
    return outcome
}

private func until(_ arguments: Parsed) throws -> Until? {
    guard let text = arguments.value("until") else { return nil }
    if text == "caught-up" { return .caughtUp }
    guard let position = LSN(text) else {
        throw UsageError(
            "--until takes `caught-up` or a position such as 16/B374D848, not \(mention(text))", hint: nil)
    }
    return .position(position)
}

private func report(_ failure: (any Error)?, _ log: Log) -> ExitCode {
    guard let failure else {
        log.info("stopped")
        return .done
    }
    let explained = failure as? any Explained
    log.about(failure).error("ended", [.reason: "\(failure)", .hint: explained?.hint ?? ""])
    return explained?.exitCode ?? .failed
}
