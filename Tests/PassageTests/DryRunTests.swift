// `--dry-run` of every command that acts, walked by the table of commands: each is first asked what it would do, which changes
// nothing whatever on either side, and then does it, and the one is refused exactly when the other is.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct DryRunTests {
    /// These only look. Whoever adds a command that acts adds `--dry-run`, and a line below.
    private static let looking: Set<String> = [
        "config show", "lag", "status", "step", "fleet", "evidence show", "evidence verify", "bookstore list",
        "bookstore check", "help",
        // It changes nothing in the databases, and puts on record that it looked.
        "preflight",
        // It writes what it reads where it is told to.
        "evidence export",
    ]

    private static let extra = """
        strategy: pause
        limits: {pause: 20s}
        canary: [{name: one, query: SELECT * FROM public.t WHERE a = $1, parameters: [3], slower: 1000}]
        """

    private final class Walk {
        let s: Scenario
        let onlookers: Onlookers
        var tried: Set<String> = []
        var isMoving = false

        init(_ s: Scenario) throws { (self.s, onlookers) = (s, try Onlookers(s)) }

        private func still() throws -> Stillness { try Stillness(s, onlookers, isMoving: isMoving) }

        /// What it said, when only asked. `really` nil: only asked.
        @discardableResult
        func expect(
            _ code: Int32, _ line: String, _ more: [String] = [], says: String..., really: Int32? = 0,
            location: SourceLocation = #_sourceLocation
        ) throws -> String {
            let words = named(line)
            let before = try still()
            let dry = try s.tandem(words + more + ["--dry-run"])
            let all = "\(line): \(dry.stdout)\(dry.stderr)"
            #expect(dry.exitCode == code, "\(all)", sourceLocation: location)
            for saying in says { #expect(all.contains(saying), "\(saying) in \(all)", sourceLocation: location) }
            if code == 0 { #expect(all.contains("Nothing was changed"), "\(all)", sourceLocation: location) }
            let changed = before.differences(to: try still())
            #expect(changed == [], "\(line)", sourceLocation: location)
            guard let really else { return all }
            let done = try s.tandem(words + more)
            #expect(
                done.exitCode == (code == 0 ? really : code), "\(line): \(done.stdout)\(done.stderr)",
                sourceLocation: location)
            return all
        }

        func refused(_ code: Int32, _ lines: String..., location: SourceLocation = #_sourceLocation) throws {
            let before = try still()
            for line in lines {
                let dry = try s.tandem(named(line) + ["--dry-run"])
                #expect(dry.exitCode == code, "\(line): \(dry.stdout)\(dry.stderr)", sourceLocation: location)
            }
            let changed = before.differences(to: try still())
            #expect(changed == [], "\(lines)", sourceLocation: location)
            for line in lines {
                let really = try s.tandem(named(line))
                #expect(really.exitCode == code, "\(line): \(really.stdout)\(really.stderr)", sourceLocation: location)
            }
        }

        /// Its words; the command, which is those before the first option or name, is on record.
        private func named(_ line: String) -> [String] {
            let words = line.split(separator: " ").map(String.init)
            tried.insert(
                words.prefix { $0.allSatisfy { $0.isLetter || $0 == "-" } && !$0.hasPrefix("--") }.joined(
                    separator: " "))
            return words
        }
    }

    @Test func everyCommandCanBeAskedFirst() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario.stepping("dry", on: pair, extra: Self.extra)
        defer { s.end() }
        let walk = try Walk(s)
        try theBookstore(walk)
        try nothingIsPrepared(walk)
        try following(walk)
        try atRest(walk)
        try moving(walk)
        try oldIsAnother(walk)
        try walk.expect(0, "finish --yes", says: "would remove slot \(s.reverseName) on new")

        let table = try s.tandem("documents", "--list", "-").stdout.split(separator: "\n").map {
            $0.split(separator: "\t").map(String.init)
        }
        #expect(table.count > 30)
        let acting = Set(table.filter { $0.contains("dry-run") }.map { $0[0] })
        let rest = Set(table.map { $0[0] }).subtracting(acting)
        #expect(rest == Self.looking, "commands without --dry-run")
        #expect(acting.subtracting(walk.tried) == [], "with --dry-run, and not tried here")
    }

    // MARK: the example application

    private func theBookstore(_ walk: Walk) throws {
        let (old, shop) = (walk.s.old.connection, ["--dir", "shop"])
        try walk.refused(3, "demo --postgres /nowhere")
        try walk.expect(0, "demo --rate 10", says: "would make two servers below /tmp", really: nil)
        try walk.expect(2, "bookstore load")
        try walk.expect(1, "bookstore batch --once", ["--on", old])
        try walk.expect(
            0, "bookstore load --books 5 --accounts 5", ["--old", old] + shop,
            says: "would make a bookstore with 5 books")
        try walk.expect(3, "bookstore load --books 5 --accounts 5", ["--old", old, "--dir", "other"])
        try walk.expect(0, "bookstore batch --once", ["--on", old], says: "would write daily sales")
        try walk.expect(
            0, "bookstore instance web-1 --for 300ms --rate 5", ["--old", old] + shop,
            says: "would serve 2 customers at once in mode 1, 5 operations a second, for 300ms")
        try walk.expect(
            0, "bookstore fleet --instances 1 --for 300ms --rate 5", ["--old", old] + shop, says: "would start web-1")
        try walk.expect(1, "bookstore set web-1 --mode 3", shop)
        try walk.expect(0, "bookstore drop", ["--old", old], says: "would drop bookstore")
        try FileManager.default.removeItem(atPath: "\(walk.s.directory)/shop")
    }

    // MARK: step 0

    private func nothingIsPrepared(_ walk: Walk) throws {
        let s = walk.s
        let sides = ["--old", s.old.connection, "--new", s.new.connection]
        try walk.expect(0, "init --config proposed.yaml", sides, says: "data_a:", "would be written to proposed.yaml")
        try walk.refused(
            3, "prepare", "pause", "resume", "recopy public.t", "set-aside public.t", "b now", "b pause", "b resume",
            "b final", "resync --yes", "adopt --side old --yes", "advance --yes", "back --yes", "switch --yes",
            "verify")
        for end in ["abort --yes", "finish --yes"] { try walk.expect(0, end, says: "nothing of pair") }
        try s.writeConfiguration(dataA: ["public.*"])
        try walk.expect(
            0, "prepare", says: "would make slot \(s.slotName) on old", "would hold a snapshot of old", really: nil)
        try s.prepare()
        try walk.refused(3, "prepare")
        try walk.expect(0, "prepare --again", says: "would drop slot \(s.slotName)", really: nil)
        try walk.expect(0, "abort --yes", says: "would remove slot \(s.slotName) on old")
        try s.configureSteps(Self.extra)
        // A publication of this table would make updates fail on old.
        try s.old.sql("CREATE TABLE keyless (a int); INSERT INTO keyless VALUES (1)")
        try walk.expect(3, "run --until caught-up", says: "keyless")
        try s.old.sql("DROP TABLE keyless")
        try s.expect(0, "preflight")
        try walk.expect(0, "advance --yes", says: "0 to 1")
        try walk.expect(
            0, "run --until caught-up", says: "would make 2 tables on new", "would make schema tandem on old",
            "would make publication \(s.slotName) of 2 tables", "would make slot \(s.slotName) on old",
            "would copy the rows of 2 tables", "would carry 1 table of Data B", "would end when new has all")
    }

    // MARK: step 1

    private func following(_ walk: Walk) throws {
        let s = walk.s
        try walk.expect(
            0, "run --until caught-up", says: "would apply what \(s.slotName) brings after",
            "would carry 1 table of Data B")
        try walk.refused(3, "prepare", "switch --yes", "resync --yes", "adopt --side new --yes", "finish --yes")
        try walk.refused(2, "recopy public.u", "set-aside public.u", "b now b.nothing")
        try walk.expect(0, "pause", says: "would let copying and batches rest, once `tandem run` runs")
        try walk.expect(0, "pause --streams", says: "the slot would keep old's log")
        try walk.expect(0, "pause --streams", says: "nothing would change")
        try walk.expect(0, "run", says: "would let the streams rest", really: nil)
        try walk.expect(0, "resume", says: "and the streams, go on")
        try walk.expect(0, "b pause b.sums", says: "would let rest, by name")
        try walk.expect(0, "b now", says: "would ask the runner to bring along now")
        try walk.expect(0, "b resume", says: "would let go on: b.sums")
        try walk.expect(0, "b resume", says: "nothing would change")
        try walk.expect(0, "set-aside public.t", says: "would be counted, not applied")
        try walk.expect(1, "verify", says: "would compare 2 tables", "public.t: set aside")
        try walk.expect(0, "recopy public.t", says: "would be emptied on new and copied again")
        try walk.expect(0, "run --until caught-up", says: "would copy 1 table that is not complete: public.t")
        try walk.expect(0, "verify", says: "would compare 3 tables, and record what was found")

        try s.old.sql("SELECT pg_drop_replication_slot('\(s.slotName)')")
        try walk.refused(6, "run --until caught-up")
        try walk.expect(0, "resync --yes", says: "would be made again on old")
        // Evidence that others could write stops whatever acts.
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: "\(s.directory)/evidence")
        try walk.refused(
            3, "pause", "b now", "recopy public.t", "set-aside public.t", "advance --yes", "abort --yes",
            "run --until caught-up")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: "\(s.directory)/evidence")
        try s.expect(0, "evidence", "export", "log.jsonl")
        try walk.expect(0, "evidence import log.jsonl", says: "would take 0 of")
        try walk.refused(3, "evidence import tandem.yaml")
        try walk.expect(0, "evidence link --reason", ["a test"], says: "would put the log that is there aside")
    }

    /// Who still writes Data B is named at once.
    private func atRest(_ walk: Walk) throws {
        let s = walk.s
        let writer = try s.old.session(applicationName: "night job")
        try writer.send("BEGIN; UPDATE b.sums SET total = 51")
        try walk.expect(3, "b final", says: "night job")
        try writer.send("COMMIT")
        try walk.expect(0, "b final", says: "would watch for 1 s whether anybody writes", "b.sums")
    }

    // MARK: with a runner

    private func moving(_ walk: Walk) throws {
        let s = walk.s
        let run = try s.start("run")
        try s.catchUp()
        try s.waitUntilItStreams()
        walk.isMoving = true
        try walk.expect(0, "run", says: "would stand by", really: nil)
        try walk.refused(3, "abort --yes", "resync --yes")
        let other = try s.new.session()
        try other.send("SELECT pg_advisory_lock(hashtextextended('tandem_t_\(s.name)', 7463))")
        try walk.refused(3, "advance --yes")
        try other.send("SELECT pg_advisory_unlock_all()")
        // A difference on new; a repair that somebody has to say yes to.
        try s.new.sql("UPDATE t SET b = 'y' WHERE a = 3")
        try walk.expect(4, "canary", says: "different answers", "1 of 1 row not the same", "nothing is recorded")
        let repair = try walk.expect(4, "verify --repair", says: "would", really: nil)
        #expect(repair.contains("public.t"))
        try s.expect(0, "verify", "--repair")
        try walk.expect(0, "canary", says: "1 of 1 probe passed")
        try walk.expect(0, "advance --yes", says: "1 to 2")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try walk.expect(0, "back --yes", says: "2 to 1")
        try s.expect(0, "advance", "--yes")
        try s.waitForRoles(forward: "apply", reverse: "watch")
        let waived = ["--waive", "canary", "--waive", "rehearsed", "--reason", "a test"]
        try s.new.sql("ANALYZE")
        try s.expect(0, "verify")
        try walk.expect(3, "switch --yes", says: "gate rehearsed refuses")
        try s.catchUp()
        try walk.expect(0, "switch --yes", waived, says: "tried")
        try s.waitForRoles(forward: "watch", reverse: "apply")
        #expect(try run.stop() == .exited(0))
        walk.isMoving = false
        try walk.refused(3, "abort --yes", "recopy public.t")
    }

    /// As after a pg_upgrade of old.
    private func oldIsAnother(_ walk: Walk) throws {
        let s = walk.s
        try s.both("UPDATE tandem.epoch SET system_old = '1'")
        try s.old.sql("UPDATE tandem.source SET system_identifier = '1'")
        try walk.refused(6, "back --yes")
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        walk.isMoving = true
        try walk.expect(3, "adopt --side old --yes", says: "stop it first")
        run.kill()
        walk.isMoving = false
        try walk.expect(
            0, "adopt --side old --yes", says: "would make slot \(s.reverseName) again on new", "make rows of old equal"
        )
    }
}
