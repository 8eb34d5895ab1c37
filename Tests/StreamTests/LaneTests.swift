// Two batches at once: whole transactions in the source's order, once each, whatever keys, locks and kills lie between them.

import TestSupport
import Testing

@Suite(.blocking) struct LaneTests {
    /// Batches of 64 kB, which may be beside another from a quarter of that on.
    private static let small = "limits: { memory: 1MB }"

    @Test func whatIsBesideIsVisibleInTheOrderOfTheSource() throws {
        let s = try Scenario.prepared("lanes", extra: Self.small, "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.old.sql(backlog(of: 20_000))
        let reader = try s.new.session()
        let run = try s.start("run")
        // The highest number that is there is how many are there: none came before those before it.
        var seen = 0
        let all = try poll(within: .seconds(120)) { () -> Bool? in
            let (count, highest) = try pair(reader.send("SELECT count(*), coalesce(max(a), 0) FROM t"))
            #expect(count == highest && count >= seen)
            seen = count
            return count == 20_000 ? true : nil
        }
        #expect(all == true, "\(run.tail)")
        try s.expectSame()
        #expect(try usedLanes(s) == 2, "\(run.tail)")
        #expect(try run.stop() == .exited(0))
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
        #expect(try usedLanes(s) == 0)
    }

    /// A value of a unique column goes from row to row, always from the newest to the next: whatever is beside what gave it
    /// away must wait or be done again.
    @Test func aUniqueValueThatWanders() throws {
        let s = try Scenario.prepared(
            "wandering", extra: Self.small,
            "CREATE TABLE t (a int PRIMARY KEY, token int UNIQUE, b text); CREATE TABLE u (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.old.sql(
            """
            DO $$ BEGIN FOR i IN 1 .. 3000 LOOP
                UPDATE t SET token = NULL WHERE a = i - 1;
                INSERT INTO t VALUES (i, 7, repeat(md5(i::text), 3));
                INSERT INTO u VALUES (i, repeat(md5(i::text), 3));
                COMMIT;
            END LOOP; END $$;
            """)
        try s.follow()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0")
    }

    @Test func keysThatComeAgainInEveryBatch() throws {
        let s = try Scenario.prepared(
            "hot", extra: Self.small,
            "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE hot (a int PRIMARY KEY, n int NOT NULL)")
        defer { s.end() }
        try s.old.sql("INSERT INTO hot SELECT i, 0 FROM generate_series(1, 3) i")
        try s.old.sql(
            """
            DO $$ BEGIN FOR i IN 1 .. 4000 LOOP
                UPDATE hot SET n = n + 1 WHERE a = i / 300 % 3 + 1;
                INSERT INTO t VALUES (i, repeat(md5(i::text), 3));
                IF i % 7 = 0 THEN DELETE FROM t WHERE a = i - 3; INSERT INTO t VALUES (i - 3, 'again'); END IF;
                IF i % 11 = 0 THEN UPDATE t SET a = -i WHERE a = i - 5; END IF;
                COMMIT;
            END LOOP; END $$;
            """)
        try s.follow()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0")
    }

    /// What is done and waits for its turn would hold a lock that an operator needs, who holds what the turn waits for.
    @Test func aBatchThatWaitsForItsTurnLetsOthersPass() throws {
        let s = try Scenario.prepared(
            "pass", extra: Self.small,
            "CREATE TABLE front (a int PRIMARY KEY, b text); CREATE TABLE behind (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let run = try s.start("run")
        // Tables are looked up when nothing is under way.
        try s.old.sql("INSERT INTO front VALUES (0, ''); INSERT INTO behind VALUES (0, '')")
        try s.catchUp()
        let someone = try s.new.session()
        try someone.send("BEGIN; LOCK TABLE front IN SHARE MODE")
        try s.old.sql("INSERT INTO front VALUES (1, 'waits')")
        try s.waitUntilNewWaitsForALock()
        try s.old.sql(
            """
            DO $$ BEGIN FOR i IN 1 .. 600 LOOP INSERT INTO behind VALUES (i, repeat(md5(i::text), 3)); COMMIT; END LOOP; END $$;
            """)
        let isBeside = try poll(within: .seconds(90)) {
            try s.new.value(
                "SELECT count(*) FROM pg_locks WHERE relation = 'behind'::regclass AND mode = 'RowExclusiveLock'")
                == "1"
                ? true : nil
        }
        #expect(isBeside == true, "\(run.tail)")
        try someone.send("LOCK TABLE behind IN ACCESS EXCLUSIVE MODE", within: .seconds(90))
        #expect(try someone.send("SELECT count(*) FROM behind") == "1")
        try someone.send("COMMIT")
        try s.catchUp()
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
    }

    @Test func killedWhileTwoAreUnderWay() throws {
        let s = try Scenario.prepared("lanekill", extra: Self.small, "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        let rows = 30_000
        try s.old.sql(backlog(of: rows))
        for _ in 1...8 {
            let before = try count(s)
            guard before < rows else { break }
            let run = try s.start("run")
            let got = try poll(within: .seconds(120), every: .milliseconds(5)) { try count(s) > before ? true : nil }
            #expect(got == true, "\(run.tail)")
            run.kill()
            try s.expectSlotNotAhead()
        }
        try s.follow()
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM t") == "\(rows)")
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0")
    }

    /// New has no room for a second origin: one connection does it all.
    @Test func withoutRoomForASecondOrigin() throws {
        let pair = try ClusterPair(new: ClusterOptions(settings: ["max_replication_slots": "1"]))
        defer { pair.remove() }
        let s = try Scenario.prepared(
            "oneorigin", on: pair, extra: Self.small, "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.old.sql(backlog(of: 5000))
        for _ in 1...2 {
            let run = try s.tandem("run", "--until", "caught-up")
            #expect(run.status == .exited(0), "\(run.stderr)")
            #expect(run.stderr.contains("one connection applies"), "\(run.stderr)")
            try s.expectSame()
            try s.old.sql("DELETE FROM t WHERE a <= 2500; " + backlog(of: 2500))
        }
        s.end()
    }
}

/// Rows of about a hundred bytes, each in a transaction of its own.
private func backlog(of rows: Int) -> String {
    """
    DO $$ BEGIN FOR i IN 1 .. \(rows) LOOP INSERT INTO t VALUES (i, repeat(md5(i::text), 3)); COMMIT; END LOOP; END $$;
    """
}

/// How many connections have applied something.
private func usedLanes(_ scenario: Scenario) throws -> Int {
    try Int(
        scenario.new.value(
            """
            SELECT count(*) FROM pg_replication_origin o JOIN pg_replication_origin_status s ON s.local_id = o.roident
             WHERE strpos(o.roname, '\(scenario.slotName)') > 0 AND s.remote_lsn > '0/0'
            """) ?? "") ?? 0
}

private func count(_ scenario: Scenario) throws -> Int {
    try Int(scenario.new.value("SELECT count(*) FROM t") ?? "") ?? 0
}

private func pair(_ row: String) throws -> (Int, Int) {
    let fields = row.split(separator: "|").compactMap { Int($0) }
    return try (#require(fields.first), #require(fields.last))
}
