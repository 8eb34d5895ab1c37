// Whether both sides are there, are what they should be, and can be talked to as tandem will.

internal import Model
internal import Postgres
internal import State
internal import Stream
internal import Threading

extension Check {
    static let reaching = [
        connecting, pooler, standby, sameDatabase, readingStandby, replicationConnection, startingLimits, encryption,
        clock,
    ]

    private static func refused(_ survey: Survey, _ stranger: PostgresError.Stranger?) -> [Finding] {
        Side.allCases.compactMap { side in
            guard let error = survey.refusals[side], error.stranger == stranger else { return nil }
            return Finding(
                side.rawValue, stranger == nil ? "cannot be reached: \(error)" : error.message, mend: error.hint)
        }
    }

    static let connecting = Check(
        "connection", .blocker, "both sides answer with the connection strings given",
        because: "Nothing can be looked at, copied or streamed without both.",
        mend: "what the message says; `psql` with the same connection string should work",
        reads: .tried([])
    ) { _, survey in refused(survey, nil) }

    static let pooler = Check(
        "pooler", .blocker, "PostgreSQL itself answers, and no connection pooler",
        because:
            "tandem's sessions keep settings, locks and the replication origin for as long as they last; a pooler would"
            + " hand them to others.",
        mend: "name PostgreSQL's own host and port in `tandem.yaml`",
        reads: .tried([])
    ) { _, survey in refused(survey, .pooler) }

    static let standby = Check(
        "standby", .blocker, "both sides are primaries",
        because: "tandem writes on both sides, and a standby takes no writes.",
        mend: "name the primary; with several hosts in the connection string, add `target_session_attrs=read-write`",
        reads: .tried([])
    ) { _, survey in refused(survey, .standby) }

    static let sameDatabase = Check(
        "same-database", .blocker, "old and new are two databases",
        because: "Nothing would be copied anywhere.",
        mend: "correct `old` or `new` of the pair",
        reads: .tried([.old, .new])
    ) { _, survey in
        do { try SameDatabase.refuse(survey.reached(.old), survey.reached(.new)) } catch let error as StateError {
            return [Finding("new", error.description, mend: error.hint)]
        }
        return []
    }

    static let readingStandby = Check(
        "reading-standby", .blocker, "the standby that rows are to be read from is one of old's, and near it",
        because:
            "Existing rows are read there, beside what old says of them; a table waits until the standby shows what old did"
            + " when it was locked.",
        mend: "correct `standby` of the pair in `tandem.yaml`, or leave it out: then old itself is read",
        reads: .tried([.old])
    ) { _, survey in
        guard let address = survey.plan.standby else { return [] }
        let old = try survey.reached(.old)
        do {
            let position = try SourceSide(old, survey.plan.stream).currentPosition()
            let side = StandbySide(
                try Connection(to: address, for: .standby, as: Survey.application, stop: survey.stop))
            try side.checkIs(of: old)
            for _ in 0..<Survey.patience * 10 {
                if try side.replayed() >= position { return [] }
                survey.stop.wait(seconds: 0.1)
            }
            return [
                Finding(
                    "standby", "does not show within \(Survey.patience) s what old has",
                    mend: "SELECT * FROM pg_stat_wal_receiver; there",
                    severity: .warning)
            ]
        } catch let error as PostgresError where error.kind == .cannotConnect {
            return [Finding("standby", "cannot be read: \(error.message)", mend: error.hint)]
        } catch let error as StateError {
            return [Finding("standby", error.description, mend: error.hint)]
        }
    }

    static let replicationConnection = Check(
        "replication-connection", .blocker, "tandem's role may open a replication connection to old",
        because:
            "Changes come over such a connection, and servers admit them by rules of their own (pg_hba.conf, REPLICATION,"
            + " max_wal_senders).",
        mend: "ALTER ROLE … REPLICATION; or a line in pg_hba.conf, as the message says",
        reads: .tried([.old])
    ) { _, survey in
        // A stream that runs proves it, and may hold the last walsender.
        if survey.slot?.isActive == true { return [] }
        do throws(PostgresError) {
            _ = try Connection(
                to: survey.plan.source, for: .replication, as: Survey.application, stop: survey.stop)
            return []
        } catch {
            guard error.kind == .cannotConnect else { throw error }
            return [Finding("old", "takes no replication connection: \(error.message)", mend: error.hint)]
        }
    }

    static let startingLimits = Check(
        "starting-timeouts", .note, "sessions of tandem's roles do not begin with a timeout of less than a second",
        because:
            "tandem lifts all timeouts, but with its first statement, which runs under them: on a busy machine connecting"
            + " takes several attempts.",
        mend: "ALTER ROLE … RESET …; or ALTER DATABASE … RESET …; or what sets it in the connection string",
        reads: .each(
            Question(
                """
                SELECT name, reset_val, unit FROM pg_settings
                 WHERE name IN ('statement_timeout', 'transaction_timeout', 'lock_timeout', 'idle_session_timeout',
                                'idle_in_transaction_session_timeout')
                   AND reset_val::int BETWEEN 1 AND 999 ORDER BY 1
                """))
    ) { answer, survey in
        try answer.rows.map { row in
            Finding(
                answer.side.rawValue, "begins each session with \(row.first) = \(row[1]) \(row[2])",
                mend: "ALTER ROLE \(try role(survey, answer.side)) SET \(row.first) = 0;")
        }
    }

    static let encryption = Check(
        "tls", .warning, "connections over a network are encrypted",
        because: "All rows, and with some methods the password, cross the network readable and unauthenticated.",
        mend: "`sslmode=verify-full` with `sslrootcert=…` in the connection string",
        reads: .each(
            Question(
                """
                SELECT coalesce(s.ssl, false), inet_client_addr() IS NULL,
                       inet_client_addr() << '127.0.0.0/8'::inet OR inet_client_addr() = '::1'::inet
                  FROM (SELECT) one LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid()
                """))
    ) { answer, _ in
        guard let row = answer.rows.first, !row.bool(0), !row.bool(1) else { return [] }
        return [
            Finding(
                answer.side.rawValue, "is reached over TCP without TLS\(row.bool(2) ? ", on this machine" : "")",
                mend: "sslmode=verify-full in the connection string", severity: row.bool(2) ? .note : nil)
        ]
    }

    static let clock = Check(
        "clock", .warning, "the clocks of both servers agree",
        because: "Times are compared across both, and applications that move see time jump.",
        mend: "let both machines keep time by NTP",
        reads: .both(Question("SELECT extract(epoch FROM clock_timestamp())"))
    ) { answer, _ in
        guard let old = answer.rows.first?.double(0), let new = answer.others.first?.double(0) else { return [] }
        return clocks(old: old, new: new)
    }

    /// Asked one after the other, so that new's is a little later.
    static func clocks(old: Double, new: Double) -> [Finding] {
        let difference = new - old
        guard difference < -1 || difference > 3 else { return [] }
        return [
            Finding(
                "new",
                "has a clock that is about \(Int(difference.magnitude)) s \(difference < 0 ? "behind" : "ahead of")"
                    + " old's")
        ]
    }
}
