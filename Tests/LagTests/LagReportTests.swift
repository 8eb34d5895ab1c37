// Lag from two samples: exact, at most, or unknown; never zero for want of knowledge.

import Lag
import Model
import Testing

@Suite struct LagReportTests {
    private static let limit = 1000

    private func old(
        now: Double = 100, beat: (number: Int, at: Double)? = (50, 99.5), position: UInt64 = 5000, held: UInt64? = 400
    ) -> OldSample {
        OldSample(
            now: now, position: LSN(position), beat: beat.map { ($0.number, $0.at, LSN(4000)) }, walHeld: held,
            slotStatus: "reserved")
    }

    private func new(
        beat: (number: Int, at: Double)? = (50, 99.5), progress: UInt64? = 4900, latency: Double? = nil,
        rate: Double? = nil
    ) -> NewSample {
        NewSample(
            progress: progress.map { LSN($0) }, beat: beat.map { ($0.number, $0.at, LSN(4000)) }, latency: latency,
            walRate: rate)
    }

    private func report(_ old: OldSample?, _ new: NewSample?, problem: String? = nil) -> LagReport {
        LagReport(old: old, new: new, walHeldLimit: Self.limit, problem: problem)
    }

    @Test func whatTheLastBeatTookIsTheLagOfAStreamThatFollows() {
        #expect(report(old(), new(latency: 0.02)).seconds == .known(0.02))
        // Another machine runs it, or it said nothing for a while: the age of the last beat bounds it.
        #expect(report(old(), new()).seconds == .known(0.5))
    }

    @Test func aMissingBeatCountsFromWhenItShouldHaveCome() {
        #expect(report(old(beat: (60, 99.5)), new(beat: (50, 89.5))).seconds == .known(9.5))
        #expect(report(old(beat: (51, 99.9)), new(beat: (50, 98.5), latency: 0.01)).seconds == .known(0.5))
    }

    @Test func theLastKnownLatencyIsTheLeastLagWhileABeatIsMissing() {
        #expect(report(old(beat: (51, 99.9)), new(beat: (50, 98.9), latency: 4)).seconds == .known(4))
    }

    @Test func withoutAFreshBeatTheLagIsAtMostTheAgeOfWhatIsVisible() {
        #expect(report(old(beat: (50, 40)), new(beat: (50, 40))).seconds == .atMost(60))
        #expect(report(old(beat: (50, 40)), new(beat: (45, 35))).seconds == .atMost(65))
        // An old latency says nothing about now.
        #expect(report(old(beat: (50, 40)), new(beat: (50, 40), latency: 0.01)).seconds == .atMost(60))
    }

    @Test func whatCannotBeKnownIsUnknownAndHasNoWorst() {
        let unknown = [
            report(nil, new()), report(old(), nil), report(old(), new(beat: nil)), report(old(beat: nil), new()),
            report(old(), new(), problem: "new cannot be reached"),
        ]
        for report in unknown {
            guard case .unknown(let reason) = report.seconds else {
                Issue.record("\(report.seconds)")
                continue
            }
            #expect(!reason.isEmpty)
            #expect(report.seconds.worst == nil)
        }
        #expect(LagReport.Seconds.atMost(3).worst == 3)
    }

    @Test func clocksThatDisagreeNeverMakeANegativeLag() {
        #expect(report(old(beat: (50, 101)), new(beat: (50, 101))).seconds == .known(0))
    }

    @Test func bytesNeedBothSides() {
        #expect(report(old(), new()).bytes == 100)
        #expect(report(old(position: 4000), new(progress: 4900)).bytes == 0)
        #expect(report(old(), new(progress: nil)).bytes == nil)
        #expect(report(old(), new(progress: 0)).bytes == nil)
        #expect(report(nil, new()).bytes == nil)
    }

    @Test func theLimitIsPassedOnlyAboveIt() {
        #expect(!report(old(held: 1000), new()).isOverLimit)
        #expect(report(old(held: 1001), new()).isOverLimit)
        #expect(!report(old(held: nil), new()).isOverLimit)
        #expect(report(old(held: nil), new()).walHeld == nil)
    }

    @Test func theTimeLeftFollowsTheRateOfTheLog() {
        #expect(report(old(held: 400), new(rate: 60)).untilLimit == 10)
        #expect(report(old(held: 2000), new(rate: 60)).untilLimit == 0)
        #expect(report(old(held: 400), new(rate: 0)).untilLimit == nil)
        // Nothing runs: what was written since the last beat tells the rate.
        #expect(report(old(beat: (50, 90)), nil).untilLimit == 6)
        #expect(report(old(), nil).untilLimit == nil)
    }
}
