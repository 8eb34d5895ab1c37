// The invariant over the very table that the product acts by, and over everything it excludes.

import Model
import Testing

@testable import Protocol

@Suite struct StepTableTests {
    private static let tables = Strategy.allCases.map(StepTable.init)
    private static let roles = StreamRole.allCases.flatMap { forward in
        StreamRole.allCases.map { (forward: forward, reverse: $0) }
    }

    private static let mixtures: [Set<Mode>] = (1..<(1 << Mode.allCases.count)).map { bits in
        Set(Mode.allCases.enumerated().filter { bits & (1 << $0.offset) != 0 }.map(\.element))
    }

    /// Each row as it stands, with every mixture of the modes it allows.
    @Test(arguments: Strategy.allCases) func everyStepHoldsWithEveryMixture(_ strategy: Strategy) {
        for row in StepTable(strategy).rows where row.step > .classifying {
            for mixture in Self.mixtures where mixture.isSubset(of: row.modes) {
                let found = Invariant(modes: mixture, forward: row.forward, reverse: row.reverse).breaches
                #expect(found.isEmpty, "\(strategy.rawValue) \(row.step), \(mixture.sorted()): \(found)")
            }
        }
    }

    /// While tandem changes from one row to its neighbour it does what either of them says, and instances have the modes that
    /// both allow. Where there are none, nobody may write meanwhile: only the fence sees to that.
    @Test(arguments: Strategy.allCases) func everyTransitionHoldsOnBothSidesOfTheChange(_ strategy: Strategy) throws {
        let table = StepTable(strategy)
        for transition in table.transitions where transition.from > .classifying {
            let common = table.modes(during: transition)
            let (from, to) = (try #require(table[transition.from]), try #require(table[transition.to]))
            if common.isEmpty {
                #expect(transition.isFenced, "\(transition.from) to \(transition.to) needs a moment without writers")
                continue
            }
            for row in [from, to] {
                #expect(Invariant(modes: common, forward: row.forward, reverse: row.reverse).holds)
            }
        }
    }

    /// Which modes can live together at all, whatever the streams do: nothing more than the table has.
    @Test func noMixtureBeyondTheTableWouldBePossible() {
        let allowed = Self.tables.flatMap(\.rows).map(\.modes)
        for mixture in Self.mixtures where !allowed.contains(where: { mixture.isSubset(of: $0) }) {
            let some = Self.roles.first {
                Invariant(modes: mixture, forward: $0.forward, reverse: $0.reverse).holds
            }
            // 1 and 4, or all three that read old, would be correct too; the table is narrower, to have one step at a time.
            guard mixture.allSatisfy({ $0.reads == .old }) else {
                #expect(some == nil, "\(mixture.sorted())")
                continue
            }
            #expect(some != nil, "\(mixture.sorted())")
        }
        for forbidden: Set<Mode> in [
            [.oldOnly, .strictReadingNew], [.bestEffort, .strictReadingNew], [.strict, .newOnly],
        ] {
            #expect(Self.roles.allSatisfy { !Invariant(modes: forbidden, forward: $0.0, reverse: $0.1).holds })
        }
    }

    /// A row in which any stream did something else breaks the invariant, or is one of the few that the text explains.
    @Test func noRoleIsThereForNothing() throws {
        for row in StepTable(.dualWrite).rows where row.step > .classifying {
            for role in Self.roles where role != (row.forward, row.reverse) {
                let holds = Invariant(modes: row.modes, forward: role.forward, reverse: role.reverse).holds
                let sameApplying =
                    (role.forward == .apply) == (row.forward == .apply)
                    && (role.reverse == .apply) == (row.reverse == .apply)
                #expect(holds == sameApplying, "\(row.step) with \(role)")
            }
        }
    }

    @Test(arguments: Strategy.allCases) func theTableIsWhole(_ strategy: Strategy) {
        let table = StepTable(strategy)
        #expect(table.steps == table.steps.sorted())
        #expect(Set(table.steps).count == table.steps.count)
        #expect(table[.classifying] != nil && table[.detached] != nil)
        for step in table.steps {
            #expect(table.advance(from: step)?.to == table.next(after: step))
            // From 1 only `abort` leads back.
            #expect(table.back(from: step)?.to == (step <= .following ? nil : table.previous(before: step)))
        }
        #expect(table.transitions.allSatisfy { table[$0.from] != nil && table[$0.to] != nil })
        #expect(table.ahead(of: .classifying).count == table.steps.count - 1)
        #expect(strategy == .dualWrite ? table.steps == Step.allCases : table.steps.map(\.rawValue) == [0, 1, 2, 6])
    }

    /// Symmetrical around step 5: what leads across leads back.
    @Test(arguments: Strategy.allCases) func actsHaveTheirOpposites(_ strategy: Strategy) {
        let table = StepTable(strategy)
        let opposites: [Act: Act] = [
            .pauseDataB: .resumeDataB, .makeReverse: .removeReverse, .makeTriggers: .removeTriggers,
            .balance: .unbalance,
            .flip: .flip, .permit: .permit,
        ]
        for transition in table.transitions where transition.isForward && transition.from > .classifying {
            let back = table.transitions.first { $0.from == transition.to && $0.to == transition.from }
            #expect(Set(transition.acts.compactMap { opposites[$0] }) == Set(back?.acts ?? []), "\(transition.from)")
        }
    }

    /// The streams change by acts, and only by these.
    @Test(arguments: Strategy.allCases) func actsSayWhatRolesDo(_ strategy: Strategy) throws {
        let table = StepTable(strategy)
        for transition in table.transitions where transition.from > .classifying {
            let (from, to) = (try #require(table[transition.from]), try #require(table[transition.to]))
            #expect(transition.acts.contains(.makeReverse) == (from.reverse == .off && to.reverse != .off))
            #expect(transition.acts.contains(.removeReverse) == (from.reverse != .off && to.reverse == .off))
            #expect(transition.acts.contains(.flip) == (from.truth != to.truth))
            // Who starts or stops to apply does so under the fence, and never by the way.
            let changes = from.forward != to.forward || (from.reverse == .apply) != (to.reverse == .apply)
            #expect(!changes || transition.isFenced)
            #expect(table.changesCharge(transition) == (from.truth != to.truth || from.forward != to.forward))
        }
    }

    /// What correctness rests on is asked at each step that rests on it.
    @Test(arguments: Strategy.allCases) func noStepIsTakenUnasked(_ strategy: Strategy) throws {
        let table = StepTable(strategy)
        for way in table.transitions where way.from > .classifying {
            let (from, to) = (try #require(table[way.from]), try #require(table[way.to]))
            let gates = Set(way.gates)
            // Instances of some mode must be gone, or must have gone over to another one.
            let leave = strategy == .dualWrite && !from.modes.isSubset(of: to.modes)
            #expect(gates.contains(.census) == leave, "\(way.from) to \(way.to)")
            // Both sides give out ids from then on.
            let shares = strategy == .dualWrite && from.truth != to.truth
            #expect(gates.contains(.sequences) == shares, "\(way.from) to \(way.to)")
            #expect(!way.isForward || from.truth == to.truth || gates.contains(.rollback), "\(way.from) to \(way.to)")
            #expect(!gates.contains(.keys) || strategy == .dualWrite)
            #expect(from.repaired != nil || to.repaired == nil || gates.contains(.keys), "\(way.from) to \(way.to)")
            // Users meet what is there: it was compared, and new's planner knows it.
            let reads = Set(to.modes.map(\.reads)).subtracting(from.modes.map(\.reads))
            #expect(!reads.contains(.new) || gates.isSuperset(of: [.verified, .statistics, .canary]))
        }
    }

    /// Nobody has to talk a gate away to be correct.
    @Test func onlyWhatIsAboutComfortMayBeWaived() {
        #expect(
            Set(Gate.allCases.filter(\.isWaivable))
                == [.lag, .verified, .dataB, .statistics, .canary, .rehearsed])
        #expect(Gate.allCases.allSatisfy { !$0.why.isEmpty && !$0.why.contains("\n") && !$0.demand.isEmpty })
    }
}
