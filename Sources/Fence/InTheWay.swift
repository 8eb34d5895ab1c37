// Who holds what somebody of tandem's waits for, by name: process, application, role, how long; the gid of a prepared transaction.
// Nothing of what they are doing with which values is read.

internal import Model
package import Postgres

package struct Holder: Sendable, Equatable, CustomStringConvertible {
    /// Nil of a prepared transaction.
    package let pid: Int?
    package let gid: String?
    package let application: String
    package let role: String
    /// `idle in transaction`, `active`, a server's own process.
    package let state: String
    /// How long its transaction has been open; nil where tandem's role may not know.
    package let seconds: Double?
    /// What it keeps others from, where that is not plain.
    package let what: String?

    package var isPrepared: Bool { gid != nil }

    package var description: String {
        var parts: [String] = []
        if let gid {
            parts = ["prepared transaction \(literal(gid))", "role \(role)"]
        } else {
            parts = ["pid \(pid ?? 0)"]
            if !application.isEmpty { parts.append("application \(application)") }
            if !role.isEmpty { parts.append("role \(role)") }
            if !state.isEmpty { parts.append(state) }
        }
        if let seconds { parts.append("open for \(Self.inWords(seconds))") }
        if let what { parts.append(what) }
        return withoutControls(
            parts[0] + (parts.count > 1 ? " (" + parts.dropFirst().joined(separator: ", ") + ")" : ""))
    }

    private static func inWords(_ seconds: Double) -> String {
        switch seconds {
        case ..<10: "\((seconds * 10).rounded() / 10) s"
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        default: "\(Int(seconds / 3600)) h"
        }
    }

    package static func remedy(_ holders: [Holder]) -> String {
        holders.contains(where: \.isPrepared)
            ? "COMMIT PREPARED or ROLLBACK PREPARED ends it; then again" : "let it end, or end it; then again"
    }

    package static func listed(_ holders: [Holder]) -> String {
        let rest = holders.count > 5 ? "; and \(holders.count - 5) more" : ""
        return holders.prefix(5).map(\.description).joined(separator: "; ") + rest
    }
}

