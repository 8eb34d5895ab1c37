// Killed at every place where that is interesting, then started again: nothing is lost, nothing is doubled.

import TestSupport
import Testing

@Suite(.blocking) struct FailpointTests {
    /// Those that `run` passes, and at which passing it dies.
    private static let running = [
        "after-stream-started", "after-stream-chunk:40", "after-spill-block:3", "after-stream-commit",
        "after-batch-sent:2", "before-target-commit", "before-target-commit:3", "after-target-commit",
        "after-target-commit:4", "during-large-transaction:2", "during-replay", "after-repair", "before-feedback:2",
        "after-feedback:2",
    ]
    private static let others = [
        "after-slot-created", "after-origin-created", "after-set-aside", "after-evidence", "during-abort",
    ]
    /// The copy's own, in its own tests.
    private static let copying = [
        "after-table-snapshot", "during-table-copy", "after-range-copied", "before-table-copied", "after-table-copied",
        "during-mending", "before-table-done", "after-table-done", "after-copy-complete",
    ]

    /// Those of comparing and repairing, likewise.
    private static let comparing = ["after-compared-range", "during-verify-repair", "after-verify-repair"]
    /// Those of Data B.
    private static let deriving = ["during-batch", "before-batch-commit", "after-batch-commit", "during-comparison"]

    /// Those of steps.
    private static let stepping = [
        "after-intent", "after-epoch-committed", "after-epoch-copied", "before-passage-end",
    ]

    /// Those of twins.
    private static let twins = ["after-twin-repair"]
    /// Those of the fence and of the sides changing places.
    private static let switching = [
        "before-triggers", "during-triggers", "before-hold", "after-hold", "after-first-fence", "after-both-fences",
        "after-sentinels", "after-drained", "after-settled", "after-charge-position", "before-flip-commit",
        "after-gate-closed", "before-gate-opened", "after-gate-opened", "after-release", "at-sentinel",
        "after-sentinel-durable", "during-attendance",
    ]

    @Test func everyFailpointIsTestedHere() throws {
        let s = try Scenario("failpoints", marker: false)
        defer { s.end() }
        let listed = try s.tandem("failpoints").stdout.split(separator: "\n").compactMap {
            $0.split(separator: " ").first.map(String.init)
        }
        let known = [
            Self.running, Self.others, Self.copying, Self.comparing, Self.deriving, Self.stepping, Self.switching,
            Self.twins,
        ].flatMap { $0 }
        let tested = Set(known.map { String($0.prefix { $0 != ":" }) })
        #expect(Set(listed) == tested)
        #expect(try s.tandem("run", environment: ["TANDEM_FAILPOINT": "no-such-place"]).status == .exited(2))
    }

    @Test(arguments: running)
    func aRunKilledThereIsCompletedByTheNext(place: String) throws {
        let torment = try Torment("fail")
        let s = torment.scenario
        defer { s.end() }
        try torment.work()
        let outcome = try s.tandem("run", "--until", "caught-up", environment: ["TANDEM_FAILPOINT": place])
        #expect(outcome.status == .signalled(9), "\(outcome.stderr)")
        try torment.judge()
        #expect(try s.new.value("SELECT sum(found) FROM tandem.difference") == "11")
    }

    @Test(arguments: ["after-slot-created", "after-origin-created"])
    func aPreparationKilledThereCanBeRepeated(place: String) throws {
        let torment = try Torment("failprepare", prepared: false)
        let s = torment.scenario
        defer { s.end() }
        #expect(try s.tandem("prepare", environment: ["TANDEM_FAILPOINT": place]).status == .signalled(9))
        #expect(try s.hasSlot())
        if place == "after-origin-created" {
            let refused = try s.tandem("prepare")
            #expect(refused.status == .exited(3))
            #expect(refused.stderr.contains("--again"))
        }
        try s.interrupted(s.start("prepare", "--again"))
        try torment.work()
        try torment.judge()
    }

    @Test func aSetAsideKilledAtItsEndCountsAndTheStreamGoesOn() throws {
        let torment = try Torment("failaside")
        let s = torment.scenario
        defer { s.end() }
        try s.new.sql("DROP TABLE aside")
        try s.old.sql("INSERT INTO aside VALUES (1, 'never arrives')")
        try torment.work()
        #expect(try s.tandem("run", "--until", "caught-up").status == .exited(5))
        let killed = try s.tandem("set-aside", "public.aside", environment: ["TANDEM_FAILPOINT": "after-set-aside"])
        #expect(killed.status == .signalled(9))
        #expect(try s.tandem("set-aside", "public.aside").status == .exited(0))
        try s.follow()
        try s.expectSame(except: ["public.aside"])
        #expect(try s.new.value("SELECT changes FROM tandem.set_aside") == "1")
        try s.expectSlotNotAhead()
    }

    @Test func anAbortKilledHalfWayIsCompletedByTheNext() throws {
        let torment = try Torment("failabort", prepared: false)
        let s = torment.scenario
        defer { s.end() }
        let before = try Traces(s)
        try s.prepare()
        try torment.work()
        try s.follow()
        let killed = try s.tandem("abort", "--yes", environment: ["TANDEM_FAILPOINT": "during-abort"])
        #expect(killed.status == .signalled(9))
        // A half-removed stream is neither continued nor prepared over.
        #expect(try s.tandem("run", "--until", "caught-up").status == .exited(6))
        #expect(try s.tandem("prepare").status == .exited(3))
        #expect(try s.tandem("abort", "--yes").status == .exited(0))
        #expect(try Traces(s) == before)
    }
}
