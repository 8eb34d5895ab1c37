// Marks that a command writes into the heartbeat table of a stream's source, under the fence: what was written before has passed
// when the mark has. The same table and the same way on all versions; a row of its own beside the heartbeat's, for each kind.

package import Model
package import Postgres

package struct Sentinel: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// The stream goes on behind it.
        case pass
        /// The stream takes nothing that comes behind it before it has seen what became of the step.
        case halt
    }

    package let kind: Kind
    package let number: Int

    package init(_ kind: Kind, _ number: Int) { (self.kind, self.number) = (kind, number) }

    /// The key of its row.
    static func key(_ kind: Kind, of stream: StreamName) -> String { "\(stream)/\(kind.rawValue)" }

    package static func kind(ofKey key: String, _ stream: StreamName) -> Kind? {
        Kind.allCases.first { self.key($0, of: stream) == key }
    }

    /// All rows that a stream has in the heartbeat table.
    static func keys(of stream: StreamName) -> [String] {
        [stream.description] + Kind.allCases.map { key($0, of: stream) }
    }
}

extension SourceSide {
    /// Writes the next one, in a transaction of its own; durable when it returns, as far as the session waits for that.
    package func mark(_ kind: Sentinel.Kind) throws(PostgresError) -> Sentinel {
        let row = try ask(
            """
            INSERT INTO tandem.heartbeat AS h (stream, beat, at, lsn)
            VALUES ($1, 1, pg_catalog.clock_timestamp(), pg_catalog.pg_current_wal_lsn())
            ON CONFLICT (stream) DO UPDATE SET beat = h.beat + 1, at = excluded.at, lsn = excluded.lsn
            RETURNING beat
            """, [Sentinel.key(kind, of: stream)], to: "writing a mark")
        return Sentinel(kind, row.int(0, 0) ?? 0)
    }

    package func lastMark(_ kind: Sentinel.Kind) throws(PostgresError) -> Sentinel? {
        try Sentinel.read(kind, of: stream, on: connection)
    }
}

extension TargetSide {
    /// The last one that has passed, as the transaction that moved the stream's progress has written it.
    package func passedMark(_ kind: Sentinel.Kind) throws(PostgresError) -> Sentinel? {
        try Sentinel.read(kind, of: stream, on: connection)
    }
}

extension Sentinel {
    fileprivate static func read(
        _ kind: Kind, of stream: StreamName, on connection: Connection
    ) throws(PostgresError) -> Sentinel? {
        let row = try connection.query(
            "SELECT beat FROM tandem.heartbeat WHERE stream = $1", [key(kind, of: stream)],
            doing: "reading a mark on \(connection.label)")
        return row.rows == 0 ? nil : row.int(0, 0).map { Sentinel(kind, $0) }
    }
}
