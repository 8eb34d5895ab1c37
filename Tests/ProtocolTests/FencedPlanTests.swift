// The acts of every fenced transition, by the rules that make them right.

import Model
import Testing

@testable import Protocol

@Suite struct FencedPlanTests {
    private static let all = Strategy.allCases.flatMap { strategy in
        StepTable(strategy).transitions.compactMap { transition in
            FencedPlan(transition, StepTable(strategy)).map { (strategy, transition, $0) }
        }
    }

    @Test func everyFencedTransitionHasOneAndNoOther() {
        #expect(Self.all.count == 7)
        for strategy in Strategy.allCases {
            for transition in StepTable(strategy).transitions {
                #expect((FencedPlan(transition, StepTable(strategy)) != nil) == transition.isFenced)
            }
        }
    }

    /// Old first; both before anything is written or looked at; nothing after the commit but opening and letting go.
    @Test func theOrderHolds() throws {
        for (_, transition, plan) in Self.all {
            func place(_ act: FencedAct) throws -> Int {
                try #require(plan.acts.firstIndex(of: act), "\(act) in \(transition.from) to \(transition.to)")
            }
            let (old, new) = (try place(.fence(.old)), try place(.fence(.new)))
            let commit = try place(.commit(plan.giver))
            #expect(old < new)
            for (at, act) in plan.acts.enumerated() {
                switch act {
                case .hold: #expect(at == 0)
                case .fence: break
                case .seal, .recheck, .mark: #expect(at > new && at < commit)
                case .drain(let direction, let halts):
                    #expect(try at > place(.mark(direction, halts: halts)) && at < commit)
                case .sequences, .position: #expect(try at > place(.recheck) && at < commit)
                case .commit: #expect(at == commit)
                case .open(let side): #expect(at > commit && side == plan.taker)
                case .release: #expect(at == plan.acts.count - 1 && plan.movesCharge)
                }
            }
            #expect(plan.acts[commit - 1] == .recheck, "looked at once more, right before")
        }
    }

    /// A stream that does something else from then on halts, or begins at a position; whichever there is, is marked. Where twins
    /// are repaired, nothing halts before everything has settled.
    @Test func streamsHaltWhereTheyChange() throws {
        for (strategy, transition, plan) in Self.all {
            let table = StepTable(strategy)
            let (before, after) = (try #require(table[transition.from]), try #require(table[transition.to]))
            for direction in Direction.allCases {
                let (from, to) = (before.role(of: direction), after.role(of: direction))
                let begins = from == .watch && to == .apply
                let (passes, halts) = (FencedAct.mark(direction, halts: false), FencedAct.mark(direction, halts: true))
                #expect(plan.acts.contains(.position(direction)) == begins)
                if before.repaired == nil {
                    #expect(plan.acts.filter { $0 == passes || $0 == halts }.count == (from == .off ? 0 : 1))
                    #expect(plan.acts.contains(halts) == (from == .apply && to != .apply))
                } else {
                    #expect(plan.acts.filter { $0 == passes }.count == 1)
                    let changes = from != to || before.repaired != after.repaired || before.truth != after.truth
                    // From 4 to 5 and back the stream back goes on watching, but repairs in another way.
                    let repairsOtherwise = before.repairLocks != after.repairLocks
                    #expect(plan.acts.contains(halts) == ((changes || repairsOtherwise) && !begins))
                    let settled = try #require(plan.acts.lastIndex { Self.isDrain($0, halts: false) })
                    #expect(plan.acts.firstIndex(of: halts).map { $0 > settled } ?? true)
                }
            }
            let applying = Direction.allCases.filter { table[transition.from]?.role(of: $0) == .apply }
            for direction in applying { #expect(plan.acts.contains(.seal(direction.target))) }
        }
    }

    private static func isDrain(_ act: FencedAct, halts: Bool) -> Bool {
        if case .drain(_, halts) = act { true } else { false }
    }

    @Test func theSwitchAndItsWayBackAreMirrors() throws {
        let table = StepTable(.pause)
        let forward = try #require(table.advance(from: .derivedAtRest).flatMap { FencedPlan($0, table) })
        let back = try #require(table.back(from: .detached).flatMap { FencedPlan($0, table) })
        #expect(
            forward.acts == [
                .hold, .fence(.old), .fence(.new), .seal(.new), .recheck, .mark(.forward, halts: true),
                .mark(.reverse, halts: false), .drain(.forward, halts: true), .drain(.reverse, halts: false),
                .sequences(from: .old, to: .new), .position(.reverse), .recheck, .commit(.old), .open(.new), .release,
            ])
        #expect(
            back.acts == [
                .hold, .fence(.old), .fence(.new), .seal(.old), .recheck, .mark(.forward, halts: false),
                .mark(.reverse, halts: true), .drain(.forward, halts: false), .drain(.reverse, halts: true),
                .sequences(from: .new, to: .old), .position(.forward), .recheck, .commit(.new), .open(.old), .release,
            ])
    }

    @Test func theBalance() throws {
        let table = StepTable(.dualWrite)
        let plan = try #require(table.advance(from: .writingStrictly).flatMap { FencedPlan($0, table) })
        #expect(
            plan.acts == [
                .fence(.old), .fence(.new), .seal(.new), .recheck, .mark(.forward, halts: false),
                .mark(.reverse, halts: false), .drain(.forward, halts: false), .drain(.reverse, halts: false),
                .mark(.forward, halts: true), .mark(.reverse, halts: true), .drain(.forward, halts: true),
                .drain(.reverse, halts: true), .recheck, .commit(.old), .open(.new),
            ])
    }

    @Test func chargeMovesWhereTruthDoes() {
        #expect(
            Self.all.filter(\.2.movesCharge).map { "\($0.1.from.rawValue)-\($0.1.to.rawValue)" } == [
                "5-6", "6-5", "2-6", "6-2",
            ])
    }
}
