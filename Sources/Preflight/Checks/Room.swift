// Disk and time: where spill files go, how soon old holds more log than allowed, who holds up the start.

internal import Configuration
internal import Foundation
internal import Glibc
internal import Model
internal import Postgres
internal import State
internal import Stream

extension Check {
    static let room = [
        evidenceLog, spillSpace, logVolume, timeUntilHeld, slotCreation, longTransactions, preparedTransactions,
        lockedTables,
    ]

    static let evidenceLog = Check(
        "evidence-log", .blocker, "the evidence log can be written: this preflight is recorded in it",
        because: "What acts records before it does; a log that cannot be written stops it.",
        mend: "another directory under `evidence`, or its rights",
        reads: .tried([])
        // Found when the report is recorded, after all else.
    ) { _, _ in [] }

    static let spillSpace = Check(
        "spill-space", .warning, "the spill directory has the room that `limits.spill` allows",
        because: "When it is full, reading from old stops until there is room, and old holds its log back.",
        mend: "a larger disk under `spill`, or a smaller `limits.spill`",
        reads: .tried([])
    ) { _, survey in
        guard let place = place(near: survey.plan.spill) else {
            return [Finding(withoutControls(survey.plan.spill), "cannot be looked at: does the disk exist?")]
        }
        if place.isReadOnly {
            return [Finding(withoutControls(survey.plan.spill), "is on a file system that is mounted read-only")]
        }
        guard place.free < survey.plan.limits.spill else { return [] }
        return [
            Finding(
                withoutControls(survey.plan.spill),
                "has \(megabytes(place.free)) free, less than `limits.spill`"
                    + " (\(megabytes(survey.plan.limits.spill)))")
        ]
    }

    /// Of the file system that the directory is on, or will be.
    private static func place(near path: String) -> (free: Int, isReadOnly: Bool)? {
        var path = path
        while true {
            var space = statvfs()
            if statvfs(path, &space) == 0 {
                return (Int(space.f_bavail) * Int(space.f_frsize), space.f_flag & UInt(ST_RDONLY) != 0)
            }
            guard errno == ENOENT, path.count > 1 else { return nil }
            path = (path as NSString).deletingLastPathComponent
        }
    }

    static let logVolume = Check(
        "wal-volume", .warning, "old keeps no more log than its settings say, as far as tandem's role may see that",
        because:
            "Something holds it back already (a slot that nobody reads, an archive that does not take it), and a new slot may"
            + " fill the disk. Seeing it takes pg_monitor.",
        mend: "SELECT * FROM pg_replication_slots; SELECT * FROM pg_stat_archiver; on old",
        reads: .tried([.old])
    ) { _, survey in
        let old = try survey.reached(.old)
        do throws(PostgresError) {
            let row = try old.query(
                """
                SELECT sum(size)::int8, (SELECT sum(setting::int8)::int8 * 1048576 FROM pg_settings
                                          WHERE name IN ('max_wal_size', 'wal_keep_size')),
                       (SELECT string_agg(slot_name, ', ' ORDER BY slot_name) FROM pg_replication_slots WHERE NOT active)
                  FROM pg_ls_waldir()
                """, doing: "looking at the log on \(old.label)")
            guard let kept = row.int(0, 0), let meant = row.int(0, 1), kept > 2 * meant else { return [] }
            let slots = row.text(0, 2).map { "; slots that nobody reads: \(withoutControls($0))" } ?? ""
            return [
                Finding(
                    "old",
                    "keeps \(megabytes(kept)) of log, where max_wal_size and wal_keep_size say \(megabytes(meant))\(slots)"
                )
            ]
        } catch {
            guard error.lacksPrivilege else { throw error }
            return []
        }
    }

    static let timeUntilHeld = Check(
        "time-until-wal-held", .warning, "old writes so little log that new may stay away for an hour",
        because:
            "While new is away, or a long transaction runs, old keeps all log since: at `limits.wal_held` an alarm goes"
            + " off, or the slot is dropped.",
        mend: "a larger `limits.wal_held`, if old's disk has the room",
        reads: .old(
            Question { major in
                major >= 14
                    ? "SELECT wal_bytes, extract(epoch FROM clock_timestamp() - stats_reset) FROM pg_stat_wal"
                    // 13 counts no log: what was written since the last checkpoint began.
                    : """
                    SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) END,
                           extract(epoch FROM clock_timestamp() - checkpoint_time) FROM pg_control_checkpoint()
                    """
            })
    ) { answer, survey in
        guard let bytes = answer.rows.first?.double(0), let seconds = answer.rows.first?.double(1) else { return [] }
        return held(bytes: bytes, seconds: seconds, limit: survey.plan.limits.walHeld)
    }

    static func held(bytes: Double, seconds: Double, limit: Int) -> [Finding] {
        guard seconds >= 1, bytes > 0 else { return [] }
        let rate = bytes / seconds
        let left = Double(limit) / rate
        guard left < 3600 else { return [] }
        return [
            Finding(
                "old",
                "writes \(megabytes(Int(rate))) of log a second on average: `limits.wal_held` (\(megabytes(limit)))"
                    + " is reached after \(Int(left / 60)) min without new")
        ]
    }

