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
