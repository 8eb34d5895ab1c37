// What is wrong with a history, and what a check says in the end. Keys and tokens of the bookstore's own rows are shown:
// they are what a person looks for.

package struct Finding: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Acknowledged, and not there, or overwritten by one that did not see it.
        case lost
        /// There more than once, or counted more than once.
        case doubled
        /// Later came before earlier.
        case reordered
        /// Read older than what the same instance had seen before.
        case stale
        /// Rolled back, and there all the same.
        case undead
        /// Written by nobody whose ledger is here.
        case unexplained
        /// A sum that does not come out.
        case amount
        /// A row that does not agree with itself.
        case damaged
    }

    package let kind: Kind
    /// What it is about: a row's key or a transaction's token.
    package let subject: String
    package let text: String

    package init(_ kind: Kind, _ subject: String, _ text: String) {
        (self.kind, self.subject, self.text) = (kind, subject, text)
    }
}

package struct LedgerVerdict: Sendable {
    /// What was looked at: `old`, `new`, or the histories alone.
    package var label: String
    package var findings: [Finding] = []
    /// Found beyond those kept.
    package var more = 0
    package var acknowledged = 0
    package var failed = 0
    /// Outcome unknown to the instance; and of these, how many are there.
    package var doubtful = 0
    package var doubtfulThere = 0
    package var readings = 0
    package var sights = 0
    /// Seen by readers of new, and taken back when old's COMMIT failed.
    package var takenBack = 0
    package var rows = 0

    package init(label: String) { self.label = label }

    package var isClean: Bool { findings.isEmpty }

    package static let kept = 1000

    mutating func add(_ kind: Finding.Kind, _ subject: String, _ text: String) {
        if findings.count < Self.kept { findings.append(Finding(kind, subject, text)) } else { more += 1 }
    }
}
