// Removing a scenario from a server. Each statement stands alone, and none may fail the test: what one cannot remove
// the end of the cluster removes.

extension Scenario {
    func dropEverything(_ side: Database) {
        let name = sqlLiteral(side.name)
        let ours = "(database = \(name) OR pg_catalog.strpos(slot_name, \(name)) > 0)"
        let server = side.cluster
        _ = try? side.sql(
            """
            SELECT pg_catalog.format('ROLLBACK PREPARED %L', gid) FROM pg_catalog.pg_prepared_xacts WHERE database = \(name) \\gexec
            """)
        _ = try? server.sql(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = \(name)")
        _ = poll(within: .seconds(90)) {
            try? server.sql(
                "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE \(ours)"
            )
        }
        _ = try? server.sql("DROP DATABASE IF EXISTS \(sqlIdentifier(side.name)) WITH (FORCE)")
        _ = try? server.sql(
            """
            SELECT pg_catalog.pg_replication_origin_drop(roname) FROM pg_catalog.pg_replication_origin
            WHERE pg_catalog.strpos(roname, \(name)) > 0
            """)
    }
}
