// The commands that read and mend the evidence log.

internal import CommandLine

let evidenceCommands = [
    Command(
        name: "evidence show",
        summary: "what was done, by whom, when, and how both sides stood",
        options: [
            Option("last", value: "N", summary: "only the newest N entries", check: .wholeNumber),
            Option("json", summary: "the lines as they are in the log"),
        ],
        examples: [("tandem evidence show --last 5", "what happened lately")]),
    Command(
        name: "evidence verify",
        summary: "whether the log is whole, and what both sides remember of it",
        details: """
            Every entry is sealed with a hash over itself and the entry before; number and hash of each are also kept in \
            schema tandem on both sides. Finds any line that was changed, removed, moved or doubled, and a log that was cut \
            off. Exit code 3 when there is a fault.
            """),
    Command(
        name: "evidence export",
        summary: "the whole log, for an archive or another machine",
        arguments: .optional("FILE"),
        examples: [("tandem evidence export log.jsonl", "to be kept elsewhere")]),
    Command(
        name: "evidence import",
        summary: "takes the entries that another machine wrote into the log here",
        details: """
            Each machine that acts writes the log it has. Where it finds that the sides remember more, it goes on after \
            that and says which entries it lacks; this brings them in. Entries that both logs have must be the same.
            """,
        arguments: .required("FILE"), options: [dryRunOption]),
    Command(
        name: "evidence link",
        summary: "puts a damaged log aside and goes on in a new one",
        details: """
            For a log that cannot be gone on with: its last line was changed, or it is not what the sides remember. \
            Nothing is deleted: the old file stays beside the new one, and the new one says where it begins and why.
            """,
        options: [Option("reason", value: "TEXT", summary: "why; it is recorded", isRequired: true), dryRunOption]),
]
