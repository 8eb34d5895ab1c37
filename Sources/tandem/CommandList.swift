// Every command of tandem, in one table: parser, help and manual page are made from it.

internal import CommandLine
internal import Model

enum TandemVersion {
    static let text = "0.1.0"
}

let commandTable = CommandTable(
    program: "tandem",
    version: TandemVersion.text,
    summary: "moves a live service from one PostgreSQL database to another, and back",
    common: [
        Option(
            "config", value: "FILE", summary: "the configuration; ./tandem.yaml when not given"),
        Option("pair", value: "NAME", summary: "only this pair of the configuration"),
    ],
    commands: configurationCommands + [
        preflightCommand, prepareCommand, runCommand, pauseCommand, resumeCommand, recopyCommand, lagCommand,
        statusCommand, setAsideCommand,
    ] + stepCommands + endingCommands + [failpointsCommand, checksCommand, metricsCommand, documentsCommand]
        + dataBCommands
        + verificationCommands + evidenceCommands + bookstoreCommands)

private let preflightCommand = Command(
    name: "preflight",
    summary: "checks everything that replication needs, on both sides, and changes nothing",
    details: """
        One report, blockers first: what was found, why it matters, and the SQL or setting that mends it. What can only be \
        known by trying is tried, for at most five seconds, and leaves nothing behind. Works before the first start, with \
        new empty or already loaded, and beside a running `tandem run`.

        With `--grants` it prints the script that gives tandem's roles what they need and no more, for one side or both; \
        what a server is too old to grant is said in a comment.

        Exit code 3 when something stands in the way, otherwise 0. A check that does not matter here is passed over with \
        a reason, which the report shows.
        """,
    arguments: .optional("old|new"),
    options: [
        Option("grants", summary: "print the grants that are needed, for psql; nothing is checked"),
        Option("only", value: "CHECK", summary: "only this check; can be repeated", repeats: true),
        Option(
            "skip", value: "CHECK", summary: "this check's findings do not count; can be repeated", repeats: true),
        Option("reason", value: "TEXT", summary: "why, one for each --skip, in their order", repeats: true),
        Option("json", summary: "for machines"),
    ],
    examples: [
        ("tandem preflight", "everything"),
        ("tandem preflight --grants old | psql OLD", "as a superuser, gives tandem's role what it needs on old"),
        ("tandem preflight --skip large-objects --reason 'exported every night'", "with that one accepted"),
    ])

private let checksCommand = Command(
    name: "checks",
    summary: "prints docs/checks.md",
    isHidden: true)

private let metricsCommand = Command(
    name: "metrics",
    summary: "prints docs/metrics.md",
    isHidden: true)

private let documentsCommand = Command(
    name: "documents",
    summary: "writes manual pages and completions into a directory, for an installation",
    details: """
        With --list it prints each command with its options instead; with --parse, which of the command lines on standard \
        input, each a JSON array of words, are none. DIRECTORY is `-` then.
        """,
    arguments: .required("DIRECTORY"),
    options: [
        Option("list", summary: "print commands and options"), Option("parse", summary: "read command lines"),
    ],
    isHidden: true)

private let prepareCommand = Command(
    name: "prepare",
    summary: "creates publication and slot, and holds a snapshot for loading new",
    details: """
        For those who load new from their own dump or backup. Creates the publication and the slot on old, prints the \
        position from which `tandem run` will continue and the snapshot that shows old at exactly that position, and \
        holds the snapshot until interrupted (Ctrl-C). What was created stays.

        Load new from that snapshot while this command holds it:

          pg_dump --snapshot=ID --data-only --exclude-schema=tandem OLD | psql NEW

        An interrupted or failed `prepare` can be repeated. Once new has begun to follow, it is refused.
        """,
    options: [
        Option(
            "again",
            summary: "replace a slot that was prepared and not used yet; new must then be loaded from the new snapshot"),
        dryRunOption,
    ],
    examples: [
        ("tandem prepare", "creates what the stream needs and holds the snapshot"),
        ("tandem prepare --dry-run", "what that would make, and whether it would be refused"),
        ("tandem prepare --again", "starts over, when loading new went wrong"),
    ])

