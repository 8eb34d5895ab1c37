// Commands that are right at some steps and wrong at others say so before they do anything, with what to do instead.

internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream

enum StepRule {
    /// By what either side says; a side that is nil is not asked. Nothing is refused where nothing is written.
    static func require(
        _ command: String, _ steps: ClosedRange<Step>, instead: String, _ plan: StreamPlan, old: Connection?,
        new: Connection?
    ) throws {
        let books = [old, new].map { $0.map { EpochBook($0, plan.stream) } }
        guard let epoch = EpochStanding(old: try books[0]?.read(), new: try books[1]?.read()).epoch,
            !steps.contains(epoch.step)
        else { return }
        throw StateError.refused(
            "`tandem \(command)` is for \(text(steps)), and pair"
                + " \(plan.pair) is at \(epoch.step): \(epoch.step.meaning)", hint: instead)
    }

    private static func text(_ steps: ClosedRange<Step>) -> String {
        let (first, last) = (steps.lowerBound.rawValue, steps.upperBound.rawValue)
        return first == last ? "step \(first)" : "steps \(first) to \(last)"
    }
}
