// The statements that give tandem's role what an action needs, for the message when it is missing.

internal import Model
package import Postgres

package enum Privilege {
    static func create(on connection: Connection) -> String {
        "GRANT CREATE ON DATABASE \(visiblyQuoted(connection.database)) TO \(visiblyQuoted(connection.role));"
    }

    /// PostgreSQL publishes a table only for its owner, or for a member of the role that owns it.
    static func publish(on connection: Connection) -> String {
        let role = visiblyQuoted(connection.role)
        return create(on: connection)
            + " and make \(role) a member of the role that owns the published tables: GRANT … TO \(role);"
    }

    package static func origins(on connection: Connection) -> String {
        let functions = [
            "create(text)", "drop(text)", "advance(text, pg_lsn)", "progress(text, boolean)", "session_setup(text)",
            "session_reset()", "xact_setup(pg_lsn, timestamptz)",
        ].map { "pg_catalog.pg_replication_origin_\($0)" }
        return "GRANT EXECUTE ON FUNCTION \(functions.joined(separator: ", ")) TO \(visiblyQuoted(connection.role));"
    }
}
