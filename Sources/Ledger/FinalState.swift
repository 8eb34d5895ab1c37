// One database when nobody writes any more: every row that counts its versions, the journal that every transaction of the
// shop has written itself into, and rows that do not agree with themselves.

package struct FinalRow: Sendable, Equatable {
    package let version: Int
    package let token: String?
    package let amount: Int

    package init(version: Int, token: String?, amount: Int) {
        (self.version, self.token, self.amount) = (version, token, amount)
    }
}

package struct FinalState: Sendable {
    package let label: String
    package var rows: [String: FinalRow] = [:]
    /// Keys that were there more than once.
    package var repeated: [String] = []
    /// Of every transaction that is there, how often.
    package var journal: [String: Int] = [:]
    /// In words.
    package var damages: [(subject: String, text: String)] = []

    package init(label: String) { self.label = label }

    package mutating func add(_ key: String, _ row: FinalRow) {
        if rows.updateValue(row, forKey: key) != nil { repeated.append(key) }
    }
}
