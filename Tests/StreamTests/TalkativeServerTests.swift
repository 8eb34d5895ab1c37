// What servers say without being asked, and what their administrators set while the stream runs: it neither fills memory nor
// log, and changes no value.

import TestSupport
import Testing

@Suite(.blocking) struct TalkativeServerTests {
    @Test func aFloodOfNotices() throws {
        let s = try Scenario.prepared(
            "notices", extra: "limits: { memory: 4MB }", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.new.sql(
            """
            CREATE FUNCTION chatter() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE WARNING '%', repeat('all is well ', 200); RAISE NOTICE 'and %', repeat('better ', 200);
                RETURN NEW;
            END $$;
            CREATE TRIGGER chatter BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION chatter();
            ALTER TABLE t ENABLE ALWAYS TRIGGER chatter;
            """)
        let run = try s.start("run")
        // 200 MB of them.
        try s.old.sql("BEGIN; \(rows("t", count: 40_000)) COMMIT; UPDATE t SET b = 'x' WHERE a <= 5000")
        try s.catchUp()
        try s.expectSame()
        #expect((run.peakMemory ?? .max) < 68 << 20, "\(run.peakMemory ?? 0)")
        #expect(run.log.utf8.count < 100_000 && !run.log.contains("all is well"), "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    /// Servers tell every session of it, also the one that sends the stream.
    @Test func settingsThatChangeMeanwhile() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.prepared(
            "settings", on: pair,
            "CREATE TABLE t (a int PRIMARY KEY, at timestamptz, span interval, raw bytea, f float8, m money)")
        defer { s.end() }
        let run = try s.start("run")
        func write(_ row: Int) throws {
            try s.old.sql(
                """
                INSERT INTO t VALUES (\(row), '2026-02-03 10:00:00.123456+00', '1 mon -00:00:01', '\\x00ff5c',
                    0.1::float8 + 0.2::float8, 1234.11::numeric::money)
                """)
        }
        try write(1)
        try s.catchUp()
        let before = try s.new.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '\(s.slotName)%'")
        for (row, cluster) in [pair.old, pair.new].enumerated() {
            try cluster.configure([
                "datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "extra_float_digits": "0",
                "bytea_output": "escape", "timezone": "Asia/Kathmandu",
                "statement_timeout": "3s", "default_transaction_read_only": cluster.name == "new" ? "on" : "off",
            ])
            try cluster.reload()
            rest(.milliseconds(300))
            try write(10 + row)
            try s.old.sql("UPDATE t SET at = at + interval '1 day' WHERE a = 1")
            try s.catchUp()
        }
        try s.expectSame()
        #expect(run.status == nil && !run.log.contains("stream interrupted"), "\(run.tail)")
        #expect(
            try s.new.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '\(s.slotName)%'")
                == before)
        #expect(try run.stop() == .exited(0))
        // And who begins under them.
        try write(20)
        try s.follow()
        try s.expectSame()
    }

    /// A source that waits for its receiver for ever.
    @Test func aSourceWithoutPatience() throws {
        let pair = try ClusterPair(old: ClusterOptions(settings: ["wal_sender_timeout": "0"]))
        defer { pair.remove() }
        let s = try Scenario.prepared(
            "patient", on: pair, dataA: ["public.t"], "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql("BEGIN; \(rows("t", count: 5000)) COMMIT")
        try s.catchUp()
        // Nothing of it is for new, and the source has no keepalives to send by a clock.
        try s.old.sql("CREATE TABLE other AS SELECT repeat('x', 200) FROM generate_series(1, 50000)")
        let end = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try s.old.wait(
            for: "SELECT confirmed_flush_lsn >= '\(end)' FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'",
            toBe: "t", within: .seconds(60))
        try s.expectSlotNotAhead()
        try s.expectSame(except: ["public.other"])
        #expect(try run.stop() == .exited(0))
    }
}
