// What the protocol says, sentence by sentence, each of which can be turned off to see what it is there for.

/// Rules of tandem and of the applications that write both sides.
package enum Rule: String, CaseIterable, Sendable {
    // Applications.
    /// New is written inside old's open transaction, and committed first.
    case nested
    /// Row counts that differ between the sides are an error in modes 4 and 5.
    case countsAgree
    // Triggers and gates.
    /// A trigger refuses a mode that the step does not allow.
    case refusesModes
    /// No transition while an instance has a mode that only one of its steps allows.
    case asksCensus
    // Streams.
    /// A stream stops at its sentinel and reads the epoch before it goes on.
    case haltsAtSentinel
    /// A watch acknowledges nothing past a touch that is not settled.
    case acknowledgesSettled
    /// The stream back has its slot before anybody may write new.
    case reverseFirst
    // Repair.
    /// Everybody who was writing when a touch was seen has ended before the row is looked at.
    case settles
    /// On both sides, not only on the one that was watched.
    case settlesOnBothSides
    /// Repair reads the row that may be wrong before the one that is right, and overwrites only the version it has read.
    case guardsVersion
    /// A touch is over when the rows are found equal, never by having been written.
    case looksAgain
    /// At step 5 repair locks old's row, then new's, and compares again.
    case repairLocks
    /// A row that old does not have is deleted only when whoever was in flight has ended, and only that version.
    case deletesWithCare
    // Transitions.
    /// The fence holds both sides.
    case fencesBoth
    /// Everything touched has settled before any stream halts: repair needs an applying stream that goes on.
    case passesFirst
    /// A stream that applies has come to its sentinel.
    case drains
    /// A stream that watches has come to its sentinel, too, with nothing unsettled below it.
    case settlesBelowSentinel
    /// A stream that begins to apply begins at the sentinel's end.
    case startsAtEnd

    package var sentence: String {
        switch self {
        case .nested: "new is written inside old's open transaction and committed first"
        case .countsAgree: "in modes 4 and 5 row counts that differ between the sides are an error"
        case .refusesModes: "each side's trigger refuses a mode that the step does not allow"
        case .asksCensus: "no transition while an instance has a mode that only one of its steps allows"
        case .haltsAtSentinel: "a stream halts at its sentinel and reads the epoch before it goes on"
        case .acknowledgesSettled: "a watch acknowledges nothing past an unsettled touch"
        case .reverseFirst: "the stream back has its slot before anybody may write new"
        case .settles: "a touch settles before the row is looked at"
        case .settlesOnBothSides: "it settles when writers on both sides have ended"
        case .guardsVersion: "repair overwrites only the version it has read"
        case .looksAgain: "a touch is over when the rows are found equal, not when one was written"
        case .repairLocks: "at step 5 repair locks old's row, then new's, and compares again"
        case .deletesWithCare: "a row that old lacks is deleted after whoever was in flight has ended"
        case .fencesBoth: "the fence holds both sides"
        case .passesFirst: "everything touched has settled before any stream halts"
        case .drains: "the applying stream has reached its sentinel before the commit point"
        case .settlesBelowSentinel: "watches have reached their sentinels, with nothing unsettled below"
        case .startsAtEnd: "a stream that begins to apply begins at its sentinel's end"
        }
    }
}
