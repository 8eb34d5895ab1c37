// A column that old has and new lacks, as new should get it: with the value that old gave to the rows it already had, so
// that adding it leaves both sides equal. From old's catalog as it is now; the shape alone knows only the type.

internal import Model

struct AddedColumn {
    let name: String
    let type: String
    let isNotNull: Bool
    /// The default for rows to come, as an expression.
    let standard: String?
    /// What rows that were there before show, when old did not have to write it into each of them.
    let missing: String?

    /// What old's catalog says of a column beyond its type.
    struct Defaults {
        let isNotNull: Bool
        let standard: String?
        let missing: String?
    }

    /// `asOnOld` is nil for a column that old's catalog no longer knows.
    init(name: String, type: String, asOnOld defaults: Defaults?) {
        self.name = name
        self.type = type
        isNotNull = defaults?.isNotNull ?? false
        standard = defaults?.standard
        missing = defaults?.missing
    }

    /// What ADD COLUMN takes. Without a known value, rows that are there stay NULL, unless that is forbidden.
    var addition: String {
        let head = "ADD COLUMN \(visiblyQuoted(name)) \(type)"
        if let missing { return head + " DEFAULT \(literal(missing))" + (isNotNull ? " NOT NULL" : "") }
        if isNotNull, let standard { return head + " DEFAULT \(standard) NOT NULL" }
        return head
    }

    /// What is to be altered once the rows that are there have their value; nil when nothing is.
    var afterwards: String? {
        guard missing != nil || !isNotNull else { return nil }
        if let standard { return "ALTER COLUMN \(visiblyQuoted(name)) SET DEFAULT \(standard)" }
        return missing == nil ? nil : "ALTER COLUMN \(visiblyQuoted(name)) DROP DEFAULT"
    }

    /// Old computed or wrote a value for each row it had; ours are another value, or none.
    var needsComparing: Bool { missing == nil && standard != nil }

    static func remedy(_ table: QualifiedName, _ columns: [AddedColumn]) -> String {
        let first = "ALTER TABLE \(table.pasteable) \(columns.map(\.addition).joined(separator: ", "))"
        let later = columns.compactMap(\.afterwards)
        let second = later.isEmpty ? "" : "; ALTER TABLE \(table.pasteable) \(later.joined(separator: ", "))"
        let doubtful = columns.filter(\.needsComparing).map { visiblyQuoted($0.name) }.joined(separator: ", ")
        let doubt = doubtful.isEmpty ? "" : " (rows that were there before may differ in \(doubtful): compare them)"
        return first + second + "; then replication goes on by itself" + doubt
    }
}
