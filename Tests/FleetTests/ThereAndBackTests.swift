// Strategy `dual-write` by its commands, from step 1 to 6 and back to 1: who may write what at each step, who is seen, which gate
// waits for whom, and what of the wrong writes that applications make is found, named and made right at each.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ThereAndBackTests {
    @Test func throughAllSteps() throws {
        let port = try ListeningPort()
        let heard = try RunDirectory.current.makeDirectory("heard") + "/events"
        let d = try Dual(
            "dual",
            extra: """
                \(port.line)
                hooks: {on_event: [/bin/sh, -c, 'cat >> \(heard)']}
                canary: [{name: all of u, query: SELECT * FROM public.u, slower: 1000}]
                """)
        defer { d.end() }
        let s = d.s
        try d.moves("advance")
        try d.expectStep(2)
        try d.gatesBeforeBothAreWritten()
        let opened = try d.moves("advance")
        #expect(opened.contains("Mode 3 may be deployed now"), "\(opened)")
        try d.expectStep(3)
        try d.gatesAtTheBeginningOfStepThree()

        // Step 3: modes 1 and 3; strangers on new, and modes ahead of their time, are refused.
        #expect(d.serve(1, as: "legacy", "INSERT INTO t (v) VALUES ('legacy')") == ["ok"])
        #expect(d.write(s.new, as: "stranger", mode: nil, "DELETE FROM t") == "25006")
        #expect(d.serve(4, "UPDATE t SET v = 'no'") == ["25006", "25006"])
        #expect(d.write(s.new, mode: 6, "UPDATE t SET v = 'no'") == "25006")
        #expect(
            d.write(s.old, mode: 9, "UPDATE t SET v = 'no'") == "25006",
            "who says nothing may, who says nonsense may not")
        #expect(d.serve(3, "INSERT INTO t (id, v) VALUES (1000, 'three')") == ["ok", "ok"])
        try d.injectWhileForwardApplies(mode: 3)
        try d.isSeen("legacy", mode: "") { d.serve(1, as: "legacy", "UPDATE t SET n = n + 1 WHERE id = 1") }
        let held = try d.refused("advance", "gate census refuses", "legacy", "wrote old in mode 1")
        #expect(held.contains("ago") && held.contains("mode 3"), "\(held)")
        #expect(try s.tandem("fleet").stdout.contains("written by orphan-3: 1 orphans"))
        let fleet = try s.tandem("fleet", "--json").stdout
        #expect(fleet.contains("\"name\":\"web-1\"") && fleet.contains("\"mode\":3"), "\(fleet)")
        try d.moves("advance")
        try d.expectStep(4)

        // Step 4: a forgotten instance in mode 1 fails loudly, and is told where it stands.
        #expect(d.serve(1, as: "legacy", "UPDATE t SET v = 'lost'") == ["25006"])
        #expect(d.serve(5, "UPDATE t SET v = 'no'") == ["25006", "25006"])
        #expect(d.serve(4, "INSERT INTO t (id, v) VALUES (1001, 'four')") == ["ok", "ok"])
        try d.injectWhileForwardApplies(mode: 4)
        try d.isSeen("web-1", mode: "3", on: "new") { d.serve(3, "UPDATE t SET n = n + 1 WHERE id = 2") }
        try d.refused("advance", "gate census refuses", "web-1", "in mode 3")
        // The last that is seen of it is mode 4.
        try d.isSeen("web-1", mode: "4") { d.serve(4, "UPDATE t SET n = n + 1 WHERE id = 2") }
        try d.gatesBeforeNewIsRead()
        #expect(try s.tandem("canary").status == .exited(0))
        try d.moves("advance")
        try d.expectStep(5)
        try s.waitForRoles(forward: "watch", reverse: "watch")

        // What was tried before anybody read new does not count for the next step.
        #expect(try s.tandem("step").stdout.contains("`all of u` was not tried since instances read new"))
        let tried = try s.tandem("canary")
        #expect(tried.status == .exited(0) && tried.stdout.contains("step 5"), "\(tried.stdout)\(tried.stderr)")
        #expect(try s.tandem("step").stdout.contains("1 probe passed"))

        // Step 5: nothing applies; mode 6 may not come yet.
        #expect(d.write(s.new, as: "hasty", mode: 6, "UPDATE t SET v = 'lost'") == "25006")
        #expect(d.serve(3, "UPDATE t SET v = 'no'") == ["25006", "25006"])
        #expect(d.serve(5, "INSERT INTO t (id, v) VALUES (1002, 'five')") == ["ok", "ok"])
        try d.injectAtStepFive()
        try d.whoHasOldsRowGoesFirst()
        try d.isSeen("web-1", mode: "5") { d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 2") }
        // Ids that cannot be kept apart.
        try s.both("SELECT setval('small', 32000)")
        try d.refused("advance", "gate sequences refuses", "public.small on new has only 383 values left")
        try s.both("SELECT setval('small', 10)")
        // What is written in the first moment after the step is nobody's orphan.
        let knocking = try Knocking(s.new, as: "web-2", mode: 6) {
            "INSERT INTO u VALUES (\($0 + 100_000), 'knock \($0)')"
        }
        try d.moves("advance")
        try d.expectStep(6)
        let acknowledged = try knocking.end(after: 100)
        try s.reversePasses()
        for side in [s.new, s.old] {
            #expect(try side.value("SELECT count(*) FROM u WHERE id > 100000") == "\(acknowledged.count)")
        }
        try s.waitForRoles(forward: "watch", reverse: "apply")

        // Step 6: new is right; its ids are far beyond old's.
        let apart = try s.new.value("SELECT nextval('t_id_seq') > 900000")
        #expect(apart == "t")
        let begins = try idsComeNear(d)
        #expect(d.serve(1, as: "legacy", "UPDATE t SET v = 'lost'") == ["25006"])
        #expect(d.serve(4, "UPDATE t SET v = 'no'") == ["25006", "25006"])
        #expect(d.serve(6, as: "web-2", "INSERT INTO t (v) VALUES ('six')") == ["ok"])
        #expect(d.serve(5, "UPDATE t SET n = n + 1 WHERE id = 3") == ["ok", "ok"])
        try d.injectAtStepSix()
        #expect(try s.old.value("SELECT count(*) FROM t WHERE v IN ('six', 'wrong')") == "1")

        try expectIdsRunOut(d, begins, port, heard)

        // And back: nobody is left in mode 6, then 5, then 4, then 3.
        try d.isSeen("web-2", mode: "6", on: "new") {
            d.serve(6, as: "web-2", "UPDATE t SET n = n + 1 WHERE id = 5")
        }
        try d.refused("back", "gate census refuses", "web-2")
        d.serve(5, as: "web-2", "UPDATE t SET n = n + 1 WHERE id = 5")
        try d.moves("back")
        try d.expectStep(5)
        #expect(try s.old.value("SELECT nextval('t_id_seq') > 1900000") == "t", "old's ids are beyond new's now")
        #expect(d.write(s.new, as: "web-2", mode: 6, "UPDATE t SET v = 'no'") == "25006")
        for name in ["web-1", "web-2"] { d.serve(4, as: name, "UPDATE t SET n = n + 1 WHERE id = 6") }
        try d.moves("back")
        try d.expectStep(4)
        for name in ["web-1", "web-2"] { d.serve(3, as: name, "UPDATE t SET n = n + 1 WHERE id = 7") }
        try d.moves("back")
        try d.expectStep(3)
        d.write(s.new, mode: 3, "INSERT INTO u VALUES (800, 'orphan, just before')")
        for name in ["web-1", "web-2"] { d.serve(1, as: name, "UPDATE t SET n = n + 1 WHERE id = 8") }
        try d.moves("back")
        try d.expectStep(2)
        // Nothing of it is left, and whoever knows nothing writes old as ever.
        for side in [s.old, s.new] {
            #expect(try side.value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%fence'") == "0")
        }
        #expect(
            try s.new.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(s.reverseName)'") == "0")
        try d.moves("back")
        try d.expectStep(1)
        try s.old.sql("INSERT INTO t (v) VALUES ('as ever')")
        try s.catchUp()
        let differences = try Fingerprint.expectEqual(old: s.old, new: s.new, tables: Dual.compared)
        #expect(differences == [], "\(d.run.tail)")
        #expect(d.run.status == nil, "\(d.run.tail)")
        #expect(try d.run.stop() == .exited(0))
        #expect(try s.tandem("abort", "--yes").status == .exited(0))
        for side in [s.old, s.new] {
            let left = try side.value(
                "SELECT string_agg(roname, ' ') FROM pg_replication_origin WHERE roname LIKE 'tandem_t_\(s.name)%'")
            #expect(left ?? "" == "")
        }
    }

    /// New has given out many by now, and old has few left until where new's began, which is written down there.
    private func idsComeNear(_ d: Dual) throws -> Int {
        let noted = try d.s.new.value("SELECT begins FROM tandem.sequence_range WHERE sequence_name = 't_id_seq'")
        let begins = try #require(noted.flatMap { Int($0) })
        #expect(try d.s.tandem("status").stdout.contains("apart; public.small on old may give out 16,3"))
        try d.s.new.sql("SELECT setval('t_id_seq', \(begins + 5_000_000))")
        try d.s.old.sql("SELECT setval('t_id_seq', \(begins - 50_000))")
        return begins
    }

    /// In the log, told to the program for events, on the screen, and as a metric; and once it is too late, too.
    private func expectIdsRunOut(_ d: Dual, _ begins: Int, _ port: ListeningPort, _ heard: String) throws {
        try d.run.waitForLog("event=\"ids run out\"")
        #expect(d.run.log.contains("relation=public.t_id_seq side=old count=50000"), "\(d.run.tail)")
        let told = poll(within: .seconds(30)) {
            (try? String(contentsOfFile: heard, encoding: .utf8))?.contains("\"event\":\"ids run out\"") == true
                ? true : nil
        }
        #expect(told == true)
        #expect(try d.s.tandem("status").stdout.contains("public.t_id_seq on old may give out 50,000 more"))
        #expect(try d.s.tandem("status", "--json").stdout.contains("\"is_near\":true"))
        let labels = "{pair=\"\(d.s.name)\",sequence=\"public.t_id_seq\"}"
        try port.wait(forMetric: "tandem_ids_left\(labels) 50000")
        #expect(port.value(of: "tandem_ids_gap\(labels)") ?? 0 >= 500_000)
        try d.s.old.sql("SELECT setval('t_id_seq', \(begins + 1))")
        #expect(try d.s.tandem("status").stdout.contains("has come to the ids that new gives out"))
    }
}
