// How long either end of a connection waits for a network that has gone silent before it counts as dead: about 25 s. A
// network that drops everything says nothing; without this, the kernel goes on for a quarter of an hour when it has
// something to send, and for ever when it has not. The user's own connection string may set its side otherwise.

struct Patience {
    /// One address of the server.
    private var connecting: Int { purpose == .application ? 2 : 5 }
    /// Cancelling needs a connection of its own, which the network may swallow as well.
    static let cancelling = 2.0

    private static let idle = 10
    private static let interval = 5
    private static let probes = 3
    private static var total: Int { (idle + interval * probes) * 1000 }

    let purpose: SessionPurpose

    /// For libpq.
    var options: [(String, String)] {
        var options = [
            ("connect_timeout", "\(connecting)"), ("keepalives", "1"), ("keepalives_idle", "\(Self.idle)"),
            ("keepalives_interval", "\(Self.interval)"), ("keepalives_count", "\(Self.probes)"),
        ]
        // A server process that waits for a lock does not read, and Linux counts a full window as silence: no limit where
        // much is sent. The control connection to the same server notices for it.
        if purpose == .application {
            // Somebody waits for an answer, and another one may have it.
            options.append(("tcp_user_timeout", "3000"))
        } else if !purpose.writesRows {
            options.append(("tcp_user_timeout", "\(Self.total)"))
        }
        return options
    }

    /// For the server.
    var settings: [(name: String, value: String, since: Int)] {
        var settings = [
            ("tcp_keepalives_idle", "\(Self.idle)", 0), ("tcp_keepalives_interval", "\(Self.interval)", 0),
            ("tcp_keepalives_count", "\(Self.probes)", 0),
        ]
        // A stream that is not read because new is busy has a full window too: there wal_sender_timeout watches.
        if purpose != .replication { settings.append(("tcp_user_timeout", "\(Self.total)", 120_000)) }
        return settings
    }

    /// What a server asks for only where it can: to look, while a statement runs or waits, whether the client is there
    /// (Linux); and a walsender never to wait longer than this, but shorter where it is told so. Not from pg_settings, which lays
    /// out every setting there is for each connection made.
    var statement: String {
        switch purpose {
        case .application: ""
        case .control, .standby, .apply, .batches:
            """
            SELECT pg_catalog.set_config('client_connection_check_interval', '5s', false)
             WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
               AND pg_catalog.version() LIKE '%linux%'
            """
        case .replication:
            """
            SELECT pg_catalog.set_config('wal_sender_timeout', '\(Self.total)', false)
              FROM (SELECT pg_catalog.current_setting('wal_sender_timeout')::pg_catalog.interval) AS own(patience)
             WHERE own.patience = '0' OR own.patience > '\(Self.total) ms'
            """
        }
    }
}
