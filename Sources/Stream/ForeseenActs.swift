// What a command would do, found out without doing any of it: what `--dry-run` shows. Whoever makes one has thrown before what the
// command itself would throw. Pure.

package struct ForeseenActs: Sendable {
    /// Sentences that begin with `would`, in the order of the acts.
    package private(set) var acts: [String] = []
    /// What is good to know beside them.
    package private(set) var notes: [String] = []

    package init() {}

    package mutating func would(_ act: String) { acts.append("would \(act)") }

    package mutating func note(_ text: String) { notes.append(text) }

    package mutating func add(_ others: ForeseenActs) {
        acts += others.acts
        notes += others.notes
    }
}

/// `1 table`, `2 tables`.
func counted(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }
