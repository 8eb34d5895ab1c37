// A side that comes back as another server while applications write both: at each step, what is on record of it is made that of
// another one, its slots and origins are gone as after a pg_upgrade, and rows are wrong as after a restore. With an idle application no stream feeds itself, at any step.

import TestSupport
import Testing

@Suite(.blocking) struct AdoptionTests {
    /// Stops `run` first: a server that goes away takes it along.
    private func replace(_ side: Database, _ name: String, in d: Dual, _ wrong: String = "") throws {
        let s = d.s
        #expect(try d.run.stop() == .exited(0), "\(d.run.tail)")
        let other = name == "old" ? s.new : s.old
        let own = name == "old" ? s.slotName : s.reverseName
        try s.both("UPDATE tandem.epoch SET system_\(name) = '1'")
        try side.sql("UPDATE tandem.source SET system_identifier = '1' WHERE stream = '\(own)'")
        try other.sql("UPDATE tandem.stream SET system_identifier = '1' WHERE stream = '\(own)'")
        try side.sql(
            """
            SELECT pg_drop_replication_slot('\(own)');
            SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin
             WHERE roname LIKE 'tandem\\_t\\_\(s.name)%';
            SET tandem.mode = 'tandem'; \(wrong)
            """)
    }

    private func adopt(_ name: String, _ more: String..., in d: Dual) throws -> Outcome {
        try d.s.tandem(["adopt", "--side", name, "--yes"] + more)
    }

    /// Killed once the gate is shut: what applications meet then. And done by the same command.
    private func adoptInTwoGoes(
        _ name: String, in d: Dual, refusing way: String = "advance", _ between: () throws -> Void
    ) throws -> String {
        let s = d.s
        let refused = try s.tandem(way, "--yes")
        #expect(refused.exitCode == 6 && refused.stderr.contains("tandem adopt --side \(name)"), "\(refused.stderr)")
        let died = try s.tandem(
            "adopt", "--side", name, "--yes", environment: ["TANDEM_FAILPOINT": "after-slot-created"])
        #expect(died.status == .signalled(9), "\(died.stderr)")
        try between()
        let done = try adopt(name, in: d)
        #expect(done.exitCode == 0, "\(done.stdout)\(done.stderr)")
        #expect(done.stdout.contains("\(name) of \(s.name) is taken in"))
        return done.stdout
    }

    /// The other side of the same step, in one go: rows are wrong on the one that is not in charge, whichever was replaced.
    private func adoptWhole(
        _ name: String, in d: Dual, mode: Int, roles: (String, String), _ wrong: String, equal: String
    ) throws {
        let s = d.s
        try replace(name == "old" ? s.old : s.new, name, in: d, wrong)
        let done = try adopt(name, in: d)
        #expect(done.exitCode == 0 && done.stdout.contains("\(equal) made equal"), "\(done.stdout)\(done.stderr)")
        try d.startAgain()
        try s.waitForRoles(forward: roles.0, reverse: roles.1)
        let both = mode == 6 ? ["ok"] : ["ok", "ok"]
        #expect(d.serve(mode, as: mode == 6 ? "web-2" : "web-1", "UPDATE t SET n = n + 1 WHERE id = 30") == both)
        try d.expectSame()
    }

