// What two rows mean together.

import Model
import Testing

@testable import Protocol

@Suite struct EpochTests {
    private func epoch(_ number: Int, _ step: Step = .following, truth: Side = .old) -> Epoch {
        Epoch(number: number, step: step, strategy: .pause, truth: truth, since: "", by: "")
    }

    @Test func theHigherOneHolds() {
        let (one, two) = (epoch(1), epoch(2, .derivedAtRest))
        #expect(EpochStanding(old: nil, new: nil) == .none)
        #expect(EpochStanding(old: one, new: one) == .agreed(one))
        #expect(EpochStanding(old: two, new: one) == .behind(two, side: .new))
        #expect(EpochStanding(old: one, new: two) == .behind(two, side: .old))
        #expect(EpochStanding(old: one, new: nil) == .behind(one, side: .new))
        #expect(EpochStanding(old: nil, new: one) == .behind(one, side: .old))
        #expect(EpochStanding(old: two, new: one).epoch == two)
    }

    @Test func theSameNumberForDifferentStatesIsNoState() {
        let (here, there) = (epoch(2, .derivedAtRest), epoch(2, .detached, truth: .new))
        #expect(EpochStanding(old: here, new: there) == .contradiction(old: here, new: there))
        #expect(EpochStanding(old: here, new: there).epoch == nil)
    }

    @Test func aRowKnowsItsRoles() {
        #expect(epoch(1, .detached).row?.role(of: .reverse) == .apply)
        #expect(epoch(1, .derivedAtRest).row?.role(of: .reverse) == .watch)
        #expect(epoch(1, .writingBoth).row == nil)
    }
}
