// The commands that end a migration, and the one that takes in a side that came back as another server.

internal import CommandLine

private let ending = [
    Option("without", value: "old|new", summary: "this side is gone for good: end it on the other one alone"),
    dryRunOption,
    Option("yes", short: "y", summary: "do not ask"),
]

let endingCommands = [
    Command(
        name: "adopt",
        summary: "takes a side in that came back as another server: restored from a dump, upgraded with pg_upgrade",
        details: """
            A side whose system identifier is not the one on record is refused by every other command. This looks whether it \
            is that side's database at all, with the schema that was last seen, makes other slots, compares every table and makes \
            the side that is not in charge equal to the other, and writes down which server it is now. The side in charge must \
            not be older than what the other one has of it. Where applications write both sides, they are refused on the side that \
            is made equal for as long as that takes. Stop `tandem run` first.
            """,
        options: [
            Option("side", value: "old|new", summary: "which one came back", isRequired: true),
            Option(
                "accept-loss",
                summary: "the side in charge may be older than what the other one has of it: that is undone there"),
            dryRunOption,
            Option("yes", short: "y", summary: "do not ask"),
        ],
        examples: [("tandem adopt --side old", "after pg_upgrade of old")]),
    Command(
        name: "finish",
        summary: "ends the migration at step 6: nothing of tandem remains in either database",
        details: """
            Removes slots, publications, origins and tandem's schema on both sides. There is no way back afterwards. Stop \
            `tandem run` first. Before step 6 it is `tandem abort`, or `tandem back`.
            """,
        options: ending),
    Command(
        name: "abort",
        summary: "ends replication at steps 0 to 2: nothing of tandem remains in either database",
        details: """
            Drops slots, publications and origins, and tandem's own schema on both sides. Your tables stay as they are. Stop \
            `tandem run` first. When one side cannot be reached the other is freed all the same; repeat it for the rest, or \
            say with --without that there is no rest. At steps 3 to 5 only with --without new.
            """,
        options: ending),
]
