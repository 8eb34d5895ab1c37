// Which trials make up the proof: every transition of both strategies in which somebody may write new, with every pair of
// programs that is told apart. Instances may be deployed in any permitted mode at any moment, so the mode in which they begin
// matters only where no gate has noticed it.

package import Protocol

package enum Proof {
    /// What two instances do, small enough to be searched whole, and together every way of meeting on one row.
    static let programs = [
        ["cr", "c"], ["wr", "w"], ["c", "w"], ["c", "d"], ["i", "ir"], ["i", "d"], ["i", "c"], ["d", "ir"], ["d", "d"],
    ]

    /// `change` makes other rows of the step table, to see what those are there for.
    package static func trials(
        _ strategy: Strategy, from: Step? = nil, to: Step? = nil, without rules: Set<Rule> = [],
        change: (StepRow) -> StepRow = { $0 }
    ) -> [Trial] {
        let table = StepTable(strategy)
        var trials: [Trial] = []
        for transition in table.transitions where from == nil || (transition.from == from && transition.to == to) {
            guard transition.from >= .derivedAtRest, transition.to >= .derivedAtRest,
                let first = table[transition.from].map(change), let last = table[transition.to].map(change)
            else { continue }
            trials += Self.trials(first, last, FencedPlan(transition, table), rules)
        }
        return trials
    }

    private static func trials(_ from: StepRow, _ to: StepRow, _ plan: FencedPlan?, _ rules: Set<Rule>) -> [Trial] {
        guard let first = from.modes.min() else { return [] }
        let common = from.modes.intersection(to.modes)
        var trials: [Trial] = []
        for programs in programs {
            trials.append(
                Trial(
                    from, to, plan: plan, programs: programs, modes: [first, first], without: rules,
                    failures: 2))
            // Nobody can keep an instance from reading what it must not read any more: only what it writes is refused.
            for mode in from.modes.subtracting(common).sorted() where !programs.joined().contains("r") {
                trials.append(
                    Trial(
                        from, to, plan: plan, programs: programs, modes: [first, mode], unseen: [1],
                        without: rules))
            }
        }
        return trials
    }

    /// A step at which the pair stays.
    package static func trials(at row: StepRow, without rules: Set<Rule> = []) -> [Trial] {
        guard let first = row.modes.min() else { return [] }
        return programs.map {
            Trial(row, row, plan: nil, programs: $0, modes: [first, first], without: rules)
        }
    }

    /// The shortest of what these trials end in.
    package static func shortest(_ trials: [Trial]) -> (trial: Trial, acts: [String])? {
        var found: (trial: Trial, acts: [String])?
        for trial in trials {
            var search = Search(trial)
            guard let acts = search.run(longest: found.map { $0.acts.count - 1 }).counterexample else { continue }
            found = (trial, acts)
        }
        return found
    }
}
