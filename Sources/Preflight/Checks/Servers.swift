// Versions and settings of the servers: what decoding needs, how much of it is left, what would cut a stream off.

internal import Configuration
internal import Model
internal import Postgres
internal import State
internal import Stream

extension Check {
    static let servers = [
        version, features, walLevel, workers, freeSlots, freeSenders, freeOrigins, slotLog, idleSlots, senderTimeout,
        synchronousStandbys, failoverSlots, connectionLimit, lockTable,
    ]

    static let walLevel = Check(
        "wal-level", .blocker, "old's log has what logical decoding needs",
        because: "Below wal_level = logical the log has no changes that could be decoded.",
        mend: "ALTER SYSTEM SET wal_level = 'logical'; and restart old",
        reads: .old(Question("SELECT current_setting('wal_level')"))
    ) { answer, _ in
        guard let level = answer.rows.first?.first, level != "logical" else { return [] }
        return [
            Finding(
                "old", "runs with wal_level = \(level)",
                mend: "ALTER SYSTEM SET wal_level = 'logical'; and restart old")
        ]
    }

    static let freeSlots = Check(
        "replication-slots", .blocker, "old has a replication slot to spare",
        because: "The stream needs one.",
        mend: "ALTER SYSTEM SET max_replication_slots = …; and restart old; or drop a slot that nobody needs",
        reads: .old(
            Question(
                """
                SELECT current_setting('max_replication_slots')::int, count(*),
                       string_agg(slot_name || CASE WHEN active THEN '' ELSE ' (inactive)' END, ', ' ORDER BY slot_name)
                  FROM pg_replication_slots
                """))
    ) { answer, survey in
        guard let row = answer.rows.first, survey.slot == nil, row.int(1) >= row.int(0) else { return [] }
        let taken = row.text(2).map { ": " + withoutControls($0) } ?? ""
        return [
            Finding(
                "old", "has no free replication slot (max_replication_slots = \(row.int(0)))\(taken)",
                mend: "ALTER SYSTEM SET max_replication_slots = \(max(row.int(1) + 5, 10)); and restart old")
        ]
    }

    static let freeSenders = Check(
        "wal-senders", .blocker, "old has a WAL sender to spare",
        because: "The stream holds one for as long as it runs.",
        mend: "ALTER SYSTEM SET max_wal_senders = …; and restart old",
        reads: .old(
            Question(
                """
                SELECT current_setting('max_wal_senders')::int,
                       (SELECT count(*) FROM pg_stat_get_wal_senders())
                """))
    ) { answer, survey in
        guard let row = answer.rows.first, survey.slot?.isActive != true, row.int(1) >= row.int(0) else { return [] }
        return [
            Finding(
                "old", "has no free WAL sender (max_wal_senders = \(row.int(0)))",
                mend: "ALTER SYSTEM SET max_wal_senders = \(max(row.int(0) + 5, 10)); and restart old")
        ]
    }

    static let freeOrigins = Check(
        "replication-origins", .blocker, "new has a replication origin to spare",
        because: "What is applied is marked with one, and a server tracks only so many.",
        mend:
            "ALTER SYSTEM SET max_replication_slots = …; from PostgreSQL 18 on ALTER SYSTEM SET max_active_replication_origins = …; and restart new",
        reads: .new(
            Question([.stream]) { major in
                let setting = major >= 18 ? "max_active_replication_origins" : "max_replication_slots"
                return """
                    SELECT '\(setting)', current_setting('\(setting)')::int, (SELECT count(*) FROM pg_replication_origin),
                           EXISTS (SELECT FROM pg_replication_origin WHERE roname = $1)
                    """
            })
    ) { answer, _ in
        guard let row = answer.rows.first, !row.bool(3), row.int(2) >= row.int(1) else { return [] }
        return [
            Finding(
                "new", "has no replication origin to spare (\(row.first) = \(row.int(1)), \(row.int(2)) in use)",
                mend: "ALTER SYSTEM SET \(row.first) = \(row.int(2) + 10); and restart new")
        ]
    }

