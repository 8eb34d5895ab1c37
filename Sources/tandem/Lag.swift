// `tandem lag`

internal import CommandLine
internal import Configuration
internal import Foundation
internal import Lag
internal import Model
internal import Postgres
internal import State
internal import Stream
internal import Threading

/// Keeps its connections between readings, and makes new ones when they break.
final class LagProbe {
    let plan: StreamPlan
    let limit: Int
    private var old: Reached
    private var new: Reached

    init(_ plan: StreamPlan, limit: Int) {
        self.plan = plan
        self.limit = limit
        old = Reached(plan.source, as: "\(plan.stream) lag")
        new = Reached(plan.target, as: "\(plan.stream) lag")
    }

    func read() -> LagReading {
        if old.connection?.isBroken ?? true { old = Reached(plan.source, as: "\(plan.stream) lag") }
        if new.connection?.isBroken ?? true { new = Reached(plan.target, as: "\(plan.stream) lag") }
        return LagReader(
            old: old.connection.map { SourceSide($0, plan.stream) },
            new: new.connection.map { TargetSide($0, plan.stream) },
            oldProblem: old.problem, newProblem: new.problem, walHeldLimit: limit
        ).read()
    }
}

func lag(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    let limit = workspace.configuration.limits.walHeld
    let probes = workspace.streams.map { LagProbe($0, limit: limit) }
    let most = arguments.value("max").flatMap { duration($0) }
    guard arguments.has("watch") else {
        let readings = probes.map { ($0.plan, $0.read()) }
        if arguments.has("json") { Terminal.json(readings.map { LagLine($0.0, $0.1, limit) }) }
        if !arguments.has("json") { for (plan, reading) in readings { Terminal.show(describe(plan, reading, limit)) } }
        return verdict(readings.map(\.1), most)
    }
    return watch(probes, limit: limit, json: arguments.has("json"), most)
}

private func verdict(_ readings: [LagReading], _ most: Double?) -> ExitCode {
    guard let most else { return .done }
    return readings.allSatisfy { ($0.report.seconds.worst ?? .infinity) <= most } ? .done : .refused
}

private func watch(_ probes: [LagProbe], limit: Int, json: Bool, _ most: Double?) -> ExitCode {
    var history: [String: [Double?]] = [:]
    var last = ExitCode.done
    let redraws = Terminal.hasScreen && !json
    if redraws { Terminal.show("\u{1b}[2J") }
    repeat {
        let readings = probes.map { ($0.plan, $0.read()) }
        if json { for (plan, reading) in readings { Terminal.json(LagLine(plan, reading, limit)) } }
        if redraws { Terminal.show("\u{1b}[H\u{1b}[J" + "tandem lag, every second (Ctrl-C ends)\n") }
        for (plan, reading) in readings where !json {
            let past = Array(
                (history[plan.stream.description, default: []] + [reading.report.seconds.worst]).suffix(60))
            history[plan.stream.description] = past
            Terminal.show(describe(plan, reading, limit))
            if redraws { Terminal.show("  " + Sparkline.draw(past) + "\n") }
        }
        last = verdict(readings.map(\.1), most)
    } while !processStop.wait(seconds: 1)
    return last
}

private func describe(_ plan: StreamPlan, _ reading: LagReading, _ limit: Int) -> String {
    let report = reading.report
    var parts = ["lag \(secondsInWords(report))"]
    if let bytes = report.bytes { parts.append("\(readable(bytes: bytes)) behind") }
    if let held = report.walHeld {
        var text = "\(plan.stream.source) holds \(readable(bytes: held)) of log"
        if report.isOverLimit {
            text = Terminal.alarming(text + ", over the limit of \(readable(bytes: UInt64(limit)))")
        } else if let left = report.untilLimit {
            text += ", \(readable(bytes: UInt64(limit))) in \(readable(seconds: left))"
        }
        parts.append(text)
    }
    parts.append(stateInWords(reading))
    return "\(plan.pair)\(plan.isForward ? "" : " back"): " + parts.joined(separator: " · ")
}

private func secondsInWords(_ report: LagReport) -> String {
    switch report.seconds {
    case .known(let seconds): readable(seconds: seconds)
    case .atMost(let seconds): "at most \(readable(seconds: seconds))"
    case .unknown(let reason): "unknown: \(withoutControls(reason))"
    }
}

/// With the log behind it.
func lagInWords(_ report: LagReport) -> String {
    var text = secondsInWords(report)
    if case .unknown = report.seconds { return text }
    if let bytes = report.bytes { text += ", \(readable(bytes: bytes)) of log" }
    return text
}

func stateInWords(_ reading: LagReading) -> String {
    if reading.newProblem != nil { return "state unknown" }
    guard let status = reading.status else { return "never ran" }
    if status.state == .stopped { return "stopped" }
    guard reading.isRunning else {
        return "not running, last seen \(readable(seconds: reading.statusAge ?? 0)) ago"
    }
    return status.state == .streaming && status.role == "watch" ? "watching" : status.state.rawValue
}

/// One line of `tandem lag --json`.
struct LagLine: Encodable, Sendable {
    var pair: String
    var stream: String
    var seconds: Double?
    /// exact, at_most or unknown
    var bound: String
    var reason: String?
    var bytes: UInt64?
    var walHeld: UInt64?
    var walLimit: Int
    var walOverLimit: Bool
    var secondsUntilWalLimit: Double?
    var running: Bool
    var state: String?
    /// `apply` or `watch`.
    var role: String?

    init(_ plan: StreamPlan, _ reading: LagReading, _ limit: Int) {
        let report = reading.report
        pair = plan.pair
        stream = plan.stream.description
        seconds = report.seconds.worst
        switch report.seconds {
        case .known: bound = "exact"
        case .atMost: bound = "at_most"
        case .unknown(let why):
            bound = "unknown"
            reason = why
        }
        bytes = report.bytes
        walHeld = report.walHeld
        walLimit = limit
        walOverLimit = report.isOverLimit
        secondsUntilWalLimit = report.untilLimit
        running = reading.isRunning
        state = reading.status?.state.rawValue
        role = reading.status?.role
    }
}
