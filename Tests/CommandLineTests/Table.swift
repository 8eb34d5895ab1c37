// The table the tests of this room parse with: every kind of option and argument once.

import CommandLine
import Testing

let table = CommandTable(
    program: "tandem", version: "1.2.3", summary: "keeps two databases in tandem",
    common: [
        Option("config", short: "c", value: "FILE", summary: "reads FILE instead of tandem.yaml"),
        Option("json", summary: "writes JSON"),
    ],
    commands: [
        Command(
            name: "run", summary: "replicates in the foreground",
            details: """
                Copies what is not copied yet, then streams changes until it is told to stop. It resumes where it was
                after any crash.

                Signals:

                  TERM   stops after the transaction at hand
                  INT    likewise
                """,
            options: [
                Option("until", value: "WHEN", summary: "ends there: `caught-up` or a position"),
                Option("verbose", short: "v", summary: "says more", repeats: true),
                Option("quiet", short: "q", summary: "says less"),
            ],
            examples: [("tandem run --until caught-up", "copies everything, catches up and ends")]),
        Command(
            name: "lag", summary: "shows how far each stream is behind",
            options: [
                Option("watch", summary: "redraws"),
                Option("max", short: "m", value: "DURATION", summary: "refuses beyond it", check: .duration),
                Option("since", value: "LSN", summary: "counts from there", check: .lsn),
                Option("room", value: "SIZE", summary: "memory to use", check: .size),
                Option("count", value: "N", summary: "ends after N", check: .wholeNumber),
            ]),
        Command(
            name: "adopt", summary: "accepts a side", arguments: .optional("PAIR"),
            options: [
                Option(
                    "side", value: "SIDE", summary: "which one", isRequired: true, check: .choice(["old", "new"]))
            ]),
        Command(
            name: "recopy", summary: "copies tables again", arguments: .requiredMany("TABLE…"),
            options: [Option("pair", value: "PAIR", summary: "only there", repeats: true)]),
        Command(name: "explain", summary: "explains a gate", arguments: .required("GATE")),
        Command(name: "b now", summary: "brings Data B up to date", arguments: .optionalMany("TABLE…")),
        Command(name: "b pause", summary: "rests"),
        Command(name: "status", summary: "shows everything on one screen"),
        Command(name: "inspect", summary: "for developers", arguments: .required("FILE"), isHidden: true),
    ])

func parsed(_ arguments: String...) throws -> Parsed {
    guard case .run(let parsed) = try table.parse(arguments) else {
        Issue.record("\(arguments) is not a command")
        return Parsed(command: "")
    }
    return parsed
}

func help(_ arguments: String...) throws -> String {
    guard case .help(let text) = try table.parse(arguments) else {
        Issue.record("\(arguments) does not ask for help")
        return ""
    }
    return text
}

/// What is said about a wrong command line, its hint after an arrow.
func complaint(_ line: String) -> String {
    do {
        _ = try table.parse(line.split(separator: " ").map { $0 == "''" ? "" : String($0) })
        return "accepted"
    } catch {
        return [error.description, error.hint].compactMap { $0 }.joined(separator: " → ")
    }
}
