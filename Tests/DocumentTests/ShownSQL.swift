// SQL as the documents show it: blocks of it, queries in pieces of a configuration, inline code, and what a check says of mending. Which
// inline code is SQL is decided by its looks: an unknown word in capitals is taken for it until somebody says what else it is.

import Foundation

struct ShownSQL {
    /// `docs/guide.md:79`
    let place: String
    let text: String

    static func all() throws -> [ShownSQL] {
        try Document.pages().flatMap { page in
            page.blocks.flatMap(inBlock)
                + page.spans.filter { isSQL($0.text) }.flatMap { statements($0.text, $0.place) }
                + (page.path == "docs/checks.md" ? remedies(page) : [])
        }
    }

    private static func inBlock(_ block: Document.Piece) -> [ShownSQL] {
        switch block.language {
        case "sql": statements(block.text.replacing("\n", with: " "), block.place)
        case "yaml": block.text.matches(of: /\bquery: "([^"]+)"/).flatMap { statements(String($0.1), block.place) }
        default: []
        }
    }

    private static func statements(_ text: String, _ place: String) -> [ShownSQL] {
        text.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            .map { ShownSQL(place: place, text: $0) }
    }

    /// Statements among other words: from a verb to the semicolon behind it.
    private static func remedies(_ page: Document) -> [ShownSQL] {
        let lines = page.text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().filter { $0.element.hasPrefix("Mend: ") }.flatMap { number, line in
            line.dropFirst("Mend: ".count).split(separator: ";").compactMap { part in
                part.firstRange(of: verb).map {
                    ShownSQL(place: "\(page.path):\(number + 1)", text: String(part[$0.lowerBound...]))
                }
            }
        }
    }

    private nonisolated(unsafe) static let verb =
        /\b(ALTER|ANALYZE|CLUSTER|COMMENT|COMMIT|COPY|CREATE|DELETE|DROP|GRANT|INSERT|LOCK|REFRESH|REINDEX|REVOKE|ROLLBACK|SELECT|SET|TRUNCATE|UPDATE|VACUUM)\b/

    /// Begins with a word in capitals, or is a call, or says that something is something.
    static func isSQL(_ text: String) -> Bool {
        if others.contains(text) || text.hasPrefix("TANDEM_") { return false }
        // Variables of a command, signals, libpq's environment.
        if text.firstMatch(of: /^([A-Z_]+=|SIG[A-Z]+$|PG[A-Z]+$)/) != nil { return false }
        return text.firstMatch(of: /^"?[A-Z]{2,}(?![A-Za-z0-9_])/) != nil
            || text.firstMatch(of: /^[a-z_]+\([^)]*\)(::\w+)?$/) != nil
            || text.firstMatch(of: /^[a-z_.]+ (=|\+) \S+/) != nil
    }

    /// Statements of the list in which that stands, `…` being anything, from the beginning of a word to the end of one.
    func statementsThatReadSo() throws -> [Statement] {
        // As in a file of settings: values without quotes.
        let isSetting = text.firstMatch(of: /^[a-z_.]+ =\s/) != nil
        let read = { (text: String) in isSetting ? text.replacing("'", with: "") : text }
        let parts = read(Self.standIns[text] ?? text).split(separator: "…", omittingEmptySubsequences: false).map {
            NSRegularExpression.escapedPattern(for: String($0))
        }
        let pattern = try Regex("(?:^|[^A-Za-z0-9_])" + parts.joined(separator: ".+?") + "(?![A-Za-z0-9_])")
        return try Self.statements.filter { try pattern.firstMatch(in: read($0.text)) != nil }
    }

    /// In capitals, or with the looks of a call or a setting, and no SQL.
    private static let others: Set<String> = [
        // Words of command lines that stand for something, and variables of a shell, of make and of soaks.
        "CONTENDERS", "HOME", "JOBS", "NAME", "NAME.ledger", "OVER", "PATH", "RUNS", "SCALE", "SCHEMA.TABLE", "TMPDIR",
        // Sizes, rooms, what continuous integration says.
        "CYAML", "GB", "HTTP", "MB", "NOT TRIED", "TB", "UNSTABLE: … failed first with: …",
        // What tandem says.
        "TRUNCATE of a partition that new does not have …",
    ]
}
