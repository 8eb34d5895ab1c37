// A mapping whose keys are known: the cases of `Key` are the keys it may have, and nothing else may stand in it.

internal import Model

struct Section<Key: RawRepresentable<String> & CaseIterable & Hashable> {
    private let field: Field
    private var fields: [Key: Field] = [:]

    init(_ field: Field) throws(ConfigurationError) {
        self.field = field
        guard case .mapping(let entries) = field.node.content else {
            throw field.wrongKind("a mapping with \(Section.listed)")
        }
        for entry in entries {
            guard let key = Key(rawValue: entry.key) else { throw Section.unknown(entry, in: field) }
            fields[key] = Field(label: "`\(entry.key)`", node: entry.value, reading: field.reading)
        }
    }

    func optional(_ key: Key) -> Field? { fields[key] }

    func required(_ key: Key) throws(ConfigurationError) -> Field {
        if let field = fields[key] { return field }
        throw field.error("the key `\(key.rawValue)` is missing")
    }

    private static func unknown(_ entry: YAMLEntry, in field: Field) -> ConfigurationError {
        let near = nearest(to: entry.key, among: Key.allCases.map(\.rawValue))
        return field.error(
            "unknown key \(mention(entry.key))", at: entry.keyPlace,
            hint: KeyHome.hint(for: entry.key) ?? near.map { "did you mean `\($0)`?" }
                ?? "the keys here are \(listed)")
    }

    private static var listed: String { alternatives(Key.allCases.map(\.rawValue), joinedBy: "and") }
}

/// `a`, `b` or `c`
func alternatives(_ words: [String], joinedBy conjunction: String) -> String {
    let marked = words.map { "`\($0)`" }
    guard let last = marked.last, marked.count > 1 else { return marked.first ?? "" }
    return marked.dropLast().joined(separator: ", ") + " \(conjunction) " + last
}
