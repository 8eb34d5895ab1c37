// `tandem step`

internal import CommandLine
internal import Configuration
internal import Foundation
internal import Model
internal import Passage
internal import Protocol
internal import State
internal import Stream

func step(_ arguments: Parsed) throws -> ExitCode {
    if let name = arguments.value("explain") { return try explain(gate(named: name)) }
    let workspace = try Workspace(arguments)
    let screens = try workspace.plans.map { plan in
        StepScreen(try PairDesk(workspace.configuration, plan, as: "step", stop: processStop))
    }
    if arguments.has("json") {
        Terminal.json(screens.map(\.machineReadable))
    } else {
        Terminal.show(screens.map(\.text).joined(separator: "\n\n"))
    }
    return screens.contains(where: \.isIncomplete) ? .failed : .done
}

private func explain(_ gate: Gate) throws -> ExitCode {
    Terminal.show(Terminal.strong("\(gate)") + ": \(gate.demand)\n\n\(wrapped(gate.why))")
    let steps = Strategy.allCases.compactMap { strategy -> String? in
        let asked = StepTable(strategy).transitions.filter { $0.gates.contains(gate) }
        guard !asked.isEmpty else { return nil }
        let ways = asked.map { "\($0.from.rawValue) to \($0.to.rawValue)" }.joined(separator: ", ")
        return "strategy \(strategy.rawValue): \(ways)"
    }
    Terminal.show("\nAsked for by " + steps.joined(separator: "; ") + ".")
    if let interleaving = gate.interleaving {
        Terminal.show(
            "\nWithout it, this could happen (c changes, w overwrites, i inserts, d deletes, r reads):\n\n"
                + interleaving.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n") + "\n")
    }
    Terminal.show(
        gate.isWaivable
            ? "It can be waived with a reason, which is recorded: tandem advance --waive \(gate) --reason '…'"
            : "It cannot be waived: what comes after it relies on it.")
    return .done
}

private func wrapped(_ text: String) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
        if (lines.last ?? "").count + word.count > 90 { lines.append("") }
        lines[lines.count - 1] += (lines.last ?? "").isEmpty ? String(word) : " " + word
    }
    return lines.joined(separator: "\n")
}

/// One pair: where it stands, and everything ahead.
struct StepScreen {
    private let desk: PairDesk
    private let ahead: [(transition: Transition, readings: [GateReading])]

    var isIncomplete: Bool { !desk.problems.isEmpty }

    /// Nobody was there to ask: what the configuration alone would make of it is not where the pair stands.
    private let isKnown: Bool

    init(_ desk: PairDesk) {
        self.desk = desk
        isKnown = desk.old != nil || desk.new != nil
        guard isKnown else {
            ahead = []
            return
        }
        // The same gate is looked at once, however often it is asked for.
        var known: [Gate: GateReading] = [:]
        // At the last step the way back is what lies ahead.
        let step = desk.standing.step
        let onward = desk.table.ahead(of: step)
        let ways = onward.isEmpty ? desk.table.transitions.filter { $0.from == step } : onward
        ahead = ways.map { transition in
            let keeper = GateKeeper(desk, transition)
            let readings = transition.gates.map { gate in
                let reading = known[gate] ?? keeper.reading(gate)
                known[gate] = reading
                return reading
            }
            return (transition, readings)
        }
    }

    // MARK: for people

