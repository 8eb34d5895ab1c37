// One option of a command: a flag, or a name with a value.

package struct Option: Sendable {
    /// Without its dashes.
    package let long: String
    package let short: Character?
    /// What help calls the value; nil for a flag.
    package let value: String?
    package let summary: String
    package let repeats: Bool
    package let isRequired: Bool
    package let check: ValueKind

    package init(
        _ long: String, short: Character? = nil, value: String? = nil, summary: String, repeats: Bool = false,
        isRequired: Bool = false, check: ValueKind = .any
    ) {
        self.long = long
        self.short = short
        self.value = value
        self.summary = summary
        self.repeats = repeats
        self.isRequired = isRequired
        self.check = check
    }

    var isFlag: Bool { value == nil }

    /// `--max DURATION`
    var usage: String { value.map { "--\(long) \($0)" } ?? "--\(long)" }
}
