// Servers with settings and leftovers that stand in the way, and what cannot be reached at all.

import Foundation
import TestSupport
import Testing

extension PreflightTests {
    /// What the sick server is to be blamed for as old, as new, and once it is a standby.
    enum Sick {
        static let settings = [
            "wal_level": "replica", "max_wal_senders": "0", "max_replication_slots": "1",
            "max_slot_wal_keep_size": "1GB", "wal_sender_timeout": "1s", "synchronous_standby_names": "*",
            "synchronous_commit": "local", "max_connections": "12", "superuser_reserved_connections": "4",
            "max_locks_per_transaction": "10", "max_prepared_transactions": "0", "max_worker_processes": "2",
            "max_parallel_maintenance_workers": "0", "max_wal_size": "32MB", "min_wal_size": "32MB",
        ]
        static let asOld = [
            "wal-level", "wal-senders", "replication-slots", "replication-connection", "slot-log-limit",
            "wal-sender-timeout", "synchronous-standby", "connection-limit", "lock-table", "wal-volume",
        ].map { Found($0, "old") }
        static let asNew = ["connection-limit", "lock-table", "replication-origins", "other-origins", "workers"].map {
            Found($0, "new")
        }
        static let asStandby = [Found("standby", "new")]
        /// No standby of old's, and given as one.
        static let readFrom = [Found("reading-standby", "standby")]
        /// Named as nobody's.
        static let unreached = [Found("connection", "new")]
    }

    @Test func aServerThatIsNotSetUpForIt() throws {
        let sick = try Cluster("sick", options: ClusterOptions(settings: Sick.settings))
        defer { sick.remove() }
        let s = try scenario("sick")
        defer { s.end() }
        let tables = (0..<90).map { "CREATE TABLE t\($0) (id int PRIMARY KEY)" }.joined(separator: ";\n")
        for database in [s.old, s.new, try sick.createDatabase(s.name)] { try database.sql(tables) }
        try sick.sql("SELECT pg_create_physical_replication_slot('other', true)")
        for _ in 1...6 {
            try sick.sql("CREATE TABLE w ()")
            try sick.sql("SELECT pg_switch_wal()")
            try sick.sql("DROP TABLE w")
        }

        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, old: sick.connection(database: s.name), extra: Self.roomy)
        let major = sick.installation.major
        expect(try s.preflight(exits: 3), Sick.asOld, versions: Self.expectedOfVersions(old: major))

        try sick.sql("SELECT pg_replication_origin_create('other')")
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, new: sick.connection(database: s.name), initialCopy: "all",
            extra: Self.roomy)
        expect(try s.preflight(exits: 3), Sick.asNew, versions: Self.expectedOfVersions(new: major))

        try sick.stop()
        try Data().write(to: URL(fileURLWithPath: "\(sick.dataDirectory)/standby.signal"))
        try sick.configure(["primary_conninfo": "", "synchronous_standby_names": ""])
        try sick.start()
        let seen = try s.preflight(exits: 3)
        expect(seen, Sick.asStandby, except: ["new"])
        try s.writeConfiguration(standby: sick.connection(database: s.name))
        #expect(try s.preflight("--only", "reading-standby", exits: 3).pairs == Set(Sick.readFrom))
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, new: sick.connection(database: s.name), initialCopy: "all",
            extra: Self.roomy)
        #expect(seen.notLookedAt.contains { $0.check == "same-database" })

        try sick.stop()
        expect(try s.preflight(exits: 3), Sick.unreached, except: ["new"])
    }

    enum Moment {
        static let expected = [
            Found("prepared-transactions", "prepared transaction left"), Found("temporary-tables", "old"),
            Found("locked-tables", "public.held"), Found("slot-creation", "old"), Found("failover-slots", "old"),
        ]
        /// Its objects are numbers of processes.
        static let byNumber = "long-transactions"
    }

    @Test func whatIsGoingOnJustNow() throws {
        let s = try scenario("moment")
        defer { s.end() }
        try s.both("CREATE TABLE held (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY)")
        try s.old.sql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'")
        defer { _ = try? s.old.sql("ROLLBACK PREPARED 'left'") }
        let holder = try s.old.session(applicationName: "some job")
        try holder.send("CREATE TEMP TABLE scratch (id int); BEGIN; INSERT INTO t VALUES (2); LOCK held")
        let standby = try Cluster("standby", standbyOf: s.pair.old)
        defer { standby.remove() }
        try standby.start()
        try s.old.wait(for: "SELECT state FROM pg_stat_replication", toBe: "streaming")
        try s.old.wait(
            for:
                "SELECT bool_and(clock_timestamp() - xact_start > interval '6 s') FROM pg_stat_activity WHERE application_name = 'some job'",
            toBe: "t")
        let seen = try s.preflight(exits: 0)
        let byNumber = seen.findings.filter { $0.check == Moment.byNumber }
        #expect(byNumber.count == 1 && byNumber.allSatisfy { $0.finding.contains("some job") }, "\(seen.findings)")
        #expect(seen.lines("slot-creation").first?.finding.contains("some job") == true)
        #expect(seen.lines("locked-tables").first?.finding.contains("some job") == true)
        expect(seen, Moment.expected + byNumber.map { Found($0.check, $0.object) })
        try holder.send("ROLLBACK")
    }

    @Test func theSameDatabaseTwiceOverTheNetworkWithoutRoom() throws {
        let s = try scenario("network")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try "".write(toFile: "\(s.directory)/file", atomically: true, encoding: .utf8)
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, new: s.pair.old.connection(database: s.name, overTCP: true),
            extra: "limits: { spill: 900TB, wal_held: 1MB }\nevidence: file/evidence")
        // Old stands for both. 13 only tells what was written since the checkpoint that made the database.
        let major = PostgresInstallation.tested.old
        if major < 14 {
            try s.old.sql("INSERT INTO t SELECT generate_series(1, 5000)")
            rest(.milliseconds(1200))
        }
        let seen = try s.preflight(exits: 3)
        let tooOld = major < 14 ? [Found("version", "new")] : []
        expect(
            seen, Network.expected + [Found(Network.byPlace, s.spillDirectory)] + tooOld,
            versions: Self.expectedOfVersions(new: major))
    }

    enum Network {
        static let expected = [
            Found("same-database", "new"), Found("tls", "new"), Found("time-until-wal-held", "old"),
            Found("evidence-log", "evidence"),
        ]
        static let byPlace = "spill-space"
    }
}
