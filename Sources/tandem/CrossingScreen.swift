// What `advance` and `back` show before they act: the way, what each gate saw, what will be done, and what forbids it.

internal import Foundation
internal import Model
internal import Passage
internal import Protocol
internal import State
internal import Stream

struct CrossingScreen {
    private let crossing: Crossing
    private let passage: Passage
    private let seen: [(desk: PairDesk, readings: [GateReading])]
    private let waivers: [Gate: String]

    init(
        _ crossing: Crossing, _ passage: Passage, _ seen: [(desk: PairDesk, readings: [GateReading])],
        _ waivers: [Gate: String]
    ) {
        (self.crossing, self.passage, self.seen, self.waivers) = (crossing, passage, seen, waivers)
    }

    private var transition: Transition { crossing.transition }
    private var way: String { "step \(transition.from.rawValue) to \(transition.to.rawValue)" }
    private var names: String { crossing.pairs.map { passage.desks[$0].plan.pair }.joined(separator: ", ") }

    var text: String {
        var lines = [Terminal.strong("\(way): \(transition.to.meaning)") + "  (\(names))"]
        switch crossing {
        case .completion:
            lines.append("  was interrupted after its commit: what is left of it is done now, and no more")
        case .undoing: lines.append("  was begun and not committed: what was made for it is taken back")
        case .transition:
            for (desk, readings) in seen {
                if seen.count > 1 { lines.append("  pair \(desk.plan.pair)") }
                if readings.isEmpty { lines.append("  no gates") }
                lines += readings.flatMap { GateLines($0, waiver: waivers[$0.gate]).lines }
            }
            for act in transition.acts { lines.append("  then     " + act.inWords) }
        }
        return lines.joined(separator: "\n")
    }

    /// What is in the way, by name; nil when nothing is.
    var refusal: StateError? {
        guard case .transition = crossing else { return nil }
        let refused = seen.flatMap { desk, readings in
            readings.filter { !$0.holds && waivers[$0.gate] == nil }
                .map { (seen.count > 1 ? "\($0.gate) of \(desk.plan.pair)" : "\($0.gate)", $0) }
        }
        guard let first = refused.first else { return nil }
        let rest = refused.count > 1 ? " (and \(refused.dropFirst().map(\.0).joined(separator: ", ")))" : ""
        return .refused(
            "gate \(first.0) \(first.1.verdict == .unknown ? "cannot be looked at" : "refuses"): \(first.1.saw)\(rest)",
            hint: first.1.remedy ?? "`tandem step --explain \(first.1.gate)`")
    }

    var question: String {
        switch crossing {
        case .transition: "This takes \(names) from \(way)."
        case .completion: "This completes \(way) of \(names)."
        case .undoing: "This undoes what was begun of \(way) of \(names)."
        }
    }

    /// What people may deploy from now on.
    private var permitted: String {
        let table = StepTable(.dualWrite)
        guard transition.acts.contains(.permit), let before = table[transition.from]?.modes,
            let mode = table[transition.to]?.modes.subtracting(before).first
        else { return "" }
        return ".\nMode \(mode.rawValue) may be deployed now, one instance after another: \(mode.meaning)."
            + " `tandem fleet` shows who has it"
    }

    var ending: String {
        switch crossing {
        case .undoing: return "\(names): still at step \(transition.from.rawValue): \(transition.from.meaning)"
        case .transition, .completion:
            var text = "\(names): now at step \(transition.to.rawValue): \(transition.to.meaning)"
            if case .completion = crossing { text += ". Completed, and no more than that" }
            if transition == StepTable(.pause).transitions.first || transition.from == .classifying {
                text += ". `tandem run` begins"
            }
            return text + permitted
        }
    }
}

/// One gate, for people: what it saw, and what would make it pass.
struct GateLines {
    private let reading: GateReading
    private let waiver: String?

    init(_ reading: GateReading, waiver: String? = nil) {
        (self.reading, self.waiver) = (reading, waiver)
    }

    var lines: [String] {
        let word =
            switch reading.verdict {
            case .holds: "ok"
            case .refuses: waiver == nil ? "refuses" : "waived"
            case .unknown: waiver == nil ? "unknown" : "waived"
            }
        let label = "  " + word.padding(toLength: 9, withPad: " ", startingAt: 0)
        let name = reading.gate.rawValue.padding(toLength: 12, withPad: " ", startingAt: 0)
        let line = label + name + withoutControls(reading.saw)
        guard !reading.holds else { return [Terminal.folded(line, below: 23)] }
        var lines = [waiver == nil ? Terminal.alarming(line) : line]
        let indent = String(repeating: " ", count: 23)
        if let waiver {
            lines.append(indent + "because: " + withoutControls(waiver))
        } else if let remedy = reading.remedy {
            lines.append(indent + withoutControls(remedy))
        }
        return lines.map { Terminal.folded($0, below: 23) }
    }
}
