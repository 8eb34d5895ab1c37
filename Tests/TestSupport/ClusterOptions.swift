// How a cluster differs from the ordinary one of the tests.

package struct ClusterOptions: Sendable, Hashable {
    package enum Authentication: Sendable, Hashable {
        case trust
        /// Of the superuser `postgres`; psql calls of the test bed use it by themselves.
        case scram(password: String)
    }

    /// postgresql.conf, over the tests' own settings.
    package var settings: [String: String]
    package var encoding: String
    package var locale: String
    package var authentication: Authentication
    /// Further options of initdb.
    package var initdb: [String]

    package init(
        settings: [String: String] = [:], encoding: String = "UTF8", locale: String = "C.UTF-8",
        authentication: Authentication = .trust, initdb: [String] = []
    ) {
        self.settings = settings
        self.encoding = encoding
        self.locale = locale
        self.authentication = authentication
        self.initdb = initdb
    }

    var password: String? {
        switch authentication {
        case .trust: nil
        case .scram(let password): password
        }
    }

    /// Small, quick and deterministic: everything above 64 kB streams or spills, nothing is vacuumed behind our back.
    static let standardSettings: [String: String] = [
        "wal_level": "logical",
        "max_replication_slots": "20",
        "max_wal_senders": "20",
        "max_prepared_transactions": "10",
        "max_connections": "100",
        "logical_decoding_work_mem": "64kB",
        "wal_sender_timeout": "5s",
        "fsync": "off",
        "autovacuum": "off",
        "shared_buffers": "32MB",
        "min_wal_size": "32MB",
        "listen_addresses": "127.0.0.1",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a %d ",
        "log_checkpoints": "off",
    ]
}
