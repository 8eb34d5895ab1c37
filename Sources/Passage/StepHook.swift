// `hooks.before_step`: a program of the operator's that is run once before a transition changes anything. It hears what is about
// to happen in its environment and as its last two arguments; when it fails or takes too long, nothing happens.

internal import Configuration
internal import Model
internal import Processes
internal import Protocol
internal import State
internal import Threading

struct StepHook {
    private let hook: HookProgram?
    private let limit: Double
    private let transition: Transition
    private let environment: [String: String]
    private let stop: StopSignal
    private let say: (String) -> Void

    init(
        _ configuration: Configuration, _ transition: Transition, _ way: Way, pairs: [String], stop: StopSignal,
        say: @escaping (String) -> Void
    ) {
        hook = configuration.hooks.beforeStep
        limit = configuration.hooks.timeout
        self.transition = transition
        self.stop = stop
        self.say = say
        environment = [
            "TANDEM_HOOK": "before_step", "TANDEM_COMMAND": way.rawValue, "TANDEM_MIGRATION": configuration.migration,
            "TANDEM_PAIRS": pairs.joined(separator: " "), "TANDEM_STRATEGY": configuration.strategy.rawValue,
            "TANDEM_FROM": "\(transition.from.rawValue)", "TANDEM_TO": "\(transition.to.rawValue)",
        ]
    }

    func run() throws {
        guard let hook else { return }
        let program = ChildProgram(
            program: hook.path,
            arguments: hook.arguments + ["\(transition.from.rawValue)", "\(transition.to.rawValue)"],
            environment: environment)
        let outcome = try run(program)
        let words = Self.lastLines(of: String(decoding: outcome.output, as: UTF8.self) + outcome.errors)
        guard outcome.status == 0 else {
            throw StateError.refused(
                "hook before_step ended with status \(outcome.status)" + (words.isEmpty ? "" : ": \(words)"),
                hint: "nothing was changed")
        }
        say("hook before_step is done" + (words.isEmpty ? "" : ": \(words)"))
    }

    /// Until it ends, time is up, or somebody asks tandem to stop.
    private func run(_ program: ChildProgram) throws -> ChildProgram.Outcome {
        let (end, done) = (StopSignal(), StopSignal())
        let (limit, stop) = (limit, stop)
        let clock = try Thread("hook's clock") {
            let deadline = Monotonic.now.adding(seconds: limit)
            while !done.wait(seconds: 0.05) {
                if stop.isRaised || deadline <= Monotonic.now { return end.raise() }
            }
        }
        defer {
            done.raise()
            clock.join()
        }
        do { return try program.run(stop: end) } catch {
            guard case .interrupted = error else {
                throw StateError.refused("hook before_step: \(error)", hint: "nothing was changed")
            }
            throw StateError.refused(
                stop.isRaised ? "interrupted during hook before_step" : "hook before_step took too long, and was ended",
                hint: "nothing was changed" + (stop.isRaised ? "" : "; `hooks.timeout` says how long one may take"))
        }
    }

    /// The last three, on one line.
    private static func lastLines(of text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).suffix(3).map { withoutControls(String($0)) }
        return String(lines.joined(separator: "; ").prefix(400))
    }
}
