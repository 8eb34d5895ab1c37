// A batch on its way to the target: which lane it took, and how far it is. Owned by the applying thread; a flight decides
// nothing, the applier does.

internal import Batching
internal import Threading

final class Flight {
    enum State {
        /// Without COMMIT.
        case sent
        /// As a group that commits by itself.
        case whole
        /// All its counts were right; its COMMIT waits for those before it.
        case ready
        /// It came back while others were before it.
        case failed(ApplyFailure)
        case committing
        /// Rolled back to let somebody pass; it starts again when nothing is before it.
        case grounded
    }

    let batch: Batch
    let lane: BatchWriter
    /// It does not see what those before it wrote.
    let isBeside: Bool
    /// Others may be beside it.
    var isPlain = false
    var state = State.sent { didSet { since = Monotonic.now } }
    private(set) var since = Monotonic.now

    init(_ batch: Batch, on lane: BatchWriter, isBeside: Bool) {
        self.batch = batch
        self.lane = lane
        self.isBeside = isBeside
    }

    /// The target owes an answer.
    var isUnderWay: Bool {
        switch state {
        case .sent, .whole, .committing: true
        case .ready, .failed, .grounded: false
        }
    }

    var isWhole: Bool { if case .whole = state { true } else { false } }
    var isCommitting: Bool { if case .committing = state { true } else { false } }
    var isGrounded: Bool { if case .grounded = state { true } else { false } }
}
