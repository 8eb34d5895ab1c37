// The command that compares both sides.

internal import CommandLine

let verificationCommands = [
    Command(
        name: "verify",
        summary: "compares both sides row by row while replication runs, and names each row that differs",
        details: """
            Every table of Data A and Data B, in ranges of its key that are hashed on both servers at once. What differs is \
            read again after the stream has passed the position at which old was read, and is called different only when \
            that is proven: writes that are on their way are no difference. A difference is named by key, with the hash of \
            the row on either side.

            Exit code 0 when everything that was asked for was compared and is equal, 4 when anything differs, 1 when \
            something could not be compared. A comparison that was killed goes on where it was, within an hour.

            With `--repair`, rows of new that differ are made what they are on old, in small transactions that no user's \
            trigger sees, and are compared again; columns that only new has stay as they are. Above `verify.repair_limit` \
            rows it asks first, or wants `--yes`. Each repair is recorded in the evidence.
            """,
        options: [
            Option("table", value: "TABLE", summary: "only this one", repeats: true),
            Option("repair", summary: "make rows of new that differ what they are on old"),
            Option(
                "dry-run",
                summary:
                    "with --repair: compare, show what would be done, and write nothing at all; without: say what would be"
                    + " compared"),
            Option("yes", short: "y", summary: "do not ask before a large repair"),
            Option(
                "since", value: "LSN", summary: "only tables not proven equal at this position of old or a later one",
                check: .lsn),
            Option("show-values", summary: "show the rows that differ, as text; otherwise no value is shown"),
            Option("afresh", summary: "begin again what an earlier comparison left half-way"),
            Option("json", summary: "for machines"),
        ],
        examples: [
            ("tandem verify", "everything"),
            ("tandem verify --table public.orders --show-values", "one table, with the rows that differ"),
            ("tandem verify --repair --dry-run", "what a repair would do"),
        ]),
    Command(
        name: "canary",
        summary: "tries what the application reads on both sides: answers, times, plans",
        details: """
            Tries what `canary` of the configuration names. A read is asked on old and on new, with each of its sets of \
            parameters: the answers must be the same, new may take `slower` times as long as old, and `within` at most, and \
            a plan that is another one is shown. Answers that differ are asked for again until the stream has passed and \
            neither side's moves any more: what is on its way is no difference. Times are taken in turns, the way to the \
            server and back is taken off; differences below 2 ms do not count. A program is run, and passes when it ends with 0: \
            it can ask what databases do not know, the error rate of the first instances that read new against the others'.

            Reads run in sessions like an application's, in transactions that can write nothing; give tandem's role the right \
            to read what they read. What came of each is recorded on new and in the evidence, without a value of a row, and \
            gate `canary` goes by it.

            Exit code 0 when all pass, 4 when answers differ, 3 when only the side not in charge fails, a read takes too long or \
            has a plan that was not wanted, or a program says no, 1 when it could not be told, 2 when nothing is named.
            """,
        options: [
            Option("only", value: "NAME", summary: "only this one", repeats: true),
            Option("dry-run", summary: "try and show, and record nothing; programs are run"),
            Option("json", summary: "for machines"),
        ],
        examples: [
            ("tandem canary", "everything that the configuration names"),
            ("tandem canary --only 'order page' --json", "one read, with both plans"),
        ]),
    Command(
        name: "resync",
        summary: "after the slot was lost: makes new level with old again, without copying everything",
        details: """
            Makes a new slot, compares every carried table with the snapshot that shows old at exactly that position, makes \
            rows of new that differ what they are there, and binds the stream to that position; then `tandem run` goes on. \
            `tandem run` must not run meanwhile, and nobody else may write on new. Old keeps the snapshot for as long as it \
            takes, which holds back vacuum there. A table of which more than 200,000 rows differ is copied again by the next \
            run. Refused when nothing is lost.
            """,
        options: [
            dryRunOption,
            Option("yes", short: "y", summary: "do not ask"),
        ],
        examples: [("tandem resync", "when `run` ends with 6 because the slot is lost")]),
]
