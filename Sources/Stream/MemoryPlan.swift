// How `limits.memory` is shared out, in fixed parts, so that no thread has to ask another for memory. What libpq and the
// program itself need beside it is one constant, named in docs/limits.md.

struct MemoryPlan {
    let limit: Int

    /// Open transactions; what is over goes to spill files.
    var open: Int { limit * 4 / 10 }
    /// Whole transactions waiting for the applier.
    var queue: Int { limit / 10 }
    /// Rows of one batch. They exist up to six times: filling, two running, as arrays, and in libpq's two buffers.
    var batch: Int { max(1 << 16, min(8 << 20, limit / 24)) }
    /// A transaction above this is large: it goes to the target in pieces.
    var large: Int { max(1 << 16, min(4 << 20, limit / 32)) }
}
