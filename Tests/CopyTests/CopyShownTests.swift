// What people see of a copy, and what they may ask for: a terminal that is redrawn, plain lines, a stream that rests, memory
// that is filled before anybody reads.

import TestSupport
import Testing

@Suite struct CopyShownTests {
    /// Also: a table that must be read in one snapshot says so when it takes longer than the limit.
    @Test(arguments: [true, false])
    func onATerminalItIsRedrawn(inColor: Bool) throws {
        let s = try Scenario.copying(
            "screen", extra: "limits: {copy_rate: 200kB, snapshot: 300ms}",
            tables: "CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL",
            rows: "INSERT INTO loose SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i; ANALYZE loose")
        defer { s.end() }
        let command = "\(try TandemBinary.path) run --until caught-up --config \(s.configurationPath)"
        let run = try s.start(
            program: "/usr/bin/script", ["-qec", command, "/dev/null"],
            environment: ["TERM": "xterm", "LC_ALL": "C.UTF-8", "NO_COLOR": inColor ? "" : "1"])
        #expect(try run.wait() == .exited(0), "\(run.tail)")
        let screen = run.output
        #expect(screen.contains("█") && screen.contains("public.loose") && screen.contains(" left"), "\(screen)")
        #expect(screen.contains("A\u{1b}[J"), "nothing was drawn over")
        #expect(screen.contains("\u{1b}[1m") == inColor)
        #expect(screen.contains("snapshot held longer than limits.snapshot"))
        #expect(!screen.contains("event=copying"))
        try s.expectSame()
    }

    @Test func theStreamRestsWhenAsked() throws {
        let s = try Scenario.copying(
            "rests", tables: "CREATE TABLE t (a int PRIMARY KEY)", rows: "INSERT INTO t VALUES (1)")
        defer { s.end() }
        let run = try s.start("run")
        try s.waitForCopy(of: "t", toBe: "done")
        try s.catchUp()
        #expect(try s.tandem("pause", "--streams").status == .exited(0))
        try run.waitForLog("stream rests")
        try s.old.sql("INSERT INTO t VALUES (2)")
        rest(.milliseconds(1500))
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
        #expect(try s.tandem("status").stdout.contains("paused"))
        #expect(try s.old.value("SELECT active FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'") == "f")
        #expect(try s.tandem("resume").status == .exited(0))
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    /// Whether old is spared is the operator's to say, and what cannot be asked is no permission.
    @Test func itRestsWhileOldIsBusy() throws {
        let s = try Scenario.copying(
            "busy", dataA: ["public.*"],
            extra: """
                jobs: 1
                copy: {range: 64kB, back_off: {query: "SELECT load FROM ops.busy", above: 5}}
                limits: {copy_rate: 400kB}
                """,
            tables: "CREATE TABLE t (a int PRIMARY KEY, b text)",
            rows: "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 10000) i")
        defer { s.end() }
        let run = try s.start("run")
        try run.waitForLog("copy.back_off gave no answer")
        #expect(try s.tandem("status").stdout.contains("ops.busy"))
        try s.old.sql("CREATE SCHEMA ops; CREATE TABLE ops.busy (load text); INSERT INTO ops.busy VALUES ('much')")
        let isSaid = try poll(within: .seconds(60)) {
            try s.tandem("status").stdout.contains("no number") ? true : nil
        }
        #expect(isSaid == true)
        try s.old.sql("UPDATE ops.busy SET load = '1'")
        try run.waitForLog("copy goes on")
        try s.new.wait(for: "SELECT count(*) > 2 FROM tandem.copied_range", toBe: "t", within: .seconds(60))
        try s.old.sql("UPDATE ops.busy SET load = '5.5'")
        try run.waitForLog("copy.back_off is over 5")
        let parts = "SELECT count(*) FROM tandem.copied_range"
        let before = try s.new.value(parts)
        rest(.seconds(1))
        #expect(try s.new.value(parts) == before)
        #expect(try s.new.value("SELECT state FROM tandem.copied_table WHERE table_name = 't'") == "copying")
        // Nothing to say is no reason to rest.
        try s.old.sql("UPDATE ops.busy SET load = NULL")
        try s.waitForCopy(of: "t", toBe: "done")
        try s.catchUp()
        #expect(try run.stop() == .exited(0))
        try s.expectSame(except: ["ops.busy"])
    }

    @Test func statisticsAndMemoryAreThereBeforeReaders() throws {
        let s = try Scenario("warm", marker: false)
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE t (a int PRIMARY KEY, b int, c int); CREATE STATISTICS both_of_them ON b, c FROM t;
            CREATE TABLE child (d int) INHERITS (t); ALTER TABLE child ADD PRIMARY KEY (a);
            INSERT INTO t SELECT i, i % 10, i % 10 FROM generate_series(1, 1000) i;
            INSERT INTO child SELECT 10000 + i, 0, 0, 0 FROM generate_series(1, 1000) i;
            CREATE MATERIALIZED VIEW few AS SELECT b, count(*) FROM t GROUP BY 1;
            """)
        try s.configureCopy(extra: "copy: {prewarm: true}")
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(
            refused.status == .exited(3) && refused.stderr.contains("CREATE EXTENSION pg_prewarm"), "\(refused.stderr)")
        #expect(try s.slots == "0")
        try s.new.sql("CREATE EXTENSION pg_prewarm; ALTER DATABASE \(s.name) SET track_functions = 'all'")
        try s.copy()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) > 0 FROM pg_statistic_ext_data") == "t")
        #expect(try s.new.value("SELECT count(*) FROM pg_stats WHERE tablename = 't' AND inherited") == "3")
        #expect(try s.new.value("SELECT count(*) FROM pg_stats WHERE tablename = 'few'") == "2")
        try s.new.wait(
            for: "SELECT calls FROM pg_stat_user_functions WHERE funcname = 'pg_prewarm'", toBe: "4")
    }
}
