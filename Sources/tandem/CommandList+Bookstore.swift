// The commands of the example application, and the demo.

internal import Bookstore
internal import CommandLine

private let directoryOption = Option(
    "dir", value: "DIR", summary: "where ledgers, control and state files are; ./bookstore when not given")
private let jsonOption = Option("json", summary: "for machines: one object a line")

/// What `instance` and `fleet` share.
private let serving = [
    Option("old", value: "CONN", summary: "old, or the one address there is; $TANDEM_BOOKSTORE_OLD when not given"),
    Option("new", value: "CONN", summary: "new; $TANDEM_BOOKSTORE_NEW when not given"),
    Option(
        "strategy", value: "STRATEGY", summary: "whether it knows of two databases",
        check: .choice(["dual-write", "pause"])),
    Option(
        "mode", value: "MODE", summary: "how it uses them; 1 when not given", check: .choice(["1", "3", "4", "5", "6"])),
    Option("follow", summary: "with --strategy pause: when nobody may write here (25006), goes to the other address"),
    Option("clients", value: "N", summary: "customers at once, each on a thread of its own; 2", check: .wholeNumber),
    Option(
        "rate", value: "N", summary: "operations a second of an instance; as many as come when not given",
        check: .wholeNumber),
    Option("think", value: "TIME", summary: "each customer waits so long after each operation", check: .duration),
    Option("mix", value: "SHARES", summary: "what happens and how often: order=40,browse=60"),
    Option("for", value: "TIME", summary: "ends after this; goes on until stopped when not given", check: .duration),
    Option(
        "patience", value: "TIME", summary: "how long an operation is tried again; 10s, with --strategy pause 30s",
        check: .duration),
    Option("lock-timeout", value: "TIME", summary: "of each transaction; 2s", check: .duration),
    Option(
        "statement-timeout", value: "TIME", summary: "of each transaction; 5s, with --strategy pause 30s",
        check: .duration),
    Option("text", value: "N", summary: "letters of a long text; 4000", check: .wholeNumber),
    Option("import-rows", value: "N", summary: "rows of a bulk import; 5000", check: .wholeNumber),
    Option("seed", value: "N", summary: "of the random numbers; 1", check: .wholeNumber),
    Option("undeclared", summary: "does not say its mode to the database"),
    Option(
        "fault", value: "MISTAKE", summary: "makes a mistake on purpose",
        check: .choice(Fault.allCases.map(\.rawValue))),
    directoryOption, jsonOption, dryRunOption,
]

