// `tandem pause` and `tandem resume`: a request on new, which the runner sees wherever it runs.

internal import CommandLine
internal import Evidence
internal import Model
internal import Postgres
internal import State
internal import Stream

func pause(_ arguments: Parsed) throws -> ExitCode {
    try request(arguments, "pause", paused: true, streams: arguments.has("streams"))
}

func resume(_ arguments: Parsed) throws -> ExitCode {
    try request(arguments, "resume", paused: false, streams: false)
}

private func request(_ arguments: Parsed, _ command: String, paused: Bool, streams: Bool) throws -> ExitCode {
    for plan in try Workspace(arguments).plans {
        let target = TargetSide(
            try Connection(to: plan.target, for: .control, as: "\(plan.stream) \(command)", stop: processStop),
            plan.stream)
        guard try target.hasSchema, try target.binding() != nil else {
            throw StateError.notPrepared(pair: plan.pair)
        }
        let old = Reached(plan.source, as: "\(plan.stream) \(command)").connection
        // Resting is always well.
        if let old, !paused {
            let isComplete = try target.copyRequest()?.isComplete ?? true
            try CarriedSchema.refuseChanged(
                plan, old: old, new: isComplete ? target.connection : nil, accepts: arguments.has("accept-schema"))
        }
        if arguments.has("dry-run") {
            try plan.evidence.examine(old: old, new: target.connection)
            Terminal.show("\(plan.pair): \(try foreseen(target, paused: paused, streams: streams))")
            continue
        }
        let details = streams ? [("streams", "yes")] : []
        try plan.evidence.perform(command, details: details, old: old, new: target.connection, note: Terminal.note) {
            try target.startCopying()
            try target.request(paused: paused, streams: streams)
        }
        let what =
            streams
            ? "copying, batches and the stream rest" : paused ? "copying and batches rest" : "everything goes on"
        Terminal.show("\(plan.pair): \(what), as soon as the runner sees it")
    }
    return arguments.has("dry-run") ? DryRun.end() : .done
}

/// By what is asked for now.
private func foreseen(_ target: TargetSide, paused: Bool, streams: Bool) throws -> String {
    let now = try target.copyRequest()
    let (rests, streamsRest) = (now?.isPaused == true, now?.isStreamPaused == true)
    let runner =
        try target.runnerPID().map { ", as soon as the runner (pid \($0) on new) sees it" }
        ?? ", once `tandem run` runs"
    if rests == paused, streamsRest == streams { return "nothing would change: that is what is asked for already" }
    guard paused else {
        return "would let copying and batches\(streamsRest ? ", and the streams," : "") go on\(runner)"
    }
    if streams {
        return "would let copying, batches and the streams rest\(runner); the slot would keep old's log for that long"
    }
    return "would let copying and batches rest\(streamsRest ? ", and the streams go on" : "")\(runner)"
}
