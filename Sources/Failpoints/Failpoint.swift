// Named places where a crash would be interesting. `TANDEM_FAILPOINT=NAME` ends the process there with SIGKILL, as
// `kill -9` would; `NAME:3` on the third passing. Unset, passing one costs a load and a branch.

internal import Glibc

package enum Failpoint: String, CaseIterable, Sendable {
    case afterSlotCreated = "after-slot-created"
    case afterOriginCreated = "after-origin-created"
    case afterStreamStarted = "after-stream-started"
    case afterStreamChunk = "after-stream-chunk"
    case afterSpillBlock = "after-spill-block"
    case afterStreamCommit = "after-stream-commit"
    case afterBatchSent = "after-batch-sent"
    case beforeTargetCommit = "before-target-commit"
    case afterTargetCommit = "after-target-commit"
    case duringLargeTransaction = "during-large-transaction"
    case duringReplay = "during-replay"
    case afterRepair = "after-repair"
    case beforeFeedback = "before-feedback"
    case afterFeedback = "after-feedback"
    case afterSetAside = "after-set-aside"
    case afterEvidence = "after-evidence"
    case duringAbort = "during-abort"
    case afterTableSnapshot = "after-table-snapshot"
    case duringTableCopy = "during-table-copy"
    case afterRangeCopied = "after-range-copied"
    case beforeTableCopied = "before-table-copied"
    case afterTableCopied = "after-table-copied"
    case duringMending = "during-mending"
    case beforeTableDone = "before-table-done"
    case afterTableDone = "after-table-done"
    case afterCopyComplete = "after-copy-complete"
    case afterComparedRange = "after-compared-range"
    case duringVerifyRepair = "during-verify-repair"
    case afterVerifyRepair = "after-verify-repair"
    case afterTwinRepair = "after-twin-repair"
    case duringBatch = "during-batch"
    case beforeBatchCommit = "before-batch-commit"
    case afterBatchCommit = "after-batch-commit"
    case duringComparison = "during-comparison"
    case afterIntent = "after-intent"
    case afterEpochCommitted = "after-epoch-committed"
    case afterEpochCopied = "after-epoch-copied"
    case beforePassageEnd = "before-passage-end"

    /// What is true when the process dies here.
    package var meaning: String {
        switch self {
        case .afterSlotCreated: "the slot exists on the source, nothing on the target knows of it yet"
        case .afterOriginCreated: "slot and origin exist, the stream has not started"
        case .afterStreamStarted: "the source has begun to send, nothing was received"
        case .afterStreamChunk: "part of a large open transaction was received"
        case .afterSpillBlock: "part of a large transaction is in a spill file"
        case .afterStreamCommit: "a large transaction is whole, nothing of it is applied"
        case .afterBatchSent: "a batch was sent to the target, its results are not known"
        case .beforeTargetCommit: "a batch was sent to the target, its COMMIT was not"
        case .afterTargetCommit: "a batch is committed, nothing was acknowledged"
        case .duringLargeTransaction: "a large transaction is partly applied, not committed"
        case .duringReplay: "an exact replay is between two source transactions"
        case .afterRepair: "a difference was repaired by re-reading, not committed"
        case .beforeFeedback: "durable progress is known, not acknowledged"
        case .afterFeedback: "durable progress was just acknowledged"
        case .afterSetAside: "a table was recorded as set aside, the stream has not heard of it"
        case .afterTableSnapshot: "a table is about to be copied, its snapshot is taken"
        case .duringTableCopy: "some rows of a table were sent to the target"
        case .afterRangeCopied: "a part of a table is committed on the target, others are not there"
        case .beforeTableCopied: "all rows of a table are on the target, not committed"
        case .afterTableCopied: "all rows of a table are committed, its indexes are not made"
        case .duringMending: "rows that changed during the copy were read again, not committed"
        case .beforeTableDone: "a table is complete and not recorded as done"
        case .afterTableDone: "a table is recorded as done, the stream has not heard of it"
        case .afterComparedRange: "a range of keys was compared, and how far that is recorded"
        case .duringVerifyRepair: "rows found different were written on new, not committed"
        case .afterVerifyRepair: "rows found different are repaired, nobody has looked again"
        case .afterTwinRepair: "rows that applications wrote on both sides were made the same, nobody has looked again"
        case .duringBatch: "rows of a Data B table wait on the target, the table itself is untouched"
        case .beforeBatchCommit: "a batch of Data B is laid over its table, not committed"
        case .afterBatchCommit: "a batch of Data B is committed, nobody has been told"
        case .duringComparison: "differences of a Data B table are known, not mended"
        case .afterCopyComplete: "every table is done, nothing else has happened"
        case .afterEvidence: "an entry of the evidence log is on disk, what it announces has not begun"
        case .afterIntent: "a step is announced on both sides, nothing of it is done"
        case .afterEpochCommitted: "a step is committed on the side in charge, the other one has not heard of it"
        case .afterEpochCopied: "both sides have the new step, what follows from it is not done"
        case .beforePassageEnd: "a step is done, and still announced as begun"
        case .duringAbort: "some of tandem's objects are removed, others not"
        }
    }

    private static let armed: (name: Failpoint, passing: Int)? = {
        guard let setting = getenv("TANDEM_FAILPOINT") else { return nil }
        let parts = String(cString: setting).split(separator: ":")
        guard let first = parts.first, let point = Failpoint(rawValue: String(first)) else { return nil }
        return (point, parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
    }()

    package static var isArmed: Bool { armed != nil }

    private static let passed = PassCounter()

    @inline(__always)
    package static func pass(_ point: Failpoint) {
        guard let armed, armed.name == point else { return }
        dieIfDue(armed.passing)
    }

    private static func dieIfDue(_ passing: Int) {
        guard passed.next() == passing else { return }
        kill(getpid(), SIGKILL)
        while true { pause() }
    }

    /// The setting names no failpoint: better said at start than waited for.
    package static var misspelt: String? {
        guard let setting = getenv("TANDEM_FAILPOINT") else { return nil }
        let name = String(cString: setting).split(separator: ":").first.map(String.init) ?? ""
        return Failpoint(rawValue: name) == nil ? name : nil
    }
}
