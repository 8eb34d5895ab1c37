// What a command finds to be done, by where the pairs stand and what was begun.

import Model
import Protocol
import State
import Testing

@testable import Passage

@Suite struct CrossingTests {
    private func standing(
        _ step: Step, going: Step? = nil, from: Step? = nil, _ strategy: Strategy = .pause
    ) -> PairStanding {
        let epoch = Epoch(
            number: step.rawValue + 1, step: step, strategy: strategy, truth: StepTable(strategy)[step]?.truth ?? .old,
            since: "", by: "")
        return PairStanding(
            epoch: epoch, lagging: nil, intent: going.map { Intent(from: from ?? step, to: $0, since: "", by: "") },
            isBound: true,
            strategy: strategy)
    }

    private func way(_ from: Step, _ to: Step) throws -> Transition {
        try #require(StepTable(.pause).transitions.first { $0.from == from && $0.to == to })
    }

    @Test func pairsThatStandTogetherStepTogether() throws {
        let both = [standing(.following), standing(.following)]
        #expect(try Crossing.find(.advance, both) == .transition(way(.following, .derivedAtRest), pairs: [0, 1]))
        #expect(throws: CrossingRefusal.noWay(.back, .following)) { try Crossing.find(.back, both) }
        let last = [standing(.detached)]
        #expect(throws: CrossingRefusal.noWay(.advance, .detached)) { try Crossing.find(.advance, last) }
        #expect(try Crossing.find(.back, last) == .transition(way(.detached, .derivedAtRest), pairs: [0]))
    }

    @Test func whoIsBehindGoesFirst() throws {
        let apart = [standing(.derivedAtRest), standing(.following)]
        #expect(try Crossing.find(.advance, apart) == .transition(way(.following, .derivedAtRest), pairs: [1]))
        #expect(try Crossing.find(.back, apart) == .transition(way(.derivedAtRest, .following), pairs: [0]))
    }

    /// Nothing is committed: the same command does it, the other one takes it back.
    @Test func whatWasBegunIsDoneOrUndone() throws {
        let begun = [standing(.following, going: .derivedAtRest), standing(.following)]
        let there = try way(.following, .derivedAtRest)
        #expect(try Crossing.find(.advance, begun) == .transition(there, pairs: [0]))
        #expect(try Crossing.find(.back, begun) == .undoing(there, pairs: [0]))
        let returning = [standing(.derivedAtRest, going: .following)]
        #expect(try Crossing.find(.back, returning) == .transition(way(.derivedAtRest, .following), pairs: [0]))
        #expect(try Crossing.find(.advance, returning) == .undoing(way(.derivedAtRest, .following), pairs: [0]))
    }

    /// One is committed: both commands complete, and neither undoes.
    @Test(arguments: [Way.advance, .back]) func whatIsCommittedIsCompleted(_ command: Way) throws {
        let there = try way(.following, .derivedAtRest)
        let half = [
            standing(.derivedAtRest, going: .derivedAtRest, from: .following),
            standing(.following, going: .derivedAtRest),
        ]
        #expect(try Crossing.find(command, half) == .completion(there, pairs: [0, 1]))
        let returning = [
            standing(.following, going: .following, from: .derivedAtRest), standing(.derivedAtRest, going: .following),
        ]
        #expect(try Crossing.find(command, returning) == .completion(way(.derivedAtRest, .following), pairs: [0, 1]))
    }

    /// Whoever repeats a command that was killed at its very end does not take one step too many.
    @Test func theEndIsCompletedToo() throws {
        let done = [standing(.derivedAtRest, going: .derivedAtRest, from: .following)]
        #expect(try Crossing.find(.advance, done) == .completion(way(.following, .derivedAtRest), pairs: [0]))
        let back = [standing(.following, going: .following, from: .derivedAtRest)]
        #expect(try Crossing.find(.advance, back) == .completion(way(.derivedAtRest, .following), pairs: [0]))
    }

    @Test func whatCannotBeToldIsRefused() {
        let mixed = [standing(.following), standing(.following, .dualWrite)]
        #expect(throws: CrossingRefusal.strategies) { try Crossing.find(.advance, mixed) }
        let entangled = [
            standing(.following, going: .derivedAtRest), standing(.derivedAtRest, going: .following),
        ]
        #expect(throws: CrossingRefusal.entangled) { try Crossing.find(.advance, entangled) }
    }
}

@Suite struct OutlookTests {
    /// What can be said without a stream back.
    @Test(arguments: [
        (Step.following, Strategy.pause, true, "abort"), (.derivedAtRest, .dualWrite, true, "tandem back"),
        (.derivedAtRest, .pause, true, "be missing"), (.detached, .pause, false, "cannot be reached"),
    ])
    func itSaysWhy(_ step: Step, _ strategy: Strategy, _ isAvailable: Bool, _ words: String) {
        let outlook = RollbackOutlook(step, strategy, back: nil, slot: nil)
        #expect(outlook.isAvailable == isAvailable && outlook.because.contains(words))
    }
}
