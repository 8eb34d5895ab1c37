// `tandem advance` and `tandem back`; and what `tandem switch` has in common with them.

internal import CommandLine
internal import Configuration
internal import Model
internal import Passage
internal import Protocol
internal import State
internal import Stream

func advance(_ arguments: Parsed) throws -> ExitCode { try move(.advance, arguments) }

func back(_ arguments: Parsed) throws -> ExitCode { try move(.back, arguments) }

/// `command` is what was typed. `isDone` says why there is nothing to do; `allows` throws where this command is not the one.
func move(
    _ way: Way, _ arguments: Parsed, as command: String? = nil,
    isDone: (Passage) throws -> String? = { _ in nil }, allows: (Crossing) throws -> Void = { _ in }
) throws -> ExitCode {
    let command = command ?? way.rawValue
    let waivers = try waivers(arguments)
    let workspace = try Workspace(arguments)
    guard arguments.value("pair") == nil || workspace.configuration.pairs.count == 1 else {
        throw UsageError(
            "`tandem \(command)` moves all pairs of the configuration together", hint: "leave `--pair` out")
    }
    if !arguments.has("yes"), !arguments.has("dry-run"), !Terminal.isInteractive {
        throw UsageError(
            "\(command) asks before it acts, and there is no terminal to ask on", hint: "add --yes, or --dry-run")
    }
    let passage = try Passage(
        way, workspace.configuration, workspace.plans, as: command, stop: processStop
    ) { Terminal.note($0) }
    let isDry = arguments.has("dry-run")
    if let done = try isDone(passage) {
        Terminal.show(done)
        return .done
    }
    let crossing = try passage.survey(locking: !isDry)
    try allows(crossing)
    let seen = passage.readings(crossing)
    let screen = CrossingScreen(crossing, passage, seen, waivers)
    Terminal.show(screen.text)
    if isDry { try trial(crossing, passage) }
    if let refusal = screen.refusal { throw refusal }
    if isDry {
        Terminal.show("Nothing was changed.")
        return .done
    }
    guard try arguments.has("yes") || asked(command, screen.question) else { return .refused }
    try passage.cross(crossing, seen, waivers: waivers)
    Terminal.show(screen.ending)
    return .done
}

/// The fence itself, for a moment, where the transition has one.
private func trial(_ crossing: Crossing, _ passage: Passage) throws {
    guard case .transition(let transition, let pairs) = crossing else { return }
    for desk in pairs.map({ passage.desks[$0] }) {
        guard let trial = FencedTrial(desk, transition) else { continue }
        for line in try trial.run() {
            Terminal.show("  tried    " + (pairs.count > 1 ? "\(desk.plan.pair): " : "") + withoutControls(line))
        }
    }
}

private func asked(_ command: String, _ question: String) throws -> Bool {
    Terminal.note("\(question) Type `\(command)` to go on:")
    if readLine() == command { return true }
    Terminal.note("Nothing was changed.")
    return false
}

/// By gate, with the one reason that was given for them.
private func waivers(_ arguments: Parsed) throws -> [Gate: String] {
    let names = arguments.values("waive")
    let reason = arguments.value("reason") ?? ""
    guard !names.isEmpty else {
        if arguments.has("reason") { throw UsageError("`--reason` goes with `--waive GATE`", hint: nil) }
        return [:]
    }
    guard reason.contains(where: { !$0.isWhitespace }) else {
        throw UsageError("a waiver needs a reason, which is recorded", hint: "--reason 'why it is right all the same'")
    }
    var waivers: [Gate: String] = [:]
    for name in names {
        let gate = try gate(named: name)
        guard gate.isWaivable else {
            throw UsageError(
                "gate `\(gate)` cannot be waived: what comes after it relies on it",
                hint: "`tandem step --explain \(gate)`")
        }
        waivers[gate] = reason
    }
    return waivers
}

func gate(named name: String) throws -> Gate {
    if let gate = Gate(rawValue: name) { return gate }
    let all = Gate.allCases.map(\.rawValue)
    let near = nearest(to: name, among: all)
    throw UsageError(
        "there is no gate \(mention(name))",
        hint: near.map { "did you mean `\($0)`?" } ?? "they are: " + all.joined(separator: ", "))
}
