// `--dry-run`, the same for every command that acts: what it would do, on standard output; the exit code is that of the refusal, or
// 0. Nothing is written anywhere, the evidence included.

internal import CommandLine
internal import Model
internal import Stream

let dryRunOption = Option(
    "dry-run", summary: "say what would be done and change nothing; the exit code is that of a refusal")

enum DryRun {
    /// The last word of each.
    static func end() -> ExitCode {
        Terminal.note("Nothing was changed.")
        return .done
    }

    static func show(_ foreseen: ForeseenActs, of pair: String) {
        for act in foreseen.acts { Terminal.show("\(pair): \(withoutControls(act))") }
        for note in foreseen.notes { Terminal.note("\(pair): \(withoutControls(note))") }
    }
}