let bookstoreCommands = [
    Command(
        name: "bookstore load",
        summary: "makes the bookstore in a database, or alike in two",
        details: """
            Schema bookstore is what its users read, bookstore_stats is derived. Both are made with the same rows wherever \
            they are loaded, and DIR/opening says how many, for instances and the check. Refused (3) where there is one \
            already, or where DIR has ledgers.
            """,
        options: [
            Option("old", value: "CONN", summary: "a database to load"),
            Option("new", value: "CONN", summary: "another one"),
            Option("books", value: "N", summary: "books; 1000", check: .wholeNumber),
            Option("accounts", value: "N", summary: "accounts; 200", check: .wholeNumber),
            Option("pieces", value: "N", summary: "pieces of each book; 1000", check: .wholeNumber),
            Option("cents", value: "N", summary: "cents on each account; 10000000", check: .wholeNumber),
            Option("text", value: "N", summary: "letters of each description; 1000", check: .wholeNumber),
            Option("keyless", summary: "with a table without a key, which only strategy `pause` can move"),
            Option("replace", summary: "drops the bookstore that is there, and its ledgers"),
            directoryOption, dryRunOption,
        ],
        examples: [("tandem bookstore load --old postgresql:///shop --books 10000", "in one database")]),
    Command(
        name: "bookstore instance",
        summary: "one instance of the bookstore's application, serving customers until stopped",
        details: """
            A process with its own application_name. It serves a mix of operations, and reports each second. Modes, as an \
            application goes through them when it is moved by dual-write:

              1  writes and reads old
              3  writes both, an error on new is nobody's error; reads old
              4  writes both or neither; reads old
              5  writes both or neither; reads new
              6  writes and reads new

            `tandem bookstore set` changes the mode while it runs. With --strategy pause it knows one address at a time and \
            connects again by itself.

            Every acknowledged write stands in DIR/NAME.ledger, on disk, before it counts as acknowledged; `tandem bookstore \
            check` judges by that.

            Exit code 0 when it was stopped or its time was over, 1 when it cannot go on.
            """,
        arguments: .required("NAME"),
        options: serving,
        examples: [
            ("tandem bookstore instance web-1 --old postgresql:///shop --rate 100", "serves on old"),
            ("tandem bookstore instance web-1 --old OLD --new NEW --mode 4", "writes both databases"),
        ]),
    Command(
        name: "bookstore fleet",
        summary: "several instances, each a process of its own, with one report",
        details: """
            Starts web-1, web-2 … with the same options and reports all of them together each second; with --json the lines \
            of each. Options of all: see `tandem help bookstore instance`. Stopping it stops them.
            """,
        options: [Option("instances", value: "N", summary: "how many; 3", check: .wholeNumber)] + serving,
        examples: [
            ("tandem bookstore fleet --instances 4 --old postgresql:///shop --rate 50", "200 operations a second")
        ]),
    Command(
        name: "bookstore set",
        summary: "changes the mode, address or rate of instances while they run",
        details: """
            Writes DIR/NAME.control, which an instance looks at several times a second, and waits until it says that \
            everything it does is done so. `all` stands for all that run. Exit code 1 when an instance does not answer within ten \
            seconds.
            """,
        arguments: .requiredMany("INSTANCE…"),
        options: [
            Option("mode", value: "MODE", summary: "its mode from now on", check: .choice(["1", "3", "4", "5", "6"])),
            Option(
                "address", value: "SIDE", summary: "with --strategy pause: which address it uses",
                check: .choice(["old", "new"])),
            Option("rate", value: "N", summary: "operations a second; 0 is as many as come", check: .wholeNumber),
            directoryOption, dryRunOption,
        ],
        examples: [("tandem bookstore set web-1 --mode 4", "one instance at a time")]),
    Command(
        name: "bookstore list",
        summary: "the instances, their modes, and how they are",
        options: [directoryOption, jsonOption]),
    Command(
        name: "bookstore batch",
        summary: "the batch that writes what is derived: daily sales, bestsellers, a materialized view",
        details: "Goes round until stopped. A transaction that is at work comes to its end first.",
        options: [
            Option("on", value: "CONN", summary: "the database", isRequired: true),
            Option("every", value: "TIME", summary: "a round; 5s", check: .duration),
            Option("once", summary: "one round"),
            jsonOption, dryRunOption,
        ]),
    Command(
        name: "bookstore check",
        summary: "whether everything the ledgers acknowledge is there, once, and nobody read backwards",
        details: """
            Reads the ledgers in DIR and each database that is named, which nobody may be writing: nothing acknowledged is \
            lost, nothing is there twice, nothing that was rolled back is there, stock and balances come out, every row's \
            versions follow one another, no instance read an older value after a newer one. Without --old and --new it judges \
            the ledgers alone.

            Exit code 0 when all is well, 4 when not, 1 when that could not be found out.
            """,
        options: [
            Option("old", value: "CONN", summary: "a database that must hold what was acknowledged"),
            Option("new", value: "CONN", summary: "another one"), directoryOption, jsonOption,
        ]),
    Command(
        name: "bookstore drop",
        summary: "takes the bookstore's schemas away",
        options: [
            Option("old", value: "CONN", summary: "a database"), Option("new", value: "CONN", summary: "another one"),
            dryRunOption,
        ]),
    Command(
        name: "demo",
        summary: "shows a migration on two throwaway servers, with a bookstore that is used meanwhile",
        details: """
            Needs no configuration, only PostgreSQL's server programs on this machine. Makes two servers, opens a bookstore \
            with several instances on one, copies and streams it to the other, kills and restarts tandem, takes the instances \
            through all steps to new and back, one after another, and ends with the verdict of the bookstore's own ledger. On a \
            terminal it is one screen; elsewhere, lines.

            Everything it makes is gone at its end, also after Ctrl-C or a failure.

            Exit code 0 when all went well, 4 when the sides or the ledger differ, 3 when there are no server programs.
            """,
        options: [
            Option("pause", summary: "an application that knows one database: the switch, and the switch back"),
            Option("seconds", value: "TIME", summary: "how long it follows; 20s", check: .duration),
            Option("rate", value: "N", summary: "operations a second of each instance; 100", check: .wholeNumber),
            Option("instances", value: "N", summary: "how many; 3", check: .wholeNumber),
            Option("books", value: "N", summary: "books; 20000", check: .wholeNumber),
            Option("postgres", value: "DIR", summary: "where initdb, pg_ctl and postgres are"),
            Option("keep", summary: "leaves the directory with data and logs"),
            dryRunOption,
        ],
        examples: [
            ("tandem demo", "some two minutes"), ("tandem demo --pause", "the sides change places, twice"),
            ("tandem demo --seconds 5s --rate 300", "shorter and busier"),
        ]),
]
