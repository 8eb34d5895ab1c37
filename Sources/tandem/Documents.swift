// `tandem documents`: what an installation puts beside the binary, written from the table of commands.

internal import CommandLine
internal import Foundation
internal import Metrics
internal import Model

func metrics(_ arguments: Parsed) throws -> ExitCode {
    Terminal.show(MetricsDocument.text)
    return .done
}

func documents(_ arguments: Parsed) throws -> ExitCode {
    if arguments.has("list") { return listCommands() }
    if arguments.has("parse") { return try parseLines() }
    let directory = URL(fileURLWithPath: arguments.arguments[0], isDirectory: true)
    var files: [String: String] = [
        "bash-completion/tandem": commandTable.bashCompletion(), "zsh/_tandem": commandTable.zshCompletion(),
    ]
    for (name, page) in commandTable.manualPages { files["man1/\(name)"] = page + "\n" }
    for (name, text) in files {
        let file = directory.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    return .done
}

private func listCommands() -> ExitCode {
    for command in commandTable.commands where !command.isHidden {
        Terminal.show(([command.name] + command.options.map(\.long)).joined(separator: "\t"))
    }
    return .done
}

/// By number, what is wrong with each line that is none.
private func parseLines() throws -> ExitCode {
    var result = ExitCode.done
    var number = 0
    while let line = readLine() {
        let words = try JSONDecoder().decode([String].self, from: Data(line.utf8))
        do { _ = try commandTable.parse(words) } catch {
            Terminal.show("\(number): \(error)")
            result = .usage
        }
        number += 1
    }
    return result
}
