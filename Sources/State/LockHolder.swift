// Who has one of tandem's advisory locks, by what the server shows of them: for those who only look, and for naming whom to wait
// for. Takes nothing.

internal import Postgres

enum LockHolder {
    /// The session that has the lock of that name and kind in this database; nil when nobody has.
    static func pid(
        _ name: String, _ kind: Int, on connection: Connection, _ doing: String
    ) throws(PostgresError) -> Int? {
        let row = try connection.query(
            """
            SELECT l.pid FROM pg_catalog.pg_locks l
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
               AND ((l.classid::int8 << 32) | l.objid::int8) = pg_catalog.hashtextextended($1, $2::int8)
            """, [name, "\(kind)"], doing: "\(doing) on \(connection.label)")
        return row.rows == 0 ? nil : row.int(0, 0)
    }
}