    private static let holders = """
        SELECT 'pid ' || a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '?'), coalesce(a.usename, '?'),
               extract(epoch FROM clock_timestamp() - a.xact_start)::int8, a.pid
          FROM pg_stat_activity a
         WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
           AND a.xact_start < clock_timestamp() - interval '5 s'
         ORDER BY a.xact_start
        """

    static let longTransactions = Check(
        "long-transactions", .warning, "no transaction of old has been open for long",
        because:
            "A slot can only be made once every transaction that was open has ended: `tandem run` would wait for it.",
        mend: "let it end, or: SELECT pg_terminate_backend(PID);",
        reads: .old(Question(holders))
    ) { answer, survey in
        // With a slot there is nothing left to wait for.
        guard survey.slot == nil else { return [] }
        return answer.rows.map { row in
            Finding(
                row[0],
                "(\(withoutControls(row[1])), \(withoutControls(row[2]))) has a transaction open for \(row[3]) s",
                mend: "SELECT pg_terminate_backend(\(row[4])); on old, if it may be ended")
        }
    }

    static let preparedTransactions = Check(
        "prepared-transactions", .warning, "no prepared transaction of old waits for its end",
        because: "Like an open one it keeps a slot from being made, and nobody's disconnection ends it.",
        mend: "COMMIT PREPARED '…'; or ROLLBACK PREPARED '…'; in its database",
        reads: .old(
            Question(
                """
                SELECT gid, owner, database, extract(epoch FROM clock_timestamp() - prepared)::int8
                  FROM pg_prepared_xacts ORDER BY prepared
                """))
    ) { answer, survey in
        guard survey.slot == nil else { return [] }
        return answer.rows.map { row in
            Finding(
                "prepared transaction \(withoutControls(row[0]))",
                "of \(withoutControls(row[1])) in database \(withoutControls(row[2])), prepared \(row[3]) s ago",
                mend: "COMMIT PREPARED \(literal(row[0])); or ROLLBACK PREPARED \(literal(row[0]));")
        }
    }

    static let slotCreation = Check(
        "slot-creation", .blocker, "a slot can be made on old: a temporary one is, and is gone with the session",
        because: "Whatever keeps one from being made keeps the stream from starting.",
        mend: "what the message says",
        reads: .tried([.old])
    ) { _, survey in
        // What is there already was made; and no slot may be free, which is a finding of its own.
        guard survey.slot == nil else { return [] }
        let connection = try Connection(
            to: survey.plan.source, for: .control, as: Survey.application, stop: survey.stop)
        let facts = try connection.query(
            """
            SELECT current_setting('wal_level') = 'logical'
               AND (SELECT count(*) FROM pg_replication_slots) < current_setting('max_replication_slots')::int
            """, doing: "looking at slots on old")
        guard facts.bool(0, 0) else { return [] }
        let name = "tandem_preflight_\(connection.backendPID)"
        try connection.script("SET statement_timeout = '\(Survey.patience)s'", doing: "preparing to try a slot on old")
        do throws(PostgresError) {
            try connection.query(
                "SELECT pg_create_logical_replication_slot($1, 'pgoutput', true)", [name], doing: "trying a slot on old"
            )
            try connection.query(
                "SELECT pg_drop_replication_slot($1)", [name], doing: "dropping the slot that was tried")
            return []
        } catch {
            if error.sqlState == "57014" { return try heldUp(survey) }
            if error.sqlState == "42501" {
                return [
                    Finding(
                        "old", "lets tandem's role make no slot: \(error.message)",
                        mend: "ALTER ROLE \(visiblyQuoted(connection.role)) REPLICATION;")
                ]
            }
            guard error.sqlState != nil else { throw error }
            return [Finding("old", "makes no slot: \(error)", mend: error.hint)]
        }
    }

    /// `run` waits for them; so they do not block.
    private static func heldUp(_ survey: Survey) throws -> [Finding] {
        let old = SourceSide(try survey.reached(.old), survey.plan.stream)
        let who = try old.openTransactions()
        return [
            Finding(
                "old",
                "makes no slot within \(Survey.patience) s, because of transactions that are open: "
                    + (who.isEmpty
                        ? "whose, this role may not see (GRANT pg_read_all_stats TO …)" : who.joined(separator: "; ")),
                mend: "let them end, or end them", severity: .warning)
        ]
    }

    static let lockedTables = Check(
        "locked-tables", .warning, "nobody keeps a carried table locked against readers",
        because: "Publishing a table and copying it wait for such a lock.",
        mend: "let it end, or: SELECT pg_terminate_backend(PID);",
        reads: .each(
            Question(
                """
                SELECT n.nspname, c.relname, l.pid, coalesce(nullif(a.application_name, ''), '?'),
                       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::int8, 0)
                  FROM pg_locks l JOIN unnest($1::oid[]) AS x(oid) ON x.oid = l.relation
                  JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
                  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
                 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
                   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND coalesce(a.application_name, '') NOT LIKE 'tandem%'
                 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map { row in
            Finding(
                row.name(0).description,
                "is locked on \(answer.side.rawValue) by"
                    + (row.text(2).map { " pid \($0) (\(withoutControls(row[3])), for \(row[4]) s)" }
                        ?? " a prepared transaction"))
        }
    }
}
