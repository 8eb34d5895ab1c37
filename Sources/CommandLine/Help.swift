// The text of `--help`, written from the table. It is the same on every terminal and without one.

internal import Model

extension CommandTable {
    static let narrowest = 40

    /// Help for a command, for the commands whose names begin with `command`, or without it for the program.
    package func help(for command: String?, width: Int = 80) -> String {
        let width = max(width, CommandTable.narrowest)
        let lines =
            if let name = command, let command = self.command(named: name) {
                HelpText(table: self, width: width).lines(for: command)
            } else if let words = command?.split(separator: " ").map(String.init), !group(words).isEmpty {
                HelpText(table: self, width: width).lines(forGroup: words)
            } else {
                HelpText(table: self, width: width).lines()
            }
        return lines.joined(separator: "\n")
    }
}

private struct HelpText {
    let table: CommandTable
    let width: Int

    func lines() -> [String] {
        join([
            Wrapping.lines("\(table.program) \(table.version): \(table.summary)", width: width),
            usage(["COMMAND", "[OPTION…]", "[ARGUMENT…]"]),
            section("Commands", table.listed.map { ($0.name, $0.summary) }),
            section("Options of every command", optionRows(table.common)),
            exitCodes,
            Wrapping.lines("`\(table.program) help COMMAND` explains a command.", width: width),
        ])
    }

    func lines(forGroup words: [String]) -> [String] {
        join([
            usage(words + ["COMMAND"]),
            section("Commands", table.group(words).map { ($0.name, $0.summary) }),
        ])
    }

    func lines(for command: Command) -> [String] {
        join([
            Wrapping.lines("\(table.program) \(command.name): \(command.summary)", width: width),
            usage(table.synopsis(of: command)),
            Wrapping.paragraphs(command.details, width: width),
            section("Options", optionRows(command.options)),
            section("Options of every command", optionRows(table.common)),
            examples(of: command),
            exitCodes,
        ])
    }

    private var exitCodes: [String] {
        section("Exit codes", ExitCode.allCases.map { (String($0.rawValue), $0.meaning) })
    }

    private func usage(_ parts: [String]) -> [String] {
        let head = "Usage: \(table.program) "
        let indent = String(repeating: " ", count: head.count)
        let lines = Wrapping.lines(parts, width: width - head.count)
        return lines.enumerated().map { ($0 == 0 ? head : indent) + $1 }
    }

    private func section(_ title: String, _ rows: [(String, String)]) -> [String] {
        rows.isEmpty ? [] : ["\(title):"] + Wrapping.table(rows, width: width)
    }

    private func optionRows(_ options: [Option]) -> [(String, String)] {
        options.map { option in
            ((option.short.map { "-\($0), " } ?? "    ") + option.usage, option.explanation)
        }
    }

    private func examples(of command: Command) -> [String] {
        guard !command.examples.isEmpty else { return [] }
        return ["Examples:"]
            + command.examples.flatMap { line, meaning in
                ["  " + line] + Wrapping.lines(meaning, width: width - 6).map { "      " + $0 }
            }
    }

    /// Blocks with an empty line between them; those without lines leave nothing.
    private func join(_ blocks: [[String]]) -> [String] {
        Array(blocks.filter { !$0.isEmpty }.joined(separator: [""]))
    }
}

extension CommandTable {
    /// `lag`, `[--watch]`, `[--max DURATION]`, `[TABLE…]`: what no line may be broken within.
    func synopsis(of command: Command) -> [String] {
        let options = command.options.map { option in
            let text = option.isRequired ? option.usage : "[\(option.usage)]"
            return option.repeats ? text + "…" : text
        }
        return [command.name] + options + [command.arguments.usage].compactMap { $0 }
    }
}

extension Option {
    /// The summary with what the table knows besides.
    var explanation: String {
        var text = summary
        if case .choice = check { text += " (\(check.wanted))" }
        if repeats { text += " (can be given again)" }
        return text
    }
}
