// Removing a scenario from a server, in one psql: a test's end would otherwise start more of them than the test. Each
// statement stands alone, and none may fail the test: what one cannot remove the end of the cluster removes.

extension Scenario {
    func dropEverything(_ side: Database) {
        let name = sqlLiteral(side.name)
        let script = """
            \\set ON_ERROR_STOP 0
            SELECT pg_catalog.count(*) > 0 AS any FROM pg_catalog.pg_prepared_xacts WHERE database = \(name) \\gset
            \\if :any
                \\connect \(sqlIdentifier(side.name))
                SELECT pg_catalog.format('ROLLBACK PREPARED %L', gid) FROM pg_catalog.pg_prepared_xacts
                 WHERE database = \(name) \\gexec
                \\connect postgres
            \\endif
            SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = \(name);
            SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
             WHERE database = \(name) OR pg_catalog.strpos(slot_name, \(name)) > 0;
            \\if :ERROR
                \\echo slots
            \\else
                DROP DATABASE IF EXISTS \(sqlIdentifier(side.name)) WITH (FORCE);
                SELECT pg_catalog.pg_replication_origin_drop(roname) FROM pg_catalog.pg_replication_origin
                 WHERE pg_catalog.strpos(roname, \(name)) > 0;
            \\endif
            """
        // Whoever reads from a slot keeps it for a moment after its end.
        _ = poll(within: .seconds(90)) {
            (try? side.cluster.sql(script)).flatMap { $0.hasSuffix("slots") ? nil : true }
        }
    }
}
