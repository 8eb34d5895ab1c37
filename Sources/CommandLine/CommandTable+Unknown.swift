// Errors about commands and options that are not in the table, with the nearest that is.

internal import Model

extension CommandTable {
    var listHint: String { "`\(program) --help` lists the commands" }

    func hint(for command: Command) -> String { "`\(program) \(command.name) --help` explains it" }

    /// Whether `words` are a command or begin one.
    func knows(_ words: [String]) -> Bool {
        commands.contains { $0.words.starts(with: words) }
    }

    func unknown(_ words: [String]) -> UsageError {
        let name = words.joined(separator: " ")
        let near = nearest(to: name, among: listed.map(\.name))
        return UsageError(
            "unknown command \(mention(name))", hint: [near.map { "did you mean `\($0)`?" }, listHint].joined(by: " "))
    }

    /// The beginning of commands alone.
    func incomplete(_ words: [String]) -> UsageError {
        let name = words.joined(separator: " ")
        let full = group(words).map { "`\($0.name)`" }.joined(separator: ", ")
        return UsageError(
            "`\(name)` is not a whole command", hint: full.isEmpty ? listHint : "the commands are \(full)")
    }

    /// `owner` is a command that has such an option.
    func unknownOption(_ written: String, of command: Command?, owner: Command?) -> UsageError {
        let message = "unknown option \(mention(written))"
        if command == nil, let owner {
            return UsageError(
                message, hint: "options of a command stand after it: `\(program) \(owner.name) \(written)`")
        }
        let names = (common + (command?.options ?? [])).map { "--\($0.long)" }
        let near = written.hasPrefix("--") ? nearest(to: written, among: names) : nil
        let list = "`\([program, command?.name, "--help"].joined(by: " "))` lists the options"
        return UsageError(
            command.map { "\(message) of `\($0.name)`" } ?? message,
            hint: [near.map { "did you mean `\($0)`?" }, list].joined(by: " "))
    }
}

extension [String?] {
    fileprivate func joined(by separator: String) -> String { compactMap { $0 }.joined(separator: separator) }
}
