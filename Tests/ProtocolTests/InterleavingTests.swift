// The model of the protocol over the product's own step table: every transition holds, and without any one rule it does not.

import Foundation
import Interleavings
import Model
import Testing

@testable import Protocol

@Suite struct InterleavingTests {
    private static let ways = Strategy.allCases.flatMap { strategy in
        StepTable(strategy).transitions.filter { min($0.from, $0.to) >= .derivedAtRest }.map { (strategy, $0) }
    }

    @Test(arguments: ways) func everyTransitionHolds(_ strategy: Strategy, _ way: Transition) {
        let trials = Proof.trials(strategy, from: way.from, to: way.to)
        #expect(trials.count >= 9)
        for trial in trials {
            var search = Search(trial)
            let outcome = search.run()
            #expect(
                outcome.counterexample == nil,
                "\(trial.title)\n\(outcome.counterexample?.joined(separator: "\n") ?? "")")
            #expect(outcome.states > 20, "\(trial.title): nothing happened")
        }
    }

    @Test func everyRuleIsThereForSomething() throws {
        #expect(Demonstration.all.map(\.rule) == Rule.allCases)
        let document = try String(contentsOf: Self.checkout.appending(path: "docs/correctness.md"), encoding: .utf8)
        for demonstration in Demonstration.all {
            let text = try #require(demonstration.text, "nothing goes wrong without: \(demonstration.rule.sentence)")
            #expect(document.contains("```\n\(text)\n```"), "docs/correctness.md should say:\n\(text)")
            #expect(document.contains("### Without: \(demonstration.rule.sentence)\n"))
            #expect(demonstration.also.allSatisfy { document.contains($0.sentence) })
        }
    }

    /// What `step --explain` shows is what the model finds.
    @Test(arguments: [(Gate.census, Rule.asksCensus), (.stream, .drains), (.rollback, .reverseFirst)])
    func gatesShowWhatTheyPrevent(_ gate: Gate, _ rule: Rule) throws {
        let demonstration = try #require(Demonstration.all.first { $0.rule == rule })
        #expect(gate.interleaving == demonstration.text)
    }

    private static func row(
        _ row: StepRow, modes: Set<Mode>? = nil, forward: StreamRole? = nil
    ) -> StepRow {
        StepRow(
            step: row.step, modes: modes ?? row.modes, truth: row.truth, forward: forward ?? row.forward,
            reverse: row.reverse, repaired: row.repaired)
    }

    private static let otherRows: [(String, Step, Step, @Sendable (StepRow) -> StepRow)] = [
        (
            "new read at step 4", .writingBoth, .writingStrictly,
            { $0.step == .writingStrictly ? row($0, modes: [.bestEffort, .strict, .strictReadingNew]) : $0 }
        ),
        (
            "forward applies at step 5", .readingNew, .writingStrictly,
            { $0.step == .readingNew ? row($0, forward: .apply) : $0 }
        ),
        (
            "mode 3 at step 5", .readingNew, .writingStrictly,
            { $0.step == .readingNew ? row($0, modes: [.bestEffort, .strict, .strictReadingNew]) : $0 }
        ),
        (
            "mode 4 at step 6", .detached, .readingNew,
            { $0.step == .detached ? row($0, modes: [.strict, .strictReadingNew, .newOnly]) : $0 }
        ),
    ]

    @Test func otherRowsOfTheTableWouldNotHold() {
        for (name, from, to, change) in Self.otherRows {
            let found = Proof.shortest(Proof.trials(.dualWrite, from: from, to: to, change: change))
            #expect((found?.acts.count ?? 100) <= 14, "\(name)")
        }
    }

    private static var checkout: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }
}
