// The commands that move a migration and tell where it stands.

internal import CommandLine

private let waiver = [
    Option("waive", value: "GATE", summary: "go on although this gate refuses", repeats: true),
    Option("reason", value: "TEXT", summary: "why; goes into the evidence, with who said so"),
]

private let moving =
    [
        Option("yes", short: "y", summary: "do not ask"),
        dryRunOption,
    ] + waiver

let stepCommands = [
    Command(
        name: "step",
        summary: "where the migration stands, and what each gate ahead sees just now",
        details: """
            Looks through every gate of every step ahead, in both databases, and changes nothing. A gate says what it saw \
            and what would make it pass; one that cannot be looked at is unknown, which is not passed.

            With --explain it says why a gate exists and, where the protocol's model has one, the shortest course of events \
            that it prevents.
            """,
        options: [
            Option("explain", value: "GATE", summary: "why this gate exists, and whether it can be waived"),
            Option("json", summary: "for machines"),
        ],
        examples: [
            ("tandem step", "what stands in the way of the next step"),
            ("tandem step --explain data-b", "why it wants that"),
        ]),
    Command(
        name: "fleet",
        summary: "the instances of the application as the databases see them",
        details: """
            Who has written old and new, in which mode, when last, from where; who of `fleet:` was never seen; and what became \
            of the rows that applications write on both sides. Triggers tell it, from step 3 on; PostgreSQL 13 does not hand \
            that on.

            Exit code 3 when somebody wrote within `gates.quiet` in a mode that the step does not allow.
            """,
        options: [
            Option("watch", summary: "redraws every second, until interrupted"),
            Option("json", summary: "for machines"),
        ],
        examples: [("tandem fleet --watch", "while instances are deployed, one after another")]),
    Command(
        name: "advance",
        summary: "the next step: shows its gates, asks, acts, records the evidence",
        details: """
            All pairs of the configuration step together: every gate of every pair first, then each pair. Refused (3) when a \
            gate refuses that is not waived, or when the step needs what this version of tandem does not have.

            Interrupt it or kill it wherever you like, and repeat it: before its commit nothing has happened, after it the \
            same command completes what is left, and does no more than that. A second one at the same time is told so.

            `hooks.before_step` runs first, and both servers get a restore point; docs/steps.md has all of it.
            """,
        options: moving,
        examples: [
            ("tandem advance --dry-run", "what would be done, and what stands in the way"),
            ("tandem advance --waive verified --reason 'compared by hand'", "with that one on record"),
        ]),
    Command(
        name: "back",
        summary: "the step before: the same, in the other direction",
        details: """
            From step 2, batches of Data B go on again. After an `advance` that was interrupted before its commit, it \
            undoes what that had made. From step 1 there is no way back but `tandem abort`.
            """,
        options: moving,
        examples: [("tandem back", "new goes on following; the writers of Data B may start again")]),
    Command(
        name: "switch",
        summary: "strategy `pause`: the sides change places, with writers held for a moment",
        details: """
            From step 2 to step 6, with --back from 6 to 2: every gate first; then writers are held on both sides, everything \
            that the side in charge has is brought to the other and proven to be durable there, and that one is in charge. \
            `limits.pause` is how long writers may be held; past it the switch undoes itself and names who was in the way. \
            With a pooler in between, `hooks.on_flip` holds clients, and they see no error.

            Interrupt it or kill it wherever you like, and repeat it: before its commit nothing has happened, after it `tandem \
            run`, or the same command, completes it. All pairs of the configuration switch together.

            With --dry-run it takes the fence itself for at most 50 ms, and says how long it would have waited, and for whom. \
            docs/switch.md has all of it.
            """,
        options: [Option("back", summary: "old takes over again")] + moving,
        examples: [
            ("tandem switch --dry-run", "what stands in the way, and how long it would take"),
            ("tandem switch", "new takes over"), ("tandem switch --back", "and old again"),
        ]),
    Command(
        name: "fence-function",
        summary: "prints the SQL of the fence's function on one side",
        details: "For benchmarks: the function as the step to 2 or 3 makes it, and as it would be with the census.",
        arguments: .required("old|new"),
        options: [Option("census", summary: "with what tells the log who writes")], isHidden: true),
]
