// A named point in a server's log, to which a restored backup can be brought: what there was just before a step.

internal import Model
internal import Postgres

enum RestorePoint {
    static func create(_ name: String, on connection: Connection) throws(PostgresError) -> LSN {
        do {
            let row = try connection.query(
                "SELECT pg_catalog.pg_create_restore_point($1)", [name],
                doing: "making a restore point on \(connection.label)")
            return LSN(row.string(0, 0)) ?? .zero
        } catch {
            throw error.needing(
                "GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO \(visiblyQuoted(connection.role));"
            )
        }
    }
}