    static let workers = Check(
        "workers", .note, "new may use several processes to build an index",
        because: "Indexes and keys are made when the rows are there: on a large table that is most of the time.",
        mend: "ALTER SYSTEM SET max_parallel_maintenance_workers = 2; SELECT pg_reload_conf();",
        reads: .new(
            Question(
                """
                SELECT name, setting FROM pg_settings WHERE setting = '0'
                   AND name IN ('max_worker_processes', 'max_parallel_workers', 'max_parallel_maintenance_workers')
                """))
    ) { answer, survey in
        guard survey.copies, !survey.isFollowing else { return [] }
        return answer.rows.map { Finding("new", "builds each index with one process (\($0.first) = 0)") }
    }

    static let slotLog = Check(
        "slot-log-limit", .warning, "old keeps the log that a slot needs",
        because:
            "When new is away for so long that more is held, old removes it: the slot is lost, and everything must be"
            + " copied again. (Without a limit, old's disk fills instead: `limits.wal_held` watches that.)",
        mend: "ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();",
        reads: .old(
            Question("SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"))
    ) { answer, survey in
        guard let limit = answer.rows.first?.int(0), limit >= 0, limit < survey.plan.limits.walHeld else { return [] }
        return [
            Finding(
                "old",
                "gives up a slot that holds more than \(megabytes(limit)) of log, before `limits.wal_held`"
                    + " (\(megabytes(survey.plan.limits.walHeld))) is reached",
                mend: "ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();")
        ]
    }

    static func megabytes(_ bytes: Int) -> String {
        bytes >= 10 << 30 ? "\(bytes >> 30) GB" : "\(max(bytes >> 20, 1)) MB"
    }

    static let idleSlots = Check(
        "idle-slot-timeout", .warning, "old keeps slots that nobody has read for a while",
        because:
            "A pause of new, or of tandem, that is longer than that loses the slot, and everything must be copied again.",
        mend: "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();",
        reads: .old(
            Question(
                """
                SELECT setting::int8 * CASE unit WHEN 's' THEN 1 ELSE 60 END FROM pg_settings
                 WHERE name = 'idle_replication_slot_timeout'
                """))
    ) { answer, _ in idleSlots(seconds: answer.rows.first?.int(0) ?? 0) }

    static func idleSlots(seconds: Int) -> [Finding] {
        guard seconds > 0 else { return [] }
        return [
            Finding(
                "old", "gives up a slot that was not read for \(seconds) s (idle_replication_slot_timeout)",
                mend: "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();")
        ]
    }

    static let senderTimeout = Check(
        "wal-sender-timeout", .warning, "old does not give up on a reader after a moment",
        because: "A short pause of the network or of the machine that tandem runs on would end the stream each time.",
        mend: "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();",
        reads: .old(
            Question(
                "SELECT setting::int8 FROM pg_settings WHERE name = 'wal_sender_timeout'"))
    ) { answer, _ in
        guard let limit = answer.rows.first?.int(0), limit > 0, limit < 3000 else { return [] }
        return [
            Finding(
                "old", "ends a stream that was silent for \(limit) ms",
                mend: "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();")
        ]
    }

    static let synchronousStandbys = Check(
        "synchronous-standby", .warning, "old does not take tandem for a synchronous standby",
        because: "Commits of old would wait for tandem, and while tables are copied each would wait for the other.",
        mend: "name old's standbys in synchronous_standby_names instead of `*`",
        reads: .old(Question("SELECT current_setting('synchronous_standby_names')"))
    ) { answer, _ in
        guard let names = answer.rows.first?.first,
            names.split(whereSeparator: { " (),\"".contains($0) }).contains("*")
        else { return [] }
        return [
            Finding(
                "old", "has synchronous_standby_names = \(withoutControls(names)), which tandem's stream matches",
                mend:
                    "ALTER SYSTEM SET synchronous_standby_names = 'the names of your standbys'; SELECT pg_reload_conf();"
            )
        ]
    }

