// A stream that stops applying, or is about to begin, halts at a mark: everything before it is applied, nothing behind it is
// taken in, until somebody has read what became of the step. A stream that only hears of it by looking now and then would take
// for its own what comes after.

internal import Failpoints
internal import State
internal import Threading

extension Applier {
    /// Everything before the mark is committed, and nobody has said yet that the stream may go on. Nothing is on its way.
    func isHalted() -> Bool {
        guard let sentinel = halt else { return false }
        progress.goesOn.lower()
        if isHaltAnnounced, progress.halt == nil {
            (halt, isHaltAnnounced) = (nil, false)
            return false
        }
        if !isHaltAnnounced {
            isHaltAnnounced = true
            Failpoint.pass(.atSentinel)
            progress.halted(at: sentinel)
        }
        return true
    }
}
