// The commands for Data B.

internal import CommandLine

let dataBCommands = [
    Command(
        name: "b now",
        summary: "brings tables of Data B along now, and compares their rows",
        details: """
            A request to the running `tandem run`, or to the next one: a batch of each table, and the comparison of all its \
            rows where `deletes` is configured. All tables of Data B when none is named. Also for a table that is paused, \
            which stays so. `tandem status` shows what came of it.
            """,
        arguments: .optionalMany("TABLE…"), options: [dryRunOption],
        examples: [("tandem b now stats.daily_sales", "does not wait for its interval")]),
    Command(
        name: "b pause",
        summary: "batches rest until `tandem b resume`; the stream goes on",
        details: """
            Works from anywhere, also while nothing runs. A batch that is at work comes to its end first. Without tables, \
            all of Data B.
            """,
        arguments: .optionalMany("TABLE…"), options: [dryRunOption],
        examples: [("tandem b pause", "for the hours in which old has enough to do")]),
    Command(
        name: "b resume",
        summary: "batches go on",
        details: "Without tables, all of Data B, those paused by name among them.",
        arguments: .optionalMany("TABLE…"), options: [dryRunOption]),
    Command(
        name: "b final",
        summary: "proves that the writers of Data B have stopped, copies once more, and compares byte for byte",
        details: """
            Watches old for `gates.quiet` (60 s): every table can be locked, nobody holds a writer's lock on it, its counters \
            and newest timestamp do not move. Then a batch and a comparison of each table, and at the end each is compared \
            with old byte for byte. Batches by schedule wait meanwhile. All of Data B when no table is named.

            Exit code 0 when all are identical, 4 when any differs, 3 when anybody still writes, who is named then. What \
            was found goes into the evidence.

            With --dry-run it looks once whether anybody writes, and does not wait.

            It needs UPDATE on old's tables for a lock that it holds for a moment; nothing is written there.
            """,
        arguments: .optionalMany("TABLE…"),
        options: [Option("json", summary: "for machines: one verdict a table"), dryRunOption],
        examples: [("tandem b final", "before the tables' writers move to new")]),
]