    static let failoverSlots = Check(
        "failover-slots", .warning, "a standby of old that takes over has the slot",
        because:
            "After a failover to a standby without the slot the stream cannot go on: everything must be copied again.",
        mend:
            "from PostgreSQL 17 on: on the standby sync_replication_slots = on, hot_standby_feedback = on, primary_slot_name,"
            + " and a dbname in primary_conninfo; on old that slot in synchronized_standby_slots",
        reads: .old(
            Question { major in
                let setting = major >= 17 ? "current_setting('synchronized_standby_slots')" : "NULL"
                return """
                    SELECT coalesce(nullif(a.application_name, ''), 'pid ' || a.pid), \(setting)
                      FROM pg_stat_get_activity(NULL) a JOIN pg_stat_get_wal_senders() s ON s.pid = a.pid
                     WHERE coalesce(a.datid, 0) = 0 ORDER BY 1
                    """
            })
    ) { answer, _ in
        answer.rows.filter { $0[1].isEmpty }.map { row in
            let why =
                row.text(1) == nil
                ? "which cannot keep logical slots before PostgreSQL 17"
                : "and synchronized_standby_slots names no slot"
            return Finding("old", "has a standby, \(withoutControls(row.first)), \(why)")
        }
    }

    /// The copy's workers, and a few that watch, apply and receive; on new each may have a table to finish, and those that began
    /// earlier nearly as many helpers.
    static func sessions(jobs: Int, on side: Side, copying: Bool) -> Int {
        (side == .new && copying ? 3 * jobs : jobs) + 5
    }

    static let connectionLimit = Check(
        "connection-limit", .blocker, "both servers admit as many connections as tandem needs",
        because:
            "`jobs` and five more on either side, three times `jobs` on new where rows are copied; what is refused fails and is tried again,"
            + " without end.",
        mend: "fewer `jobs`, or: ALTER ROLE … CONNECTION LIMIT …; ALTER DATABASE … CONNECTION LIMIT …; ALTER SYSTEM SET"
            + " max_connections = …; and a restart",
        reads: .each(
            Question(
                """
                SELECT r.rolsuper, r.rolconnlimit, d.datconnlimit, current_setting('max_connections')::int
                         - current_setting('superuser_reserved_connections')::int,
                       (SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.datid <> 0)
                  FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()
                """))
    ) { answer, survey in
        guard let row = answer.rows.first else { return [] }
        let side = answer.side.rawValue
        let needed = sessions(jobs: survey.jobs, on: answer.side, copying: survey.copies)
        var findings: [Finding] = []
        if !row.bool(0), 0..<needed ~= row.int(1) {
            findings.append(
                Finding(
                    side, "admits \(row.int(1)) connections of tandem's role, which needs \(needed)",
                    mend: "ALTER ROLE \(try role(survey, answer.side)) CONNECTION LIMIT \(needed + 5);"))
        }
        if !row.bool(0), 0..<needed ~= row.int(2) {
            findings.append(
                Finding(
                    side, "admits \(row.int(2)) connections to that database, of which tandem needs \(needed)",
                    mend:
                        "ALTER DATABASE \(visiblyQuoted(try survey.reached(answer.side).database)) CONNECTION LIMIT -1;"
                ))
        }
        if !survey.isFollowing, row.int(3) - row.int(4) < needed {
            findings.append(
                Finding(
                    side,
                    "has \(max(row.int(3) - row.int(4), 0)) connections left at the moment, tandem needs \(needed)",
                    mend: "ALTER SYSTEM SET max_connections = \(row.int(3) + needed + 10); and restart it",
                    severity: .warning))
        }
        return findings
    }

    static func role(_ survey: Survey, _ side: Side) throws -> String {
        visiblyQuoted(try survey.reached(side).role)
    }

    static let lockTable = Check(
        "lock-table", .warning, "both servers can lock all tables at once",
        because:
            "A transaction that touches all tables, and pg_dump when it reads the schema, take a lock on each; when the"
            + " lock table is full they fail with \"out of shared memory\", and others with them.",
        mend: "ALTER SYSTEM SET max_locks_per_transaction = …; and a restart",
        reads: .each(
            Question(
                """
                SELECT current_setting('max_locks_per_transaction')::int,
                       current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int
                """))
    ) { answer, survey in
        guard let row = answer.rows.first, let count = survey.carried[.old]?.tables.count else { return [] }
        let room = row.int(0) * row.int(1)
        // Each table with an index or two.
        guard count * 2 > room else { return [] }
        return [
            Finding(
                answer.side.rawValue, "has room for about \(room) locks, and \(count) tables are carried",
                mend:
                    "ALTER SYSTEM SET max_locks_per_transaction = \(count * 4 / max(row.int(1), 1) + 64); and restart it"
            )
        ]
    }
}
