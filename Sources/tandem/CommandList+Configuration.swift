// The commands that write and explain the configuration.

internal import CommandLine

let configurationCommands = [
    Command(
        name: "init",
        summary: "looks at old and proposes a tandem.yaml, every table with its reason",
        details: """
            Reads catalogs and statistics of old, changes nothing there, and does not connect to new. Every table and \
            materialized view is named once: Data A is carried continuously, Data B are derived tables that batches write, \
            and what cannot be told is `undecided` until you decide.

            Where the file is there already it is never changed: what came to old or went since is shown.
            """,
        options: [
            Option("old", value: "CONN", summary: "the live database, a libpq connection string"),
            Option("new", value: "CONN", summary: "the one it is to move to"),
            Option(
                "migration", value: "NAME", summary: "the name of the migration; that of the database when not given"),
            Option("all-databases", summary: "a pair for each database of old's server that has tables"),
            Option("dry-run", summary: "print the file instead of writing it"),
        ],
        examples: [
            (
                "tandem init --old postgresql://me@old.example/shop --new postgresql://me@new.example/shop",
                "writes ./tandem.yaml"
            ),
            ("tandem init", "what changed since"),
        ]),
    Command(
        name: "config show",
        summary:
            "the plan as it was understood: every table of old, its class and why; every limit and where it is from",
        details: "Passwords are never shown. Exit code 2 when a pattern matches nothing, 1 when old cannot be reached.",
        options: [Option("json", summary: "for machines")]),
]
