// What each rule is there for: the smallest trial that goes wrong without it. Some rules have another one behind them that
// would catch the fault a moment later; that one is then turned off, too, and named.

internal import Protocol

package struct Demonstration: Sendable {
    package let rule: Rule
    package let also: Set<Rule>
    package let trial: Trial

    private init?(
        _ rule: Rule, also: Set<Rule> = [], _ from: Step, _ to: Step, _ programs: [String], unseen: Set<Int> = []
    ) {
        let table = StepTable(.dualWrite)
        guard let way = table.transitions.first(where: { $0.from == from && $0.to == to }), let first = table[from],
            let last = table[to], let mode = first.modes.min()
        else { return nil }
        self.rule = rule
        self.also = also
        let other = rule == .countsAgree ? first.modes.max() ?? mode : mode
        trial = Trial(
            first, last, plan: FencedPlan(way, table), programs: programs, modes: [mode, other], unseen: unseen,
            without: also.union([rule]))
    }

    package static let all: [Demonstration] = [
        Demonstration(.nested, .writingStrictly, .readingNew, ["c", "w"]),
        Demonstration(.countsAgree, .detached, .readingNew, ["d", "d"], unseen: [1]),
        Demonstration(.refusesModes, .writingStrictly, .readingNew, ["c", "w"], unseen: [1]),
        Demonstration(.asksCensus, also: [.refusesModes], .writingStrictly, .readingNew, ["wr", "w"]),
        Demonstration(.haltsAtSentinel, .writingStrictly, .readingNew, ["wr", "w"]),
        Demonstration(.acknowledgesSettled, .writingBoth, .writingStrictly, ["i", "d"]),
        Demonstration(.reverseFirst, .derivedAtRest, .writingBoth, ["i", "d"]),
        Demonstration(.settles, also: [.deletesWithCare], .writingStrictly, .readingNew, ["i", "ir"]),
        Demonstration(.settlesOnBothSides, also: [.deletesWithCare], .writingStrictly, .readingNew, ["i", "ir"]),
        Demonstration(.guardsVersion, also: [.looksAgain], .writingBoth, .writingStrictly, ["c", "w"]),
        Demonstration(.looksAgain, .writingBoth, .writingStrictly, ["d", "d"]),
        Demonstration(.repairLocks, .writingStrictly, .readingNew, ["wr", "w"]),
        Demonstration(.deletesWithCare, .writingStrictly, .readingNew, ["d", "ir"]),
        Demonstration(.fencesBoth, .readingNew, .detached, ["c", "w"]),
        Demonstration(.passesFirst, .detached, .readingNew, ["c", "w"]),
        Demonstration(.drains, .writingStrictly, .readingNew, ["wr", "w"]),
        Demonstration(.settlesBelowSentinel, .readingNew, .detached, ["c", "w"]),
        Demonstration(.startsAtEnd, .readingNew, .detached, ["c", "d"]),
    ].compactMap { $0 }

    /// As docs/correctness.md has it; nil when nothing goes wrong.
    package var text: String? {
        var search = Search(trial)
        guard let acts = search.run().counterexample, let fault = acts.last else { return nil }
        return ([trial.title] + acts.dropLast().map { "  " + $0 } + ["=> " + fault]).joined(separator: "\n")
    }
}
