// A connection to new on which pg_dump's definitions mean what they say.

internal import Postgres
internal import Threading

enum SchemaSession {
    /// The settings a restore runs under; names are qualified in the definitions, nothing else is searched.
    private static let settings = """
        SET search_path = ''; SET check_function_bodies = off; SET escape_string_warning = off;
        SET synchronous_commit = off; SET default_tablespace = '';
        SET default_table_access_method = heap
        """

    fileprivate static let name = "tandem schema"

    static func open(_ target: ConnectionTarget, stop: StopSignal) throws(PostgresError) -> Connection {
        let connection = try Connection(to: target, for: .control, as: name, stop: stop)
        try connection.script(settings, doing: "preparing the session on \(connection.label)")
        return connection
    }
}

/// Of one copy: table after table is finished, and a session of its own for each would be most of what new does for a small one.
final class SpareSchemaSessions: Sendable {
    private let target: ConnectionTarget
    private let stop: StopSignal
    private let spare = Monitor<[GivenConnection]>([])

    init(_ target: ConnectionTarget, stop: StopSignal) {
        self.target = target
        self.stop = stop
    }

    func take() throws(PostgresError) -> Connection {
        while let known = spare.withLock({ $0.popLast() }) {
            // What has been lost meanwhile is found here.
            if let connection = try? known.take(as: SchemaSession.name, stop: stop) { return connection }
        }
        return try SchemaSession.open(target, stop: stop)
    }

    /// Only what everything has succeeded on: of another nobody knows what state it is in.
    func putBack(_ connection: Connection) {
        let given = connection.give()
        spare.withLock { $0.append(given) }
    }
}

/// One index being built on new, as the server reports it.
struct IndexBuild {
    let pid: Int
    let phase: String
    let done: Int
    let total: Int

    static func running(on connection: Connection) throws(PostgresError) -> [IndexBuild] {
        let sql = """
            SELECT pid, phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END,
                   CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END
              FROM pg_catalog.pg_stat_progress_create_index
             WHERE datname = pg_catalog.current_database()
            """
        let rows = try connection.query(sql, doing: "asking \(connection.label) how far indexes are")
        return (0..<rows.rows).map { row in
            IndexBuild(
                pid: rows.int(row, 0) ?? 0, phase: rows.string(row, 1), done: rows.int(row, 2) ?? 0,
                total: rows.int(row, 3) ?? 0)
        }
    }
}