private let runCommand = Command(
    name: "run",
    summary: "the replicator: new follows old until this is stopped",
    details: """
        With an empty new database it does everything, in this order: old's tables on new, publication and slot on old, \
        the rows, several tables at once, beside the stream, keys and indexes of each table when its rows are there, \
        foreign keys, views and the rest at the end. `tandem status` shows how far it is.

        Before it makes anything it looks for what `tandem preflight` calls blockers, and refuses (3) when there is one. What \
        the last preflight passed over with `--skip` is passed over here, too. Who has loaded new by other means is refused \
        what the last preflight found in the way.

        Runs in the foreground and logs to standard error. Stop it with SIGTERM or Ctrl-C and start it again whenever \
        you like, kill it, restart either server: it continues exactly where new stands. A second one on the same \
        stream stands by and takes over when the first ends.

        A change that cannot be applied stops the stream before the transaction it belongs to; `tandem status` says \
        what to do, and replication goes on by itself once that is done.
        """,
    options: [
        Option(
            "until", value: "caught-up|LSN",
            summary: "stop with exit code 0 once new holds everything old had at the start, or up to a position"),
        Option(
            "accept-schema",
            summary: "go on although the schema changed in a way that replication would not notice by itself"),
        Option("log", value: "FORMAT", summary: "logfmt (the default) or json", check: .choice(["logfmt", "json"])),
        Option(
            "log-level", value: "LEVEL",
            summary: "the least that is logged: debug, info (the default), warning or error",
            check: .choice(["debug", "info", "warning", "error"])),
        Option(
            "log-file", value: "FILE",
            summary: "log to a file instead of standard error; one that was moved away is begun again"),
        Option("verbose", short: "v", summary: "log more: --log-level debug"),
        dryRunOption,
    ],
    examples: [
        ("tandem run", "follows until stopped"),
        ("tandem run --dry-run", "what it would make, copy and follow, and whether it could"),
        ("tandem run --until caught-up", "catches up and ends"),
    ])

private let pauseCommand = Command(
    name: "pause",
    summary: "copying and batches rest until `tandem resume`; the stream goes on, unless --streams",
    details: """
        Works from anywhere, also while nothing runs: the request stands on new, and whoever runs the stream obeys it, \
        within a second or two. With --streams nothing of tandem writes new or reads old's log any more; what is written \
        on old meanwhile stays in its log, which the slot holds for as long as this lasts: watch `limits.wal_held`. \
        A table that is just being copied stops where it is and keeps its snapshot on old, which holds back vacuum there; \
        `tandem status` shows for how long.
        """,
    options: [Option("streams", summary: "the stream rests, too"), dryRunOption],
    examples: [
        ("tandem pause", "for the hours in which old has enough to do"),
        ("tandem pause --streams", "while somebody works on new"),
    ])

private let acceptOption = Option(
    "accept-schema", summary: "go on although the schema is no longer what `tandem preflight` or `tandem run` last saw")

private let resumeCommand = Command(
    name: "resume",
    summary: "copying, and the stream, go on",
    options: [acceptOption, dryRunOption])

private let recopyCommand = Command(
    name: "recopy",
    summary: "empties tables on new and copies them again, while the others stream",
    details: """
        Also brings back a table that was set aside. A partitioned table stands for its partitions. The running \
        `tandem run` does it, or the next one.
        """,
    arguments: .requiredMany("TABLE…"),
    options: [acceptOption, dryRunOption],
    examples: [("tandem recopy public.audit_log", "new gets the table afresh")])

private let lagCommand = Command(
    name: "lag",
    summary: "how far new is behind old, in seconds and bytes",
    details: """
        Lag is the time from commit on old to visible on new, measured with a heartbeat row. It needs no running \
        replicator, and tells the truth without one: then new is known to hold what was committed before its newest \
        heartbeat, and the lag is at most the age of that. What cannot be known is "unknown", never zero.
        """,
    options: [
        Option("watch", short: "w", summary: "redraw every second, with the last minute as a sparkline"),
        Option("json", summary: "for machines; with --watch, one line a second"),
        Option("max", value: "TIME", summary: "exit with 3 when any lag is over this, or unknown", check: .duration),
    ],
    examples: [
        ("tandem lag --watch", "to keep an eye on it"),
        ("tandem lag --max 5s", "for a script or an alert"),
    ])

private let statusCommand = Command(
    name: "status",
    summary: "one screen: the streams, what stands in their way, and what tandem has created",
    options: [Option("json", summary: "for machines")])

private let setAsideCommand = Command(
    name: "set-aside",
    summary: "takes a table that blocks out of the stream, so that the rest goes on",
    details: """
        From then on the changes of this table are counted, not applied: new's copy of it falls behind and stays wrong. \
        `tandem status` shows it until `tandem recopy` has brought it back. Nothing else is ever left out.
        """,
    arguments: .requiredMany("TABLE…"),
    options: [dryRunOption],
    examples: [("tandem set-aside public.audit_log", "lets all other tables go on")])

private let failpointsCommand = Command(
    name: "failpoints",
    summary: "the places where TANDEM_FAILPOINT=NAME makes tandem die as by kill -9",
    details: "For tests and drills. NAME:3 dies on the third passing.",
    isHidden: true)
