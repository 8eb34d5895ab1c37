// What a session is for, and the settings each pins so that no database, role, file or environment setting can change
// the meaning of a value or end the session: the SET statements every connection of ours runs first.

package enum SessionPurpose: Sendable, Equatable {
    /// Reading catalogs, tandem's own tables, re-reading rows.
    case control
    /// The logical replication connection.
    case replication
    /// Reading rows of a standby.
    case standby
    /// Applying changes: replica role, no synchronous wait, plans that always use the key's index.
    case apply
    /// Laying batches over whole tables: replica role, no synchronous wait, plans as the server makes them.
    case batches
    /// An application's, as the example's are. Nothing is set in the session, and a pooler may answer, which lends it for a
    /// transaction at a time: what a transaction needs it sets for itself.
    case application

    var settings: [(name: String, value: String, since: Int)] {
        if self == .application { return [] }
        var all = Self.everywhere + Patience(purpose: self).settings
        if writesRows { all += Self.writing }
        if self == .apply { all += Self.applying }
        return all
    }

    var writesRows: Bool { self == .apply || self == .batches }

    /// What could end the session while it is being prepared.
    static let limits: [(name: String, value: String, since: Int)] = [
        ("statement_timeout", "0", 0),
        ("transaction_timeout", "0", 170_000),
        ("lock_timeout", "0", 0),
        ("idle_in_transaction_session_timeout", "0", 0),
        ("idle_session_timeout", "0", 140_000),
        ("exit_on_error", "off", 0),
    ]

    private static let everywhere: [(name: String, value: String, since: Int)] =
        limits + [
            ("datestyle", "ISO, YMD", 0),
            ("intervalstyle", "postgres", 0),
            ("timezone", "UTC", 0),
            ("extra_float_digits", "3", 0),
            ("bytea_output", "hex", 0),
            ("lc_monetary", "C", 0),
            ("xmloption", "content", 0),
            ("xmlbinary", "base64", 0),
            ("array_nulls", "on", 0),
            ("standard_conforming_strings", "on", 0),
            ("transform_null_equals", "off", 0),
            ("quote_all_identifiers", "off", 0),
            ("row_security", "off", 0),
            ("default_transaction_read_only", "off", 0),
            ("default_transaction_isolation", "read committed", 0),
            ("default_transaction_deferrable", "off", 0),
            ("client_min_messages", "warning", 0),
            ("gin_fuzzy_search_limit", "0", 0),
            // Of a catalog with thousands of tables the planner believes that compiling pays. It takes a second, for milliseconds.
            ("jit", "off", 0),
            ("default_table_access_method", "heap", 0),
            // What is tandem's own need not wait for a standby, which may be away: then status would stand still.
            ("synchronous_commit", "local", 0),
            // The fence lets tandem's own pass.
            ("tandem.mode", "tandem", 0),
        ]

    private static let writing: [(name: String, value: String, since: Int)] = [
        ("session_replication_role", "replica", 0),
        ("synchronous_commit", "off", 0),
        ("default_tablespace", "", 0),
    ]

    private static let applying: [(name: String, value: String, since: Int)] = [
        ("plan_cache_mode", "force_generic_plan", 0),
        ("enable_seqscan", "off", 0),
        ("enable_mergejoin", "off", 0),
        ("enable_bitmapscan", "off", 0),
        ("gin_pending_list_limit", "4096", 0),
    ]
}

package struct ConnectionTarget: Sendable {
    /// The user's own libpq connection string; never shown.
    let conninfo: String
    /// Says which side and what for, in messages.
    package let label: String

    package init(conninfo: String, label: String) {
        self.conninfo = conninfo
        self.label = label
    }
}