package struct InTheWay {
    private let connection: Connection

    package init(on connection: Connection) { self.connection = connection }

    /// What one holder is, by the columns that `describing` names.
    private static let columns = """
        l.pid, p.gid, coalesce(a.application_name, ''), coalesce(a.usename, p.owner, ''),
        CASE WHEN a.backend_type <> 'client backend' THEN
                  a.backend_type || CASE WHEN a.query LIKE '%(to prevent wraparound)' THEN ' to prevent wraparound' ELSE '' END
             ELSE a.state END,
        extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))
        """

    private static let sources = """
        LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
        LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
             AND x.virtualtransaction = l.virtualtransaction
        LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
        """

    private static let here =
        "l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"

    private func ask(_ sql: String, _ parameters: [String?]) throws(PostgresError) -> [Holder] {
        let rows = try connection.query(sql, parameters, doing: "looking who is in the way on \(connection.label)")
        return (0..<rows.rows).map { row in
            Holder(
                pid: rows.int(row, 0), gid: rows.text(row, 1), application: rows.string(row, 2),
                role: rows.string(row, 3), state: rows.string(row, 4),
                seconds: rows.text(row, 5).flatMap { Double($0) }, what: rows.columns > 6 ? rows.text(row, 6) : nil)
        }
    }

    /// Writers with an open transaction on fenced tables, oldest first.
    package func writers(_ names: FenceNames) throws(PostgresError) -> [Holder] {
        try ask(
            """
            SELECT \(Self.columns) FROM pg_catalog.pg_locks l \(Self.sources)
             WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND \(Self.here)
               AND ((l.classid::int8 << 32) | l.objid::int8) = \(names.lockKey)
               AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
             ORDER BY 6 DESC NULLS LAST
            """, [])
    }

    /// Who holds locks on a table that keep out `mode`: every lock for AccessExclusiveLock, those of writers and vacuum for
    /// ShareRowExclusiveLock.
    package func holders(of relation: String, keepingOut mode: TableLock) throws(PostgresError) -> [Holder] {
        let harmless = mode == .shareRowExclusive ? "AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')" : ""
        return try ask(
            """
            SELECT DISTINCT \(Self.columns) FROM pg_catalog.pg_locks l \(Self.sources)
             WHERE l.locktype = 'relation' AND l.granted AND l.relation = $1::oid AND \(Self.here)
               AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \(harmless)
             ORDER BY 6 DESC NULLS LAST
            """, [relation])
    }

    /// Who waits for the fence and has locks that keep out readers, such as a TRUNCATE.
    package func queued(_ names: FenceNames) throws(PostgresError) -> [Holder] {
        try ask(
            """
            SELECT DISTINCT \(Self.columns), 'waiting for the fence, with ' || l.mode || ' on ' || l.relation::regclass
              FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_locks l ON l.pid = w.pid \(Self.sources)
             WHERE w.locktype = 'advisory' AND w.objsubid = 1 AND NOT w.granted
               AND ((w.classid::int8 << 32) | w.objid::int8) = \(names.lockKey)
               AND l.locktype = 'relation' AND l.granted AND \(Self.here) AND l.mode = 'AccessExclusiveLock'
             ORDER BY 6 DESC NULLS LAST
            """, [])
    }

    /// Whom sessions of that application wait for, one after another down the line.
    package func blockers(ofApplication name: String) throws(PostgresError) -> [Holder] {
        try ask(
            """
            WITH RECURSIVE chain(waiting, pid) AS (
                SELECT a.pid, b.pid FROM pg_catalog.pg_stat_activity a
                 CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) b(pid)
                 WHERE pg_catalog.left(a.application_name, pg_catalog.length($1)) = $1
                UNION
                SELECT c.pid, b.pid FROM chain c
                 CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(c.pid)) b(pid) WHERE c.pid <> 0)
            SELECT DISTINCT \(Self.columns),
                   CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks w WHERE w.pid = c.pid AND w.locktype = 'advisory' AND NOT w.granted)
                        THEN 'itself waiting for the fence, with locks of its own' END
              FROM chain c CROSS JOIN LATERAL (SELECT nullif(c.pid, 0) AS pid, NULL::text AS virtualtransaction) l \(Self.sources)
             WHERE c.pid = 0 OR pg_catalog.left(a.application_name, pg_catalog.length($1)) <> $1
             ORDER BY 6 DESC NULLS LAST
            """, [name])
    }

    /// Who holds a lock that writers take on one of these tables although the fence is held: a writer that no trigger has stopped.
    /// Those that wait for the fence are where they should be; tandem's own, by the name of their application, may write.
    package func slipped(
        _ names: FenceNames, relations: String
    ) throws(PostgresError) -> [Holder] {
        try ask(
            """
            SELECT DISTINCT \(Self.columns), 'holds ' || l.mode || ' on ' || l.relation::regclass
              FROM pg_catalog.pg_locks l \(Self.sources)
             WHERE l.locktype = 'relation' AND l.granted AND l.relation = ANY ($1::oid[]) AND \(Self.here)
               AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
               AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
               AND coalesce(pg_catalog.left(a.application_name, pg_catalog.length($2)), '') <> $2
               AND coalesce(a.backend_type, 'client backend') <> 'autovacuum worker'
               AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_locks w WHERE w.pid = l.pid AND w.locktype = 'advisory' AND w.objsubid = 1
                      AND ((w.classid::int8 << 32) | w.objid::int8) = \(names.lockKey))
             ORDER BY 6 DESC NULLS LAST
            """, [relations, names.pairKey + "_"])
    }
}

package enum TableLock: Sendable {
    case shareRowExclusive, accessExclusive
}
