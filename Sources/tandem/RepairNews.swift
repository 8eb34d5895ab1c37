// `tandem verify --repair` tells `hooks.on_event` what it has made equal, before it ends. A hook that fails is said, and changes
// nothing about how the command ends.

internal import Announcements
internal import Configuration
internal import Foundation
internal import Model
internal import Stream
internal import Telemetry
internal import Threading
internal import Verification

struct RepairNews {
    private let announcer: Announcer
    private let failures = Monitor<[String]>([])

    /// Nil where there is no hook.
    init?(_ workspace: Workspace) {
        guard let announcer = Announcer(workspace) else { return nil }
        self.announcer = announcer
    }

    func tell(_ results: [VerifiedPair], _ workspace: Workspace) throws {
        let failures = failures
        try announcer.start { failure in failures.withLock { $0 += [failure].compactMap { $0 } } }
        for result in results {
            guard let plan = workspace.plans.first(where: { $0.pair == result.pair }) else { continue }
            let stream = result.direction == .forward ? plan.stream : plan.opposite.stream
            for outcome in result.outcomes {
                guard let repaired = outcome.repair?.repaired, repaired > 0 else { continue }
                announcer.hear(
                    LogEvent(
                        level: .info, name: "repaired",
                        fields: [
                            (.stream, stream.description), (.relation, outcome.table.description),
                            (.count, "\(repaired)"), (.side, "\(stream.target)"),
                        ], time: Date()))
            }
        }
        announcer.finish(seconds: 10)
        if let failure = failures.withLock({ $0.first }) {
            Terminal.note("tandem: hooks.on_event failed: \(withoutControls(failure))")
        }
    }
}
