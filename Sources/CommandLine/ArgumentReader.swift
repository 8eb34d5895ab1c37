// Reads one command line against the table, from left to right: options wherever they stand, the first words as the
// command, the rest as its arguments. `--help` and `--version` win over everything that may be wrong beside them.

internal import Model

struct ArgumentReader {
    let table: CommandTable
    private var rest: ArraySlice<String>
    private var command: Command?
    private var given: [String: [String]] = [:]
    private var words: [String] = []

    init(_ table: CommandTable, _ arguments: [String]) {
        self.table = table
        rest = ArraySlice(arguments)
    }

    mutating func invocation() throws(UsageError) -> Invocation {
        if let early = try request() { return early }
        while let argument = rest.popFirst() {
            if argument == "--" {
                try takeWords(Array(rest))
                rest = []
            } else if argument.hasPrefix("--") {
                try takeLong(argument.dropFirst(2))
            } else if argument.hasPrefix("-"), argument != "-" {
                try takeShorts(argument.dropFirst())
            } else {
                try takeWords([argument])
            }
        }
        return try finished()
    }

    // MARK: Help and version

    /// What `--help`, `-h`, `--version` or an empty command line ask for.
    private func request() throws(UsageError) -> Invocation? {
        let before = rest.prefix { $0 != "--" }
        if rest.isEmpty { return .help(table.help(for: nil)) }
        if before.contains("--help") || before.contains("-h") { return .help(table.help(for: topic(of: before))) }
        return before.contains("--version") ? .version("\(table.program) \(table.version)") : nil
    }

    /// The command, or the group of commands, that the words of a command line begin with.
    private func topic(of arguments: ArraySlice<String>) -> String? {
        let words = Array(arguments.filter { !$0.hasPrefix("-") })
        let start = words.indices.first { table.knows([words[$0]]) }
        guard let start else { return nil }
        return (start + 1...words.count).reversed().lazy.map { Array(words[start..<$0]) }
            .first { table.knows($0) }?.joined(separator: " ")
    }

    private func finished() throws(UsageError) -> Invocation {
        guard let command else {
            guard words.isEmpty else { throw table.incomplete(words) }
            throw UsageError("a command is missing", hint: table.listHint)
        }
        if command.name == CommandTable.help.name { return .help(try explanation(of: words)) }
        try check(words, of: command)
        for option in command.options + table.common where option.isRequired && given[option.long] == nil {
            throw UsageError("`\(option.usage)` is missing", hint: table.hint(for: command))
        }
        return .run(Parsed(command: command.name, arguments: words, given: given))
    }

    private func explanation(of words: [String]) throws(UsageError) -> String {
        guard !words.isEmpty else { return table.help(for: nil) }
        guard table.knows(words) else { throw table.unknown(words) }
        return table.help(for: words.joined(separator: " "))
    }

    // MARK: Words

    /// The first words are the command, the longest one that fits; those after it are its arguments.
    private mutating func takeWords(_ more: [String]) throws(UsageError) {
        for word in more {
            if let command {
                let longer = words.isEmpty ? table.command(named: "\(command.name) \(word)") : nil
                if let longer { self.command = longer } else { words.append(word) }
                continue
            }
            words.append(word)
            if let found = table.command(named: words.joined(separator: " ")) {
                command = found
                words = []
            } else if !table.knows(words) {
                throw table.unknown(words)
            }
        }
    }

    private func check(_ words: [String], of command: Command) throws(UsageError) {
        let accepted = command.arguments.accepted
        let hint = table.hint(for: command)
        if words.count < accepted.lowerBound {
            throw UsageError("`\(command.name)` needs \(command.arguments.usage ?? "an argument")", hint: hint)
        }
        if words.count > accepted.upperBound {
            let surplus = mention(words[accepted.upperBound])
            let takes = accepted.upperBound == 0 ? "no arguments" : "one argument only"
            throw UsageError("`\(command.name)` takes \(takes); \(surplus) is too much", hint: hint)
        }
    }

    // MARK: Options

    private mutating func takeLong(_ text: Substring) throws(UsageError) {
        let name = String(text.prefix { $0 != "=" })
        let option = try option("--\(name)") { $0.long == name }
        let value = name.count < text.count ? String(text.dropFirst(name.count + 1)) : nil
        try take(option, value, as: "--\(name)")
    }

    /// `-v`, several flags in one as `-vq`, `-c FILE` and `-cFILE`.
    private mutating func takeShorts(_ text: Substring) throws(UsageError) {
        var letters = text
        while let letter = letters.popFirst() {
            let option = try option("-\(letter)") { $0.short == letter }
            let value = option.isFlag || letters.isEmpty ? nil : String(letters)
            if !option.isFlag { letters = "" }
            try take(option, value, as: "-\(letter)")
        }
    }

    private func option(_ written: String, where fits: (Option) -> Bool) throws(UsageError) -> Option {
        let known = table.common + (command?.options ?? [])
        if let option = known.first(where: fits) { return option }
        throw table.unknownOption(written, of: command, owner: table.listed.first { $0.options.contains(where: fits) })
    }

    private mutating func take(_ option: Option, _ value: String?, as written: String) throws(UsageError) {
        if given[option.long] != nil, !option.repeats {
            throw UsageError("`\(written)` is given twice", hint: "it can be given once")
        }
        given[option.long, default: []].append(try checked(option, value, written))
    }

    private mutating func checked(
        _ option: Option, _ inline: String?, _ written: String
    ) throws(UsageError) -> String {
        guard let placeholder = option.value else {
            if inline != nil { throw UsageError("`\(written)` takes no value", hint: "write only `\(written)`") }
            return ""
        }
        guard let value = inline ?? nextValue() else {
            let hint = rest.isEmpty ? nil : "a value that begins with `-` is written `--\(option.long)=-…`"
            throw UsageError("`\(written)` needs a value: `\(option.usage)`", hint: hint)
        }
        guard option.check.accepts(value) else {
            throw UsageError(
                "\(placeholder) of `\(written)` must be \(option.check.wanted), not \(mention(value))",
                hint: option.check.suggestion(for: value).map { "did you mean `\($0)`?" })
        }
        return value
    }

    private mutating func nextValue() -> String? {
        guard let next = rest.first, next == "-" || !next.hasPrefix("-") else { return nil }
        return rest.popFirst()
    }
}