    var text: String {
        let standing = desk.standing
        guard isKnown else {
            let what = "where it stands is not known, neither side can be reached"
            return ([Terminal.strong("pair \(desk.plan.pair): \(what)")] + noteLines).joined(separator: "\n")
        }
        var lines = [Terminal.strong("pair \(desk.plan.pair): \(standing.step), \(standing.step.meaning)")]
        if let epoch = standing.epoch {
            let since = "\(Self.moment(epoch.since)), by \(withoutControls(epoch.by)) (epoch \(epoch.number))"
            lines.append(Terminal.folded("  since    \(since)", below: 11))
        } else if standing.isBound {
            let since = "not written down yet: the next start of `tandem run` does, or `tandem advance`"
            lines.append(Terminal.folded("  since    \(since)", below: 11))
        }
        lines.append("  in charge \(standing.truth.rawValue); strategy \(standing.strategy.rawValue)")
        if let row = standing.row {
            let modes = row.modes.sorted().map { "\($0.rawValue) (\($0.meaning))" }.joined(separator: ", ")
            lines.append(Terminal.folded("  modes    \(modes)", below: 11))
            let streams = "forward \(Self.role(row.forward)), reverse \(Self.role(row.reverse))"
            lines.append(Terminal.folded("  streams  \(streams)", below: 11))
        }
        lines += noteLines
        for (transition, readings) in ahead {
            lines.append("")
            let heading = "\(transition.from.rawValue) to \(transition.to.rawValue): \(transition.to.meaning)"
            lines.append(Terminal.folded(Terminal.strong(heading), below: 8))
            lines += readings.flatMap { GateLines($0).lines }
        }
        if desk.standing.step == .detached {
            let back = desk.standing.strategy == .pause ? "switch --back" : "back"
            let ways = "`tandem finish` ends the migration here; `tandem \(back)` goes back."
            lines += ["", Terminal.folded(ways, below: 0)]
        }
        return lines.joined(separator: "\n")
    }

    private var noteLines: [String] {
        notes.map { Terminal.folded("  " + Terminal.alarming(withoutControls($0)), below: 2) }
    }

    private var notes: [String] {
        var notes = Side.allCases.compactMap { side in desk.problems[side].map { "\(side.rawValue): \($0)" } }
        if let intent = desk.standing.intent {
            notes.append(
                intent.to == desk.standing.step
                    ? "the step to \(intent.to.rawValue) was interrupted after its commit (\(intent.by)): either command completes it"
                    : "a step to \(intent.to.rawValue) was begun (\(intent.by)) and not committed: the same command again does it,"
                        + " the other one undoes it")
        }
        if let side = desk.standing.lagging {
            notes.append("\(side.rawValue) has not heard of it yet: the next command or start of `tandem run` tells it")
        }
        return notes
    }

    private static func role(_ role: StreamRole) -> String {
        switch role {
        case .off: "off"
        case .apply: "applies"
        case .watch: "watches"
        }
    }

    private static func moment(_ text: String) -> String { String(text.prefix(19)).replacing("T", with: " ") + " UTC" }

    // MARK: for machines

    struct Line: Encodable {
        struct Gate: Encodable {
            let gate: String
            let verdict: String
            let saw: String
            let remedy: String?
            let at: Date
            let isWaivable: Bool
        }

        struct Ahead: Encodable {
            let from: Int
            let to: Int
            let gates: [Gate]
        }

        let pair: String
        /// Nil, as all that follows from it, when neither side can be reached.
        let step: Int?
        let epoch: Int?
        let since: String?
        let by: String?
        let strategy: String
        let truth: String?
        let modes: [Int]
        let forward: String?
        let reverse: String?
        let goingTo: Int?
        let lagging: String?
        let ahead: [Ahead]
        let problems: [String]
    }

    var machineReadable: Line {
        let standing = desk.standing
        let row = isKnown ? standing.row : nil
        return Line(
            pair: desk.plan.pair, step: isKnown ? standing.step.rawValue : nil, epoch: standing.epoch?.number,
            since: standing.epoch?.since, by: standing.epoch?.by, strategy: standing.strategy.rawValue,
            truth: isKnown ? standing.truth.rawValue : nil,
            modes: row?.modes.sorted().map(\.rawValue) ?? [], forward: row?.forward.rawValue,
            reverse: row?.reverse.rawValue, goingTo: standing.intent?.to.rawValue,
            lagging: standing.lagging?.rawValue,
            ahead: ahead.map { transition, readings in
                Line.Ahead(
                    from: transition.from.rawValue, to: transition.to.rawValue,
                    gates: readings.map {
                        Line.Gate(
                            gate: $0.gate.rawValue, verdict: $0.verdict.rawValue, saw: $0.saw, remedy: $0.remedy,
                            at: $0.at,
                            isWaivable: $0.gate.isWaivable)
                    })
            }, problems: desk.problems.map { "\($0.key.rawValue): \($0.value)" }.sorted())
    }
}
