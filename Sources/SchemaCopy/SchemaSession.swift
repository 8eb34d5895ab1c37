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

/// Of one copy, whose tables are finished one after another and several at once: a session of its own for each would be most of what
/// new does for a small one. Who finishes a table has one; further ones help only while there are fewer than `jobs` in all. One more
/// is everybody's who asks how far indexes are.
final class SchemaSessions: Sendable {
    private struct State {
        var spare: [GivenConnection] = []
        var used = 0
        var watch: GivenConnection?
        var isWatching = false
    }

    private let target: ConnectionTarget
    private let jobs: Int
    private let stop: StopSignal
    private let state = Monitor(State())

    init(_ target: ConnectionTarget, jobs: Int, stop: StopSignal) {
        self.target = target
        self.jobs = jobs
        self.stop = stop
    }

    /// For whoever finishes a table.
    func lead() throws(PostgresError) -> Connection {
        state.withLock { $0.used += 1 }
        return try open()
    }

    /// For a helper; nil where there are enough, or no more to be had.
    func further() -> Connection? {
        let mayHelp = state.withLock { state in
            guard state.used < jobs else { return false }
            state.used += 1
            return true
        }
        return mayHelp ? try? open() : nil
    }

    private func open() throws(PostgresError) -> Connection {
        while let known = state.withLock({ $0.spare.popLast() }) {
            // What has been lost meanwhile is found here.
            if let connection = try? known.take(as: SchemaSession.name, stop: stop) { return connection }
        }
        do { return try SchemaSession.open(target, stop: stop) } catch {
            state.withLock { $0.used -= 1 }
            throw error
        }
    }

    /// Empty also while somebody else is asking; nil when new cannot be asked, or nobody wants to know any more.
    func indexBuilds(until finished: StopSignal) -> [IndexBuild]? {
        let turn = state.withLock { state -> (known: GivenConnection?, isMine: Bool) in
            guard !state.isWatching else { return (nil, false) }
            state.isWatching = true
            defer { state.watch = nil }
            return (state.watch, true)
        }
        guard turn.isMine else { return [] }
        var kept: GivenConnection?
        defer {
            state.withLock { state in
                state.isWatching = false
                state.watch = kept
            }
        }
        let known = turn.known.flatMap { try? $0.take(as: SchemaSession.name, stop: finished) }
        guard let connection = known ?? (try? SchemaSession.open(target, stop: finished)),
            let builds = try? IndexBuild.running(on: connection)
        else { return nil }
        kept = connection.give()
        return builds
    }

    /// One on which something has failed is in a state that nobody knows, and closed.
    func giveBack(_ connection: Connection, isClean: Bool) {
        let given = connection.give()
        state.withLock { state in
            state.used -= 1
            if isClean { state.spare.append(given) }
        }
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
