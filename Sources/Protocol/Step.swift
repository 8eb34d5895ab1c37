// Where a migration stands, and how it is to get across. Pure.

package enum Step: Int, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    /// Tables are being classified; nothing is in either database.
    case classifying = 0
    /// New follows: copy, stream, batches.
    case following
    /// The writers of Data B are stopped, and new has all of it.
    case derivedAtRest
    /// Instances write both sides, one after another, best effort on new.
    case writingBoth
    /// Instances write both sides strictly.
    case writingStrictly
    /// Instances read new, one after another.
    case readingNew
    /// New is what counts; old follows.
    case detached

    package static func < (left: Step, right: Step) -> Bool { left.rawValue < right.rawValue }

    package var description: String { "step \(rawValue)" }

    /// What it is, in a few words.
    package var meaning: String {
        switch self {
        case .classifying: "tables are classified, nothing is replicated yet"
        case .following: "new follows old"
        case .derivedAtRest: "new follows old, Data B is at rest and complete"
        case .writingBoth: "applications begin to write both sides"
        case .writingStrictly: "applications write both sides strictly"
        case .readingNew: "applications begin to read new"
        case .detached: "new is in charge, old follows"
        }
    }
}

package enum Strategy: String, Sendable, CaseIterable {
    /// Applications write both sides for a while, and nobody waits.
    case dualWrite = "dual-write"
    /// Applications know nothing; their writes are held for a moment while the sides change.
    case pause
}

/// What tandem does with one of a pair's two streams.
package enum StreamRole: String, Sendable, CaseIterable {
    /// There is none: no slot, no publication.
    case off
    /// It is read, and what it says is written to the other side.
    case apply
    /// It is read, and nothing is written.
    case watch
}
