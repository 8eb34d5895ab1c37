// Who answers: PostgreSQL itself, where it can be written, or where a standby is wanted one of those. A pooler lends a
// session for a transaction at a time, so that settings, locks and the replication origin would end up with others; a
// standby takes no writes. Asked before anything is set in the session.

extension Connection {
    func checkServer(_ purpose: SessionPurpose, doing: String) throws(PostgresError) {
        let answer = try script(
            "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()", doing: doing)
        // A pooler gives keys for cancelling of its own, and with them a process number that is no server's.
        guard answer.int(0, 0) == backendPID else {
            throw PostgresError(
                .cannotConnect, "a connection pooler (such as PgBouncer) answers, not PostgreSQL itself", doing: doing,
                serverHint: "name PostgreSQL's own host and port: tandem's sessions keep settings, locks and the"
                    + " replication origin for as long as they last", stranger: .pooler)
        }
        guard purpose != .standby else {
            guard answer.bool(0, 1) else {
                throw PostgresError(
                    .cannotConnect, "that server is no standby, and is to be read as one", doing: doing,
                    serverHint: "name a standby of old, or leave `standby` out: then old itself is read",
                    stranger: .primary)
            }
            return
        }
        guard !answer.bool(0, 1) else {
            throw PostgresError(
                .cannotConnect, "that server is a standby (in recovery), and tandem writes on both sides", doing: doing,
                serverHint: "name the primary; with several hosts in the connection string, add"
                    + " target_session_attrs=read-write", stranger: .standby)
        }
    }
}
