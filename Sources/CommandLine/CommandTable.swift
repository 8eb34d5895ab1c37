// The one table from which command lines are read and help and the manual page are written, so that they agree.
// It knows no particular command besides `help`, which every program has.

package struct CommandTable: Sendable {
    package let program: String
    package let version: String
    package let summary: String
    /// Options that every command has.
    package let common: [Option]
    package let commands: [Command]

    package init(program: String, version: String, summary: String, common: [Option], commands: [Command]) {
        self.program = program
        self.version = version
        self.summary = summary
        self.common = common + CommandTable.standard
        self.commands = commands + [CommandTable.help]
        precondition(mistakes.isEmpty, mistakes.joined(separator: "; "))
    }

    package func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
        var reader = ArgumentReader(self, arguments)
        return try reader.invocation()
    }

    static let helpOption = Option("help", short: "h", summary: "explains a command, and does nothing else")
    static let versionOption = Option("version", summary: "prints the version, and does nothing else")
    static let standard = [helpOption, versionOption]
    static let help = Command(
        name: "help", summary: "explains a command, or lists them all", arguments: .optionalMany("COMMAND"))

    var listed: [Command] { commands.filter { !$0.isHidden } }

    func command(named name: String) -> Command? { commands.first { $0.name == name } }

    /// The commands of which `words` is the beginning: `b` for `b now` and `b pause`.
    func group(_ words: [String]) -> [Command] {
        listed.filter { $0.words.count > words.count && $0.words.starts(with: words) }
    }
}
