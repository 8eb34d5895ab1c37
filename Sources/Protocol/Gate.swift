// The conditions that transitions ask for, by name, with why each exists. What they see is the product's; here is what they
// mean. Pure.

package enum Gate: String, Sendable, CaseIterable, CustomStringConvertible {
    case decided, preflight, schema, copy, stream, lag, verified
    case dataB = "data-b"
    case keys, statistics, sequences, rollback, standbys, census, canary, rehearsed

    package var description: String { rawValue }

    /// What it demands, in a few words.
    package var demand: String {
        switch self {
        case .decided: "every table is classified"
        case .preflight: "the last preflight found no blocker, and both schemas are as it saw them"
        case .schema: "both schemas are as they were last checked"
        case .copy: "every table is copied, none is set aside or waits to be copied again"
        case .stream: "the streams this step needs run and apply"
        case .lag: "the applying stream is at most `gates.lag` behind"
        case .verified: "both sides were compared within `gates.verified_within`, and nothing differs"
        case .dataB: "the final copy of Data B found both sides identical, within `gates.verified_within`"
        case .keys: "every table of Data A has the same key on both sides"
        case .statistics: "the planner knows the tables on new"
        case .sequences: "ids that both sides give out can be kept apart"
        case .rollback: "the way back works: its stream is healthy, has room, and may write"
        case .standbys: "the standbys that commits wait for are there"
        case .census: "every instance was seen in a mode that both steps allow"
        case .canary: "what `canary` names was tried within `gates.verified_within`, and passed"
        case .rehearsed: "the whole sequence was rehearsed within `gates.rehearsed_within`"
        }
    }

    package var why: String {
        switch self {
        case .decided:
            """
            A table that nobody has decided about is carried by nothing. It would be missing on new, and nobody would \
            notice before users read there.
            """
        case .preflight:
            """
            What replication needs was looked for once, on the databases as they were. A blocker that stands, or a schema \
            that changed since, makes that report one about other databases.
            """
        case .schema:
            """
            A table, column or key that came since the last check may be missing on the other side. What is found in the \
            middle of a switch is found too late.
            """
        case .copy:
            """
            A table whose rows are not all on new would be empty in part for whoever reads there, and a table that is set \
            aside stays wrong for ever.
            """
        case .stream:
            """
            A stream that rests, retries or is blocked has changes before it that the other side lacks, however small the \
            lag was when it was last measured.
            """
        case .lag:
            """
            Whatever waits for a side to have everything waits at least this long, and users wait with it. A lag that is not \
            known is not a small one.
            """
        case .verified:
            """
            Replication that runs without an error is not yet proof that rows are equal. Somebody may have written on the \
            other side, or a load may have been incomplete. Only comparing tells.
            """
        case .dataB:
            """
            Data B travels in batches, and later steps do not carry it. A job that still writes it on old would write what \
            nobody brings along.
            """
        case .keys:
            """
            When applications write both sides, rows are repaired by their key. Without the same key on both sides there is \
            no saying which row is whose twin; then only strategy `pause` is possible.
            """
        case .statistics:
            """
            A database without statistics plans blindly, and the first minutes of real reads can take it down. `ANALYZE` costs \
            little and must be done before.
            """
        case .sequences:
            """
            For a while some instances take ids from old and others from new. Each sequence of the one side is put beyond what \
            the other one has given out and will for a while; where there is no room for that, two rows would get the same id.
            """
        case .rollback:
            """
            A step whose way back was never seen to work has none. The slot must be there and healthy, the log it may hold \
            must fit, sequences must be ahead, and tandem's role must be able to write on the other side.
            """
        case .standbys:
            """
            A step that holds writers is committed only with what its server's synchronous standbys have. Where too few of them \
            are there that commit waits for them, as everybody's does; and one that was promoted later without having heard of \
            the step would take writes while the other side is in charge.
            """
        case .census:
            """
            Modes two apart must never live together: one would read what the other does not write. So every instance has to \
            be seen to have left the old mode before the next one is permitted.
            """
        case .canary:
            """
            The few instances that go first, and the reads named in the configuration, show what all the others would meet.
            """
        case .rehearsed:
            """
            What was never tried end to end, forward and back, on data of this shape, is tried for the first time on users.
            """
        }
    }

    /// Whether a recorded reason may take its place. The others are what correctness rests on.
    package var isWaivable: Bool {
        switch self {
        case .lag, .verified, .dataB, .statistics, .canary, .rehearsed: true
        case .decided, .preflight, .schema, .copy, .stream, .keys, .sequences, .rollback, .standbys, .census: false
        }
    }
}