    /// A server that goes away in the middle of it: the sessions of the command on either side end at once.
    private func cutOff(_ name: String, on side: Database, in d: Dual) throws {
        let s = d.s
        let command = try s.stopped(at: "after-slot-created", ["adopt", "--side", name, "--yes"])
        try side.sql(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE 'tandem\\_t\\_\(s.name)%'
            """)
        command.continue()
        #expect(try command.wait() != .exited(0), "\(command.tail)")
        #expect(try s.tandem("advance", "--yes").exitCode == 6, "it is not taken in")
    }

    @Test func whileApplicationsWriteBothSides() throws {
        var traces: Traces?
        let d = try Dual("adopted") { traces = try Traces($0) }
        defer { d.end() }
        let s = d.s
        // At every step, the first one included.
        try s.expectIdle()
        try d.moves("advance")
        try s.expectIdle()
        try d.moves("advance")
        try d.expectStep(3)
        try stepThree(d)
        try d.isSeen("web-1", mode: "3") { d.serve(3, "UPDATE t SET n = n + 1 WHERE id = 2") }
        try d.moves("advance")
        try d.expectStep(4)
        try stepFour(d)
        try d.isSeen("web-1", mode: "4") { d.serve(4, "UPDATE t SET n = n + 1 WHERE id = 2") }
        try d.moves("advance")
        try d.expectStep(5)
        try stepFive(d)
        try d.isSeen("web-1", mode: "5") { d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 2") }
        try d.moves("advance")
        try d.expectStep(6)
        try stepSix(d)
        #expect(try s.tandem("evidence", "verify").exitCode == 0)
        #expect(try d.run.stop() == .exited(0))
        #expect(try s.tandem("finish", "--yes").exitCode == 0)
        #expect(try Traces(s) == traces)
    }

    /// New, restored: it lacks rows and has an orphan. Mode 3 goes on meanwhile.
    private func stepThree(_ d: Dual) throws {
        let s = d.s
        try replace(s.new, "new", in: d, "DELETE FROM t WHERE id < 4; INSERT INTO u VALUES (900, 'orphan')")
        let said = try adoptInTwoGoes("new", in: d) {
            #expect(d.serve(3, "INSERT INTO u VALUES (950, 'while new was shut')") == ["ok", "25006"])
            let count = try s.new.value("SELECT count(*) FROM u WHERE id = 950")
            #expect(count == "0")
        }
        #expect(said.contains("refused on new (25006)") && said.contains("mode 3 goes on without it"), "\(said)")
        #expect(said.contains("public.t: 3 rows made equal") && !said.contains("writes in mode"), "\(said)")
        #expect(d.serve(3, "UPDATE u SET name = 'again' WHERE id = 9") == ["ok", "ok"], "the gate is open again")
        try d.startAgain()
        try s.waitForRoles(forward: "apply", reverse: "watch")
        // The stream back sees what is wrong on new from now on.
        #expect(d.write(s.new, mode: 3, "INSERT INTO u VALUES (901, 'orphan')") == "ok")
        try d.expectSame()
        try s.expectIdle()
        #expect(try s.new.value("SELECT count(*) FROM u WHERE id = 950") == "1")
        #expect(try s.new.value("SELECT count(*) FROM u WHERE id IN (900, 901)") == "0")
        // Old is in charge: what it has counts.
        try adoptWhole(
            "old", in: d, mode: 3, roles: ("apply", "watch"), "UPDATE t SET v = 'since' WHERE id = 31",
            equal: "public.t: 1 row")
    }

    /// Old, in charge: an older one is refused, because new has what it lacks.
    private func stepFour(_ d: Dual) throws {
        let s = d.s
        try replace(s.old, "old", in: d, "DELETE FROM t WHERE id = 8")
        let beat =
            "UPDATE tandem.heartbeat SET beat = beat - 7, at = at - interval '7 s' WHERE stream = '\(s.slotName)'"
        try s.old.sql(beat)
        let older = try adopt("old", in: d)
        #expect(older.exitCode == 6 && older.stderr.contains("old is older by"), "\(older.stderr)")
        #expect(older.stderr.contains("is on new alone") && older.stderr.contains("--accept-loss"), "\(older.stderr)")
        #expect(try s.new.value("SELECT count(*) FROM t WHERE id = 8") == "1")
        #expect(d.serve(4, "UPDATE t SET n = n + 1 WHERE id = 9") == ["ok", "ok"], "nothing was shut")
        let looked = try s.tandem("adopt", "--side", "old", "--dry-run", "--accept-loss")
        #expect(looked.exitCode == 0 && looked.stdout.contains("writes in mode 4 fail, mode 3 goes on without it"))
        #expect(d.serve(4, "UPDATE t SET n = n + 1 WHERE id = 9") == ["ok", "ok"], "nothing was shut")
        let taken = try adopt("old", "--accept-loss", in: d)
        #expect(
            taken.exitCode == 0 && taken.stdout.contains("public.t: 1 row made equal"), "\(taken.stdout)\(taken.stderr)"
        )
        try d.startAgain()
        try s.waitForRoles(forward: "apply", reverse: "watch")
        #expect(d.serve(4, "INSERT INTO u VALUES (960, 'four')") == ["ok", "ok"])
        #expect(d.write(s.new, mode: 4, "UPDATE u SET name = 'rolled back' WHERE id = 6") == "ok")
        try d.expectSame()
        try s.expectIdle()

        // New, with a server that goes away on the way, one after the other; nobody is shut out for that.
        try replace(s.new, "new", in: d, "DELETE FROM t WHERE id = 32")
        for side in [s.new, s.old] {
            try cutOff("new", on: side, in: d)
            #expect(d.serve(4, "UPDATE t SET n = n + 1 WHERE id = 33") == ["ok", "ok"])
        }
        let repeated = try adopt("new", in: d)
        #expect(
            repeated.exitCode == 0 && repeated.stdout.contains("public.t: 1 row made equal"),
            "\(repeated.stdout)\(repeated.stderr)")
        try d.startAgain()
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try d.expectSame()
    }

    /// Users read new here, and no stream applies: nobody writes either side while it is made right.
    private func stepFive(_ d: Dual) throws {
        let s = d.s
        try replace(
            s.new, "new", in: d, "DELETE FROM u WHERE id = 11; UPDATE t SET v = 'of another time' WHERE id = 12")
        try cutOff("new", on: s.old, in: d)
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 12") == ["ok", "25006"], "users read new")
        let said = try adoptInTwoGoes("new", in: d) {
            #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 12") == ["ok", "25006"])
        }
        #expect(said.contains("writes in mode 4 and 5 fail"), "\(said)")
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 12") == ["ok", "ok"])
        try d.startAgain()
        try s.waitForRoles(forward: "watch", reverse: "watch")
        d.write(s.new, mode: 5, "INSERT INTO u VALUES (902, 'orphan')")
        d.write(s.old, mode: 5, "DELETE FROM u WHERE id = 13")
        try d.expectSame()
        #expect(try s.new.value("SELECT v || ' ' || n FROM t WHERE id = 12") == "v12 1")
        try adoptWhole(
            "old", in: d, mode: 5, roles: ("watch", "watch"), "UPDATE t SET v = 'since' WHERE id = 34",
            equal: "public.t: 1 row")
        try lostSlot(d)
    }

    /// The slot of the stream forward is lost where nobody's rows may be touched while they are written.
    private func lostSlot(_ d: Dual) throws {
        let s = d.s
        #expect(try d.run.stop() == .exited(0), "\(d.run.tail)")
        try s.old.sql("SELECT pg_drop_replication_slot('\(s.slotName)')")
        d.write(s.new, mode: 5, "INSERT INTO u VALUES (903, 'orphan, unseen')")
        let looked = try s.tandem("resync", "--dry-run")
        #expect(looked.exitCode == 0 && looked.stdout.contains("slot \(s.slotName) would be made again on old"))
        #expect(looked.stdout.contains("refused on new (25006)"), "\(looked.stdout)\(looked.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'") == "0")
        // A gate that cannot be shut ends it before anything is compared or made.
        let gate = "tandem_t_\(s.name)_gate"
        try s.new.sql("ALTER SEQUENCE tandem.\(gate) RENAME TO elsewhere")
        let unshut = try s.tandem("resync", "--yes")
        #expect(unshut.exitCode == 1 && unshut.stderr.contains("setting the gate"), "\(unshut.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'") == "0")
        #expect(try s.new.value("SELECT count(*) FROM u WHERE id = 903") == "1")
        try s.new.sql("ALTER SEQUENCE tandem.elsewhere RENAME TO \(gate)")
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 15") == ["ok", "ok"])
        let died = try s.tandem("resync", "--yes", environment: ["TANDEM_FAILPOINT": "after-slot-created:2"])
        #expect(died.status == .signalled(9), "\(died.stderr)")
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 15") == ["ok", "25006"])
        let done = try s.tandem("resync", "--yes")
        #expect(
            done.exitCode == 0 && done.stdout.contains("public.u: 1 row made equal"), "\(done.stdout)\(done.stderr)")
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 15") == ["ok", "ok"])
        try d.startAgain()
        try s.waitForRoles(forward: "watch", reverse: "watch")
        try d.expectSame()
        try s.expectIdle()
    }

    /// New again, which is in charge by now: old is made what it is.
    private func stepSix(_ d: Dual) throws {
        let s = d.s
        #expect(d.serve(6, as: "web-2", "INSERT INTO u VALUES (970, 'six')") == ["ok"])
        try d.expectSame()
        try replace(s.new, "new", in: d, "INSERT INTO u VALUES (971, 'while it was away')")
        let said = try adoptInTwoGoes("new", in: d, refusing: "back") {
            #expect(d.write(s.old, mode: 5, "UPDATE t SET n = 100 WHERE id = 20") == "25006", "old is shut")
            #expect(d.serve(6, as: "web-2", "UPDATE t SET n = n + 1 WHERE id = 21") == ["ok"], "mode 6 needs no old")
        }
        #expect(said.contains("refused on old (25006)") && said.contains("writes in mode 5 fail"), "\(said)")
        #expect(said.contains("public.u: 1 row made equal"), "\(said)")
        try d.startAgain()
        try s.waitForRoles(forward: "watch", reverse: "apply")
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 20") == ["ok", "ok"])
        d.write(s.old, mode: 5, "INSERT INTO u VALUES (972, 'orphan')")
        try d.expectSame()
        #expect(try s.old.value("SELECT count(*) FROM u WHERE id IN (970, 971)") == "2")
        #expect(try s.old.value("SELECT n FROM t WHERE id = 20") == "1")
        try s.expectIdle()
        // Old, which is not in charge: it is made what new is.
        try adoptWhole(
            "old", in: d, mode: 6, roles: ("watch", "apply"),
            "DELETE FROM u WHERE id = 14; INSERT INTO u VALUES (980, 'of another time')", equal: "public.u: 2 rows")
        #expect(try s.old.value("SELECT count(*) FROM u WHERE id IN (14, 980)") == "1")
    }
}
