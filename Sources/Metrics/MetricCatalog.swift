// Every metric there is. The page, docs/metrics.md and the tests of alerts and dashboard go by this list.

package enum MetricCatalog {
    // MARK: the process

    package static let build = Metric(
        "tandem_build_info", .gauge, ["version"], "Always 1; the version is in the label.")
    package static let observed = Metric(
        "tandem_observation_timestamp_seconds", .gauge, [],
        "When both databases of every pair were last looked at. What is shown was so then.")
    package static let observing = Metric(
        "tandem_observation_duration_seconds", .gauge, [], "How long it took to look at them.")
    package static let errors = Metric(
        "tandem_errors_total", .counter, ["sqlstate"],
        "Problems logged with this SQLSTATE since this process began. One that lasts counts once.")
    package static let lines = Metric(
        "tandem_log_events_total", .counter, ["level"],
        "Events of each level since this process began,"
            + " whether they were written to the log or not.")
    package static let hooked = Metric(
        "tandem_hook_events_total", .counter, ["outcome"],
        "Events for hooks.on_event since this process began: delivered, failed, or dropped because too many waited.")
    package static let started = Metric(
        "process_start_time_seconds", .gauge, [], "When this process began, in seconds since 1970.")
    package static let resident = Metric("process_resident_memory_bytes", .gauge, [], "Memory this process holds.")
    package static let processor = Metric(
        "process_cpu_seconds_total", .counter, [], "Processor time this process has used.")
    package static let descriptors = Metric(
        "process_open_fds", .gauge, [], "Open files and connections of this process.")

    // MARK: the pair

    private static let pair = ["pair"]

    package static let up = Metric(
        "tandem_side_up", .gauge, ["pair", "side"], "1 when this side of the pair could be read, 0 when not.")
    package static let step = Metric("tandem_step", .gauge, pair, "The step at which the pair stands, 0 to 6.")
    package static let stepPending = Metric(
        "tandem_step_pending", .gauge, pair,
        "1 when a transition was begun and did not come to its end: run the same command again.")
    package static let truth = Metric(
        "tandem_side_in_charge", .gauge, ["pair", "side"], "1 for the side whose values count, 0 for the other one.")
    package static let rollback = Metric(
        "tandem_rollback_available", .gauge, pair, "1 when going back would work now; tandem status says why not.")

    // MARK: streams

    private static let stream = ["pair", "direction"]

    package static let running = Metric(
        "tandem_stream_running", .gauge, stream, "1 when some process runs this stream: it spoke within seconds.")
    package static let ours = Metric(
        "tandem_stream_run_here", .gauge, stream, "1 when it is this process that runs it, 0 when this one stands by.")
    package static let state = Metric(
        "tandem_stream_state", .gauge, stream + ["state"], "1 for what the stream does now, 0 for everything else.")
    package static let role = Metric(
        "tandem_stream_role", .gauge, stream + ["role"],
        "1 for the role that the step gives the stream, apply or watch.")
    package static let lag = Metric(
        "tandem_lag_seconds", .gauge, stream,
        "From commit on the source to visible on the target, by heartbeat; at most that when bound is at_most. Absent when unknown."
    )
    package static let bound = Metric(
        "tandem_lag_bound", .gauge, stream + ["bound"], "1 for how sure the lag is: exact, at_most or unknown.")
    package static let behind = Metric(
        "tandem_lag_bytes", .gauge, stream, "Log of the source that the target has not passed.")
    package static let held = Metric(
        "tandem_wal_held_bytes", .gauge, stream, "Log that the slot keeps on the source.")
    package static let heldLimit = Metric(
        "tandem_wal_held_limit_bytes", .gauge, stream, "limits.wal_held: how much that may be.")
    package static let heldLeft = Metric(
        "tandem_wal_held_limit_remaining_seconds", .gauge, stream,
        "How long the target may stay away until the limit is reached, at the rate of the last minute. Absent when little is written."
    )
    package static let slotLost = Metric(
        "tandem_slot_lost", .gauge, stream, "1 when the source has given up the slot: tandem resync.")
    package static let transactions = Metric(
        "tandem_transactions_total", .counter, stream,
        "Transactions applied (or watched) since the"
            + " session began; the heartbeat is one a second.")
    package static let batches = Metric(
        "tandem_batches_total", .counter, stream,
        "Commits on the target since the session began, each of one or more transactions.")
    package static let rows = Metric(
        "tandem_rows_total", .counter, stream,
        "Changes of rows applied (or watched) since the session"
            + " began, with the heartbeat's.")
    package static let own = Metric(
        "tandem_own_transactions_total", .counter, stream,
        "Transactions of tandem's own on the source, left out since the session began.")
    package static let spilled = Metric(
        "tandem_spill_bytes", .gauge, stream, "Bytes in spill files now.")
    package static let differencesFound = Metric(
        "tandem_differences_total", .counter, stream + ["table", "kind"],
        "Rows that were not what they should have been when a change came to them.")
    package static let differencesRepaired = Metric(
        "tandem_differences_repaired_total", .counter, stream + ["table", "kind"],
        "Of those, made equal by reading again.")
    package static let setAside = Metric(
        "tandem_tables_set_aside", .gauge, stream, "Tables taken out of the stream; their copies are wrong.")
    package static let setAsideChanges = Metric(
        "tandem_set_aside_changes_total", .counter, stream + ["table"], "Changes left out of a table that is set aside."
    )
    package static let notCarried = Metric(
        "tandem_tables_not_carried", .gauge, pair, "Tables that data_a names and the stream does not carry.")
    package static let watched = Metric(
        "tandem_watched_changes_total", .counter, ["pair", "table", "by"],
        "Changes that the stream back has seen on new, made by an application or by replication of others.")

    package static let twins = Metric(
        "tandem_twins_total", .counter, ["pair", "table", "outcome"],
        "Rows that applications wrote on both sides, by what was found: matched, late, failed, orphan, foreign; and how often one was"
            + " written again: repaired.")
    package static let twinsOpen = Metric(
        "tandem_twins_open", .gauge, stream,
        "Rows that a watching stream has seen touched and that are not yet known to be the same on both sides.")

    package static let idsLeft = Metric(
        "tandem_ids_left", .gauge, ["pair", "sequence"],
        "Values that this sequence of old may still give out before it comes to those that new gives out; only while both do."
    )
    package static let idsGap = Metric(
        "tandem_ids_gap", .gauge, ["pair", "sequence"], "How many there were when the ids of both sides were set apart."
    )

    // MARK: the copy

    package static let copyTables = Metric(
        "tandem_copy_tables", .gauge, pair + ["state"], "Tables whose existing rows are done, or still to be copied.")
    package static let copyBytes = Metric(
        "tandem_copy_source_bytes", .gauge, pair + ["state"],
        "Of the tables to be copied, bytes on the source that are done, or left.")
    package static let copyRows = Metric(
        "tandem_copied_rows_total", .counter, pair, "Existing rows copied since the copy began.")
    package static let copySnapshot = Metric(
        "tandem_copy_snapshot_age_seconds", .gauge, pair,
        "How long the oldest snapshot of the copy has held back vacuum on the source.")

    // MARK: Data B

    private static let table = ["pair", "table"]

    package static let asOf = Metric(
        "tandem_data_b_as_of_timestamp_seconds", .gauge, table, "The moment that the rows of this derived table show.")
    package static let batchState = Metric(
        "tandem_data_b_state", .gauge, table + ["state"], "1 for what happens to the table now, 0 for everything else.")
    package static let batchDuration = Metric(
        "tandem_data_b_batch_duration_seconds", .gauge, table, "How long its last batch took.")
    package static let batchRows = Metric(
        "tandem_data_b_batch_rows", .gauge, table, "Rows that its last batch changed.")

    // MARK: comparisons

    package static let compared = Metric(
        "tandem_verification_timestamp_seconds", .gauge, table, "When the table was last compared, whatever came of it."
    )
    package static let proven = Metric(
        "tandem_verification_equal_timestamp_seconds", .gauge, table,
        "When both sides of the table were last proven equal.")
    package static let differing = Metric(
        "tandem_verification_differing_rows", .gauge, table,
        "Rows that differed in the last comparison and were not repaired by it.")
    package static let comparedTables = Metric(
        "tandem_verification_tables", .gauge, pair + ["verdict"], "Tables by what their last comparison said.")

    package static let all: [Metric] =
        [build, observed, observing, errors, lines, hooked, started, resident, processor, descriptors]
        + [up, step, stepPending, truth, rollback]
        + [running, ours, state, role, lag, bound, behind, held, heldLimit, heldLeft, slotLost]
        + [transactions, batches, rows, own, spilled]
        + [differencesFound, differencesRepaired, setAside, setAsideChanges, notCarried, watched]
        + [twins, twinsOpen, idsLeft, idsGap]
        + [copyTables, copyBytes, copyRows, copySnapshot]
        + [asOf, batchState, batchDuration, batchRows]
        + [compared, proven, differing, comparedTables]
}
