// `tandem documents`: what an installation puts beside the binary, written from the table of commands.

internal import CommandLine
internal import Foundation
internal import Model

func documents(_ arguments: Parsed) throws -> ExitCode {
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
