// A step that changed while this runs, whoever made it change: said once, by the stream forward.

internal import Protocol
internal import Telemetry

extension PairCourse {
    func tellNews(_ log: Log) {
        guard let (before, now) = takeNews() else { return }
        log.info(
            "step changes",
            [
                .from: before.step.rawValue, .to: now.step.rawValue, .epoch: now.number, .side: now.truth,
                .detail: now.by,
            ])
    }
}
