// Programs of the operator's that are run at certain moments of a transition. One hears what is about to happen in its environment
// and as its last two arguments; it has so long, and its last words are shown. What comes of a failure is the caller's affair.

internal import Configuration
internal import Foundation
internal import Model
internal import Processes
internal import Protocol
internal import State
internal import Threading

struct OperatorHook {
    enum Moment: String {
        /// Before a transition changes anything.
        case beforeStep = "before_step"
        /// Before anything is fenced: clients are to be held.
        case hold
        /// The other side is in charge: clients are to be led there and let go.
        case go
        /// It came to nothing: clients are to be let go where they were.
        case undo
    }

    private let program: HookProgram?
    /// What the configuration calls it.
    private let key: String
    private let usual: Double
    private let last: [String]
    private let environment: [String: String]

    init(
        _ moment: Moment, _ configuration: Configuration, _ transition: Transition, as command: String, pairs: [String]
    ) {
        let hooks = configuration.hooks
        let table = StepTable(configuration.strategy)
        let (from, to) = (table[transition.from]?.truth ?? .old, table[transition.to]?.truth ?? .old)
        usual = hooks.timeout
        switch moment {
        case .beforeStep:
            (program, key) = (hooks.beforeStep, "before_step")
            last = ["\(transition.from.rawValue)", "\(transition.to.rawValue)"]
        case .hold, .go:
            (program, key) = (hooks.onFlip, "on_flip")
            last = [moment.rawValue, (moment == .go ? to : from).rawValue]
        case .undo:
            (program, key) = (hooks.undoFlip, "undo_flip")
            last = [moment.rawValue, from.rawValue]
        }
        environment = [
            "TANDEM_HOOK": key, "TANDEM_MOMENT": moment.rawValue, "TANDEM_COMMAND": command,
            "TANDEM_MIGRATION": configuration.migration, "TANDEM_PAIRS": pairs.joined(separator: " "),
            "TANDEM_STRATEGY": configuration.strategy.rawValue, "TANDEM_FROM": "\(transition.from.rawValue)",
            "TANDEM_TO": "\(transition.to.rawValue)",
            "TANDEM_IN_CHARGE": (moment == .go ? to : from).rawValue,
        ]
    }

    var isThere: Bool { program != nil }

    /// `seconds`: less than `hooks.timeout`, where there is less time.
    func run(within seconds: Double? = nil, stop: StopSignal, say: (String) -> Void) throws {
        guard let program else { return }
        let child = ChildProgram(program: program.path, arguments: program.arguments + last, environment: environment)
        let outcome = try run(child, min(usual, seconds ?? usual), stop)
        let words = outcome.lastWords
        guard outcome.status == 0 else {
            throw StateError.refused(
                "hook \(key) ended with status \(outcome.status)" + (words.isEmpty ? "" : ": \(words)"),
                hint: "nothing was changed")
        }
        say("hook \(key) is done" + (words.isEmpty ? "" : ": \(words)"))
    }

    /// Until it ends, time is up, or somebody asks tandem to stop.
    private func run(_ program: ChildProgram, _ limit: Double, _ stop: StopSignal) throws -> ChildProgram.Outcome {
        do throws(ProcessError) { return try program.run(stop: stop, within: limit) } catch {
            switch error {
            case .interrupted: throw StateError.refused("interrupted during hook \(key)", hint: "nothing was changed")
            case .late:
                throw StateError.refused(
                    "hook \(key) took too long, and was ended",
                    hint: "nothing was changed; `hooks.timeout` says how long one may take")
            case .cannotRun: throw StateError.refused("hook \(key): \(error)", hint: "nothing was changed")
            }
        }
    }
}
