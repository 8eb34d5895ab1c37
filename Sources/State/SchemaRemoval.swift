// Drops schema `tandem` once no stream of any migration uses it: the same on both sides.

internal import Postgres

enum SchemaRemoval {
    private static let tables = ["source", "stream", "set_aside", "stream_status", "epoch"]

    static func run(on connection: Connection) throws(PostgresError) {
        let doing = "removing schema tandem on \(connection.label)"
        for table in tables {
            let there = try connection.query("SELECT pg_catalog.to_regclass($1)", ["tandem.\(table)"], doing: doing)
            guard !there.isNull(0, 0) else { continue }
            let rows = try connection.query("SELECT FROM tandem.\(table) LIMIT 1", doing: doing)
            if rows.rows > 0 { return }
        }
        try connection.script(
            "SET client_min_messages = error; DROP SCHEMA IF EXISTS tandem CASCADE", doing: doing)
    }
}
