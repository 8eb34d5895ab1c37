// A standby of old, from which rows may be read: that it is one, and how far it has come.

package import Model
package import Postgres

package struct StandbySide {
    package let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    /// An address may lead to any server; one of another system replays positions as well.
    package func checkIs(of source: Connection) throws {
        let identifiers = try [source, connection].map { side in
            try side.query(
                """
                SELECT system_identifier, (SELECT oid FROM pg_catalog.pg_database
                 WHERE datname = pg_catalog.current_database()) FROM pg_catalog.pg_control_system()
                """, doing: "comparing old with its standby")
        }
        guard identifiers[0].string(0, 0) == identifiers[1].string(0, 0) else {
            throw StateError.refused(
                "\(connection.label) is a standby of another server",
                hint: "correct `standby` of the pair, or leave it out: then old itself is read")
        }
        guard identifiers[0].string(0, 1) == identifiers[1].string(0, 1) else {
            throw StateError.refused(
                "\(connection.label) is connected to another database than old",
                hint: "correct `standby` of the pair: the same server's copy of the same database")
        }
    }

    /// What it shows ends there or before, as long as it is a standby.
    package func replayed() throws -> LSN {
        let row = try connection.script(
            "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.pg_last_wal_replay_lsn()",
            doing: "asking how far \(connection.label) has come")
        guard row.bool(0, 0) else {
            throw StateError.refused(
                "\(connection.label) was promoted: it is a standby no more",
                hint: "name another standby of old, or leave `standby` out: then old itself is read")
        }
        return LSN(row.string(0, 1)) ?? .zero
    }

    package func exportSnapshot() throws -> String {
        try connection.script(
            "SELECT pg_catalog.pg_export_snapshot()", doing: "taking a snapshot on \(connection.label)"
        ).string(0, 0)
    }
}
