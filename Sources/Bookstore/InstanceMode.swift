// How one instance of the bookstore uses the two databases: the five modes of an application that is moved by dual-write.
// The bookstore is an application like any other and knows nothing of tandem's own rules.

package enum Side: String, Sendable, CaseIterable, Codable {
    case old, new
}

package enum InstanceMode: Int, Sendable, CaseIterable {
    /// Writes and reads old.
    case oldOnly = 1
    /// Writes both; an error on new is nobody's error. Reads old.
    case bestEffort = 3
    /// Writes both or neither. Reads old.
    case strict = 4
    /// Writes both or neither. Reads new.
    case readsNew = 5
    /// Writes and reads new.
    case newOnly = 6

    var writesOld: Bool { self != .newOnly }
    var writesNew: Bool { self != .oldOnly }
    package var writesBoth: Bool { writesOld && writesNew }
    /// An error on new is the user's, and so is a difference between the sides.
    var isStrict: Bool { self == .strict || self == .readsNew }
    var reads: Side { self == .readsNew || self == .newOnly ? .new : .old }
    /// Where numbers come from. Both sides' own would collide.
    var numbers: Side { self == .newOnly ? .new : .old }
    /// Where an error may be that of a twin that lags. An instance in mode 5 cannot know which side is truth.
    func mayLag(_ side: Side) -> Bool {
        switch self {
        case .oldOnly, .newOnly: false
        case .bestEffort, .strict: side == .new
        case .readsNew: true
        }
    }
}

/// Whether the application knows of two databases, or of one address that may lead somewhere else tomorrow.
package enum Strategy: String, Sendable, CaseIterable {
    case dualWrite = "dual-write"
    case pause
}

/// Mistakes that applications make, made on purpose: whoever looks for them must find them.
package enum Fault: String, Sendable, CaseIterable {
    /// Commits old, then writes new.
    case commitOldFirst = "commit-old-first"
    /// One time in twenty, new is committed and old rolled back.
    case orphan
    /// Reads without a lock what it computes with.
    case noLock = "no-lock"
}
