// Named places where a crash would be interesting. `TANDEM_FAILPOINT=NAME` ends the process there with SIGKILL, as
// `kill -9` would; `NAME:3` on the third passing; `NAME/stop` holds it there, as SIGSTOP does, until somebody has it go on.
// Unset, passing one costs a load and a branch.

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
    case beforeTriggers = "before-triggers"
    case duringTriggers = "during-triggers"
    case beforeHold = "before-hold"
    case afterHold = "after-hold"
    case afterGiverFenced = "after-first-fence"
    case afterBothFenced = "after-both-fences"
    case afterSentinels = "after-sentinels"
    case afterDrained = "after-drained"
    case afterSettled = "after-settled"
    case afterChargePosition = "after-charge-position"
    case beforeFlipCommit = "before-flip-commit"
    case afterGateClosed = "after-gate-closed"
    case beforeGateOpened = "before-gate-opened"
    case afterGateOpened = "after-gate-opened"
    case afterRelease = "after-release"
    case atSentinel = "at-sentinel"
    case afterSentinelDurable = "after-sentinel-durable"
    case duringAttendance = "during-attendance"

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
        case .beforeTriggers: "function and gate of the fence are made, no table has its trigger"
        case .duringTriggers: "some tables have the fence's trigger, others not"
        case .beforeHold: "both sides know that the fence is coming, nobody waits yet"
        case .afterHold: "clients are held by the hook, nothing is fenced"
        case .afterGiverFenced: "old is fenced, new is not"
        case .afterBothFenced: "both sides are fenced, nothing was written under it"
        case .afterSentinels: "marks are written on both sides, nobody has looked whether they have passed"
        case .afterDrained: "everything before the marks has passed and is durable"
        case .afterSettled: "what had to be settled is, sequences too"
        case .afterChargePosition: "where the other stream will apply from is known, and nothing is decided"
        case .beforeFlipCommit: "the next epoch is written, not committed"
        case .afterGateClosed: "the gate is set by the next epoch, which is not committed"
        case .beforeGateOpened: "the other side has the epoch in a transaction that is not committed"
        case .afterGateOpened: "both gates are as the new epoch has them, clients are still held"
        case .afterRelease: "clients are let go, the rest is not done"
        case .atSentinel: "a stream has come to a mark and applied everything before it, not durable yet"
        case .afterSentinelDurable: "a stream waits at a mark, and everything before it is durable"
        case .duringAttendance: "what a command left half done is being completed or taken back by `tandem run`"
        case .duringAbort: "some of tandem's objects are removed, others not"
        }
    }

    private struct Setting {
        let name: String
        let passing: Int
        let stops: Bool
    }

    private static let setting: Setting? = {
        guard let text = getenv("TANDEM_FAILPOINT").map({ String(cString: $0) }) else { return nil }
        let stops = text.hasSuffix("/stop")
        let parts = (stops ? text.dropLast("/stop".count) : text[...]).split(separator: ":")
        return Setting(
            name: parts.first.map(String.init) ?? "", passing: parts.count > 1 ? Int(parts[1]) ?? 1 : 1, stops: stops)
    }()

    private static let armed: (name: Failpoint, passing: Int)? = setting.flatMap { setting in
        Failpoint(rawValue: setting.name).map { ($0, setting.passing) }
    }

    package static var isArmed: Bool { armed != nil }

    private static let passed = PassCounter()

    @inline(__always)
    package static func pass(_ point: Failpoint) {
        guard let armed, armed.name == point else { return }
        dieIfDue(armed.passing)
    }

    private static func dieIfDue(_ passing: Int) {
        guard passed.next() == passing else { return }
        guard setting?.stops != true else {
            kill(getpid(), SIGSTOP)
            return
        }
        kill(getpid(), SIGKILL)
        while true { pause() }
    }

    /// The setting names no failpoint: better said at start than waited for.
    package static var misspelt: String? {
        guard let setting else { return nil }
        return Failpoint(rawValue: setting.name) == nil ? setting.name : nil
    }
}
