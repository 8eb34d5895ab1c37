// The pure parts of a stream: timelines, what is asked of the source, how memory is shared out, how long to wait.

import Apply
import Model
import Testing
import Threading

@testable import Stream

@Suite struct PlanningTests {
    private static let history = """
        # a comment
        1\t0/3000158\tno recovery target specified

        2\t0/5000000\tbefore 2020-01-01 00:00:00+00
        11\tA/0\tno recovery target specified
        """

    @Test func aTimelineEndsWhereItWasLeft() {
        #expect(TimelineHistory.end(of: 1, in: Self.history) == LSN("0/3000158"))
        #expect(TimelineHistory.end(of: 2, in: Self.history) == LSN("0/5000000"))
        #expect(TimelineHistory.end(of: 11, in: Self.history) == LSN("A/0"))
    }

    @Test func aTimelineTheServerWasNeverOnHasNoEnd() {
        #expect(TimelineHistory.end(of: 3, in: Self.history) == nil)
        #expect(TimelineHistory.end(of: 1, in: "") == nil)
        #expect(TimelineHistory.end(of: 1, in: "1\tnonsense\t\n1") == nil)
    }

    @Test(arguments: [(13, 1), (14, 2), (15, 3), (16, 4), (18, 4)])
    func theProtocolIsTheNewestTheSourceSpeaks(major: Int, version: Int) {
        let options = StreamOptions(serverMajor: major, binary: true)
        let text = options.text(for: StreamName(migration: "m", pair: "p", direction: .forward))
        #expect(options.protocolVersion == version)
        #expect(text.contains("proto_version '\(version)'"))
        #expect(text.contains("publication_names '\"tandem_m_p_forward\"'"))
        #expect(text.contains("streaming 'on'") == (major >= 14))
        #expect(text.contains("binary") == (major >= 14))
        #expect(text.contains("origin 'any'") == (major >= 16))
    }

    @Test(arguments: [1 << 20, 8 << 20, 256 << 20, 64 << 30])
    func memoryIsSharedOutWithinTheLimit(limit: Int) {
        let plan = MemoryPlan(limit: limit)
        #expect(plan.open + plan.queue + 4 * plan.batch <= limit)
        #expect(plan.large <= plan.open)
        #expect(plan.batch >= 1 << 16 && plan.batch <= 8 << 20)
        #expect(plan.large >= 1 << 16 && plan.large <= 4 << 20)
    }

    @Test func waitingGrowsUpToItsLongest() {
        var backoff = Backoff(first: 0.5, longest: 3)
        #expect((0..<5).map { _ in backoff.seconds() } == [0.5, 1, 2, 3, 3])
    }
}
