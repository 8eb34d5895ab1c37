// One question to the model: a transition (or a step at rest), who begins in which mode, and what each of them does.

package import Protocol

package enum Operation: Character, Sendable {
    /// Overwrites without looking.
    case write = "w"
    /// Reads the row under a lock and writes back what it read, changed.
    case change = "c"
    case insert = "i"
    case delete = "d"
    /// Only reads, without a lock.
    case read = "r"
}

package struct Trial: Sendable {
    package let from: StepRow
    /// Equal to `from` when the pair stays where it is.
    package let to: StepRow
    let isFenced: Bool
    /// What each instance does, one transaction after another.
    let programs: [[Operation]]
    let modes: [Mode]
    let startsAbsent: Bool
    /// Instances whose mode no gate notices.
    let unseen: Set<Int>
    let withoutRules: Set<Rule>
    /// How often something fails in an application, and how often tandem dies or gives up.
    let failures: Int
    let crashes: Int

    package init(
        _ from: StepRow, _ to: StepRow, isFenced: Bool, programs: [String], modes: [Mode], unseen: Set<Int> = [],
        without rules: Set<Rule> = [], failures: Int = 1, crashes: Int = 1
    ) {
        self.from = from
        self.to = to
        self.isFenced = isFenced
        self.programs = programs.map { $0.compactMap(Operation.init(rawValue:)) }
        self.modes = modes
        startsAbsent = programs.first?.hasPrefix("i") ?? false
        self.unseen = unseen
        withoutRules = rules
        self.failures = failures
        self.crashes = crashes
    }

    func obeys(_ rule: Rule) -> Bool { !withoutRules.contains(rule) }

    var common: Set<Mode> { from.modes.intersection(to.modes) }

    var start: World {
        var world = World()
        let row: Row = startsAbsent ? .absent : .initial
        for side in 0...1 { world.setRow(side, row) }
        world.promised = row
        for instance in programs.indices { world.setMode(instance, modes[instance]) }
        world.hasReverse = from.reverse != .off
        world.failures = failures
        world.crashes = crashes
        if from == to { world.progress = .done }
        return world
    }

    package var title: String {
        let way = from == to ? "at \(from.step)" : "\(from.step.rawValue) to \(to.step.rawValue)"
        let who = programs.indices.map { place in
            "instance \(place + 1) in \(modes[place]) does \(String(programs[place].map(\.rawValue)))"
        }
        return "\(way), " + who.joined(separator: ", ")
    }
}
