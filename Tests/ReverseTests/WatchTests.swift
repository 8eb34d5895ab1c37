// The stream back comes and goes with the step, without the runner being started again: it is made, watches, and is taken away;
// what a watch sees is counted once, and what tandem itself wrote is never among it.

import TestSupport
import Testing

@Suite(.blocking) struct WatchTests {
    static let tables = """
        CREATE TABLE t (id int PRIMARY KEY, v text);
        CREATE TABLE seen (id int PRIMARY KEY, v text);
        """

    @Test func theStreamBackFollowsTheStep() throws {
        let s = try Scenario("watch", extra: "strategy: pause")
        defer { s.end() }
        try s.both(Self.tables)
        let before = try Left(s)
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.waitForRoles(forward: "apply", reverse: "off")
        #expect(
            try s.new.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.reverseName)'") == "0")

        try s.move(toStep: 2, truth: "old")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try s.old.sql(
            "INSERT INTO t SELECT i, 'old' FROM generate_series(1, 100) i; UPDATE t SET v = 'older' WHERE id < 50")
        try s.old.sql(
            "INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1000, 3000) i; DELETE FROM t WHERE id > 2500"
        )
        try s.catchUp()
        // Applications and others, on new.
        try s.new.sql(
            "INSERT INTO seen VALUES (1, 'a'), (2, 'b'); UPDATE seen SET v = 'c'; DELETE FROM seen WHERE id = 2")
        try s.writeAsThird(
            on: s.new, "INSERT INTO seen VALUES (7, 'theirs')",
            "INSERT INTO seen SELECT i, repeat('y', 300) FROM generate_series(100, 1099) i")
        try s.reversePasses()
        #expect(try s.watchedOnOld() == ["public.seen 5 1001"])

        // Counted once, whatever happens to the runner.
        run.kill()
        try s.new.sql("INSERT INTO seen VALUES (3, 'd')")
        let second = try s.start("run")
        try s.reversePasses()
        #expect(try s.watchedOnOld() == ["public.seen 6 1001"])
        let lag = try s.tandem("lag", "--json")
        #expect(
            lag.exitCode == 0 && lag.stdout.contains(s.reverseName) && lag.stdout.contains(#""role":"watch""#),
            "\(lag.stdout)")
        let status = try s.tandem("status")
        #expect(
            status.stdout.contains("stream back") && status.stdout.contains("public.seen 6 by applications"),
            "\(status.stdout)")

        try s.move(toStep: 1, truth: "old")
        try s.waitForRoles(forward: "apply", reverse: "off")
        try s.expectNoReverse()
        try s.old.sql("INSERT INTO t VALUES (5000, 'after')")
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0", "\(second.log.suffix(2000))")
        #expect(try s.new.value("SELECT v FROM t WHERE id = 5000") == "after")
        #expect(try second.stop() == .exited(0))
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
        #expect(try Left(s) == before)
    }

    @Test func theCommandsMakeItAndTakeItAway() throws {
        let s = try Scenario("commanded", extra: "strategy: pause\ngates: {lag: 60s}")
        defer { s.end() }
        try s.both(Self.tables)
        try s.prepare()
        let run = try s.start("run")
        try s.waitForRoles(forward: "apply", reverse: "off")
        let there = try s.tandem("advance", "--yes")
        #expect(there.exitCode == 0 && there.stdout.contains("slot"), "\(there.stdout)\(there.stderr)")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try s.old.sql("INSERT INTO t VALUES (1, 'x')")
        try s.catchUp()
        let status = try s.tandem("status")
        #expect(status.stdout.contains("the stream back runs"), "\(status.stdout)")
        // Killed once the step is committed on one side: the same command completes it.
        let killed = try s.tandem("back", "--yes", environment: ["TANDEM_FAILPOINT": "after-epoch-committed"])
        #expect(killed.status == .signalled(9))
        let back = try s.tandem("back", "--yes")
        #expect(back.exitCode == 0, "\(back.stdout)\(back.stderr)")
        try s.expectNoReverse()
        try s.waitForRoles(forward: "apply", reverse: "off")
        #expect(try s.new.value("SELECT count(*) FROM tandem.difference") == "0")
        #expect(try run.stop() == .exited(0))
    }

    /// Killed between the slot and whatever refers to it: the next runner completes it, or clears it away when the step has no
    /// stream back any more.
    @Test func aMakingKilledHalfWayLeavesNoOrphan() throws {
        let s = try Scenario("orphan", extra: "strategy: pause")
        defer { s.end() }
        try s.both(Self.tables)
        try s.prepare()
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
        for place in ["after-slot-created", "after-origin-created"] {
            try s.move(toStep: 2, truth: "old")
            #expect(try s.start("run", environment: ["TANDEM_FAILPOINT": place]).wait() == .signalled(9))
            #expect(
                try s.new.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.reverseName)'") == "1"
            )
            if place == "after-slot-created" {
                let completing = try s.start("run")
                try s.waitForRoles(forward: "apply", reverse: "watch")
                try s.new.sql("INSERT INTO seen VALUES (1, 'a')")
                try s.reversePasses()
                #expect(try completing.stop() == .exited(0))
            }
            try s.move(toStep: 1, truth: "old")
            let clearing = try s.start("run")
            try s.waitForRoles(forward: "apply", reverse: "off")
            try s.expectNoReverse()
            #expect(try clearing.stop() == .exited(0))
        }
        // Aborted with a stream back that is only half there.
        try s.move(toStep: 2, truth: "old")
        #expect(try s.start("run", environment: ["TANDEM_FAILPOINT": "after-slot-created"]).wait() == .signalled(9))
        let abort = try s.tandem("abort", "--yes")
        #expect(
            abort.exitCode == 0 && abort.stdout.contains("slot \(s.reverseName) on new"),
            "\(abort.stdout)\(abort.stderr)")
        try s.expectNoReverse()
    }
}
