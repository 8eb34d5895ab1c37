// What one instance of the bookstore writes down, outside both databases: what it is about to commit, what came of it, and
// what it has read. Times are the machine's monotonic clock in nanoseconds, the same for every process on it. Pure values.

/// What a transaction does to one row. Every row counts its versions: the one it had, and one more.
package struct Effect: Sendable, Equatable {
    package enum Kind: Character, Sendable {
        case made = "+"
        case set = "="
        case removed = "-"
    }

    package let kind: Kind
    /// `stock:17`
    package let key: String
    /// The one that this transaction gives the row. That of a removed row is the one it would have had next.
    package let version: Int
    /// What is counted in the row: pieces, cents. The change, and what it is afterwards.
    package let delta: Int
    package let after: Int

    package init(_ kind: Kind, _ key: String, version: Int, delta: Int = 0, after: Int = 0) {
        (self.kind, self.key, self.version, self.delta, self.after) = (kind, key, version, delta, after)
    }
}

/// A row as it was seen; without a version, it was not there.
package struct Sight: Sendable, Equatable {
    package let key: String
    package let version: Int?
    /// Who wrote that version; nil for what the shop opened with.
    package let token: String?

    package init(_ key: String, version: Int?, token: String? = nil) {
        (self.key, self.version, self.token) = (key, version, token)
    }
}

package struct Intent: Sendable, Equatable {
    /// One attempt at one transaction; never used again.
    package let token: String
    package let operation: String
    package let mode: Int
    /// When it began.
    package let began: Int64
    package let effects: [Effect]

    package init(token: String, operation: String, mode: Int, began: Int64, effects: [Effect]) {
        (self.token, self.operation, self.mode) = (token, operation, mode)
        (self.began, self.effects) = (began, effects)
    }
}

package struct Reading: Sendable, Equatable {
    package let mode: Int
    /// Read from new; otherwise from old.
    package let isNew: Bool
    package let began: Int64
    package let ended: Int64
    package let sights: [Sight]

    package init(mode: Int, isNew: Bool, began: Int64, ended: Int64, sights: [Sight]) {
        (self.mode, self.isNew, self.began, self.ended, self.sights) = (mode, isNew, began, ended, sights)
    }
}

package enum LedgerEntry: Sendable, Equatable {
    case started(instance: String, run: String, at: Int64)
    case mode(Int, at: Int64)
    /// Written before the first COMMIT is sent. When nothing follows it, the outcome is not known.
    case intent(Intent)
    /// Written, and on disk, before anybody is told that it worked.
    case acknowledged(token: String, at: Int64)
    /// Nothing of it remains: it was rolled back.
    case failed(token: String, state: String, at: Int64)
    /// COMMIT was sent and not answered: it may be there.
    case doubtful(token: String, state: String, at: Int64)
    case read(Reading)
}
